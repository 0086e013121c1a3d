"""Pictures to latents and back: the VAE, its posterior, and the scale the diffusion works at.

Facts: docs/facts/stable_diffusion_1.md#vae.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL
from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import ResnetBlock2D
from einops import rearrange
from torch import Tensor

from pipeline.core.arrays import RGB
from tryon.networks.attention import Kernel
from tryon.networks.pictures import picture_levels, picture_tensor, to_host
from tryon.networks.precision import dtype_of, keep_in_fp32, overflowed
from tryon.networks.sd1 import GROUPS, LATENT_CHANNELS, LATENT_SCALE, LAYERS_PER_LEVEL, LEVEL_MULTIPLIERS
from tryon.networks.unet_layers import attend, residual_block

ENCODE_BYTES_PER_PIXEL = 1050  # of one picture's activations in 16 bits, counted by benchmarks.live_memory
DECODE_BYTES_PER_PIXEL = 1450
BLACK = -0.98  # in [-1, 1]: a picture that never exceeds this is what a number overflow looks like


def build_vae(
    channels: int = 128,
    layers: int = LAYERS_PER_LEVEL,
    groups: int = GROUPS,
    multipliers: Sequence[int] = LEVEL_MULTIPLIERS,
) -> Any:
    """Build the autoencoder as diffusers' own class.

    Args:
        channels: width of its finest level.
        layers: of a level.
        groups: of every group normalisation.
        multipliers: widths of the levels in units of the finest.
    """
    levels = len(multipliers)
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=tuple(channels * multiplier for multiplier in multipliers),
        layers_per_block=layers,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=groups,
        scaling_factor=LATENT_SCALE,
    )
    for layer in vae.modules():
        if isinstance(layer, ResnetBlock2D):
            layer.__class__ = _Residual
        elif isinstance(layer, Attention):
            layer.__class__ = MapAttention
    vae.encoder.conv_act.inplace = vae.decoder.conv_act.inplace = True  # behind a norm, whose result nobody else reads
    return vae


class _Residual(ResnetBlock2D):  # type: ignore[misc]  # the library ships no types
    """Without the library's division by one, which reads and writes every map once more."""

    def forward(self, x: Tensor, temb: None = None) -> Tensor:
        return residual_block(self, x)


class MapAttention(Attention):  # type: ignore[misc]  # the library ships no types
    """Self-attention of a map, by the kernel of the savings."""

    kernel = Kernel.FUSED

    def forward(self, x: Tensor, temb: None = None) -> Tensor:
        """(b, c, h, w) → the same shape."""
        tokens = self.group_norm(rearrange(x, "b c h w -> b c (h w)")).transpose(1, 2)
        out: Tensor = x + rearrange(attend(self, tokens, tokens, kernel=self.kernel), "b (h w) c -> b c h w", h=x.shape[2])
        return out


@dataclass(frozen=True)
class Posterior:
    """The distribution the encoder gives for a picture, in unscaled latent units; cacheable per picture."""

    mean: Tensor  # (b, 4, h, w)
    deviation: Tensor  # (b, 4, h, w), standard deviation

    def sample(self, noise: Tensor | None) -> Tensor:
        """Draw a scaled latent (b, 4, h, w) with the given standard normal noise; None gives the mean."""
        latent = self.mean if noise is None else self.mean + self.deviation * noise.to(self.mean)
        return latent * LATENT_SCALE

    def __getitem__(self, index: int | slice) -> Posterior:
        """One picture's posterior, batch axis kept."""
        rows = slice(index, index + 1) if isinstance(index, int) else index
        return Posterior(self.mean[rows], self.deviation[rows])

    def is_finite(self) -> bool:
        """Whether it is free of overflows; waits for the device."""
        return bool((torch.isfinite(self.mean) & torch.isfinite(self.deviation)).all())


def stacked(posteriors: Sequence[Posterior]) -> Posterior:
    """Many pictures' posteriors as one batch."""
    return Posterior(torch.cat([p.mean for p in posteriors]), torch.cat([p.deviation for p in posteriors]))


