"""Pictures to latents and back: the VAE, its posterior, and the scale the diffusion works at.

Facts: docs/facts/stable_diffusion_1.md#vae.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diffusers import AutoencoderKL
from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import ResnetBlock2D
from einops import rearrange
from torch import Tensor

from tryon.networks.attention import Kernel
from tryon.networks.sd1 import GROUPS, LATENT_CHANNELS, LATENT_SCALE, LAYERS_PER_LEVEL, LEVEL_MULTIPLIERS, level_channels
from tryon.networks.unet_layers import attend, residual_block


def build_vae(channels: int = 128) -> Any:
    """Build the autoencoder as diffusers' own class; `channels` is the width of its finest level."""
    levels = len(LEVEL_MULTIPLIERS)
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=level_channels(channels),
        layers_per_block=LAYERS_PER_LEVEL,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=GROUPS,
        scaling_factor=LATENT_SCALE,
    )
    for layer in vae.modules():
        if isinstance(layer, ResnetBlock2D):
            layer.__class__ = _Residual
        elif isinstance(layer, Attention):
            layer.__class__ = MapAttention
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

    @property
    def nbytes(self) -> int:
        """Memory it holds, in bytes."""
        return self.mean.nbytes + self.deviation.nbytes


def encode_pictures(vae: Any, pictures: Tensor) -> Posterior:
    """Encode pictures.

    Args:
        vae: what `build_vae` made.
        pictures: (b, 3, height, width) in [-1, 1]; sides are multiples of 64.

    Returns:
        The posterior on the (height / 8, width / 8) grid, in fp32.
    """
    posterior = vae.encode(pictures.to(vae.dtype)).latent_dist
    return Posterior(posterior.mean.float(), posterior.std.float())


def decode_latents(vae: Any, latents: Tensor) -> Tensor:
    """Decode scaled latents (b, 4, h, w) into pictures (b, 3, 8h, 8w), about [-1, 1], fp32."""
    decoded: Tensor = vae.decode((latents / LATENT_SCALE).to(vae.dtype)).sample
    return decoded.float()