def encode_all(vae: Any, pictures: Sequence[RGB]) -> list[Posterior]:
    """Encode pictures in one call; where 16 bits overflow, the VAE stays in fp32 from then on.

    Args:
        vae: what `build_vae` made.
        pictures: (height, width, 3) uint8 RGB, all of one size; sides are multiples of 64.

    Returns:
        One posterior per picture, on the VAE's device.
    """
    posterior = encode_finite(vae, torch.cat([picture_tensor(picture) for picture in pictures]))
    return [posterior[row] for row in range(len(pictures))]


def encode_finite(vae: Any, pictures: Tensor) -> Posterior:
    """(b, 3, height, width) in [-1, 1], on any device; where 16 bits overflow, the VAE stays in fp32 from then on."""
    there = pictures.to(_device(vae), non_blocking=True)
    posterior = encode_pictures(vae, there)
    if dtype_of(vae) != torch.float32 and not posterior.is_finite():
        keep_in_fp32(vae, "the VAE")
        posterior = encode_pictures(vae, there)
    return posterior


def decode_finite(vae: Any, latents: Tensor) -> Tensor:
    """Scaled latents (b, 4, h, w) → pictures (b, 3, 8h, 8w) in [-1, 1], fp32, on the CPU.

    Where 16 bits overflow, the VAE stays in fp32 from then on; what even fp32 gives no number for is black.
    """
    decoded = decode_latents(vae, latents)
    if dtype_of(vae) != torch.float32 and not bool(torch.isfinite(decoded).all()) and not overflowed(latents):
        keep_in_fp32(vae, "the VAE")
        decoded = decode_latents(vae, latents)
    return decoded.cpu().nan_to_num(-1, 1, -1).clamp(-1, 1)


def decode_all(vae: Any, latents: Tensor, *, rounded: bool) -> list[RGB | None]:
    """Decode latents in one call and with one wait for the device; where 16 bits overflow, the VAE stays in fp32 from then on.

    Args:
        vae: what `build_vae` made.
        latents: (b, 4, h, w) scaled latents.
        rounded: see `pictures.to_levels`.

    Returns:
        (8h, 8w, 3) uint8 RGB per latent; None where even fp32 gives no picture.
    """
    pictures = _pictures(vae, latents, rounded)
    blank = [row for row, picture in enumerate(pictures) if picture is None]
    if not blank or dtype_of(vae) == torch.float32:
        return pictures
    bad = overflowed(latents)  # nobody makes a picture of those
    again = [row for row in blank if row not in bad]
    if again:
        keep_in_fp32(vae, "the VAE")
        for row, picture in zip(again, _pictures(vae, latents[again], rounded), strict=True):
            pictures[row] = picture
    return pictures


def encode_pictures(vae: Any, pictures: Tensor) -> Posterior:
    """(b, 3, height, width) in [-1, 1] → the posterior on the (height / 8, width / 8) grid, in fp32."""
    posterior = vae.encode(pictures.to(dtype_of(vae))).latent_dist
    return Posterior(posterior.mean.float(), posterior.std.float())


def decode_latents(vae: Any, latents: Tensor) -> Tensor:
    """Scaled latents (b, 4, h, w) → pictures (b, 3, 8h, 8w), about [-1, 1], fp32."""
    decoded: Tensor = vae.decode((latents / LATENT_SCALE).to(dtype_of(vae))).sample
    return decoded.float()


def _pictures(vae: Any, latents: Tensor, rounded: bool) -> list[RGB | None]:
    decoded = decode_latents(vae, latents)
    usable = torch.isfinite(decoded).all(dim=(1, 2, 3)) & (decoded.amax(dim=(1, 2, 3)) >= BLACK)
    levels, fine = to_host(picture_levels(decoded, rounded=rounded), usable)
    return [picture.numpy() if each else None for picture, each in zip(levels, fine.tolist(), strict=True)]


def _device(vae: Any) -> torch.device:
    device: torch.device = next(vae.parameters()).device
    return device
