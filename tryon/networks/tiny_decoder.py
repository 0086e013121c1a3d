"""A tiny decoder in place of the VAE's: quick previews of the same latents (docs/facts/stable_diffusion_1.md#tiny-decoder)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers.models.autoencoders.vae import DecoderTiny
from torch import Tensor

from pipeline.core.arrays import RGB
from tryon.networks.pictures import picture_levels, to_host
from tryon.networks.precision import dtype_of
from tryon.networks.sd1 import LATENT_CHANNELS

PREFIX = "decoder."
"""Of the decoder's weights in the published file, which holds an encoder too."""


def build_tiny_decoder() -> Any:
    """The decoder of TAESD as diffusers' own class: 64 channels at every size, ten residual blocks, three doublings."""
    return DecoderTiny(LATENT_CHANNELS, 3, (3, 3, 3, 1), (64, 64, 64, 64), 2, "relu", "nearest")


def fill_tiny_decoder(weights: Mapping[str, Tensor], dtype: torch.dtype) -> Any:
    """The decoder with weights whose names are known to fit, evaluation mode, no gradients."""
    decoder = build_tiny_decoder().to(dtype)
    decoder.load_state_dict(decoder_weights(weights), strict=True)
    return decoder.eval().requires_grad_(False)


def decoder_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The decoder's weights out of a file's, under its own names."""
    return {name.removeprefix(PREFIX): tensor for name, tensor in weights.items() if name.startswith(PREFIX)}


def decode_tiny(decoder: Any, latents: Tensor, *, rounded: bool) -> list[RGB | None]:
    """Decode latents in one call.

    Args:
        decoder: what `fill_tiny_decoder` made.
        latents: (b, 4, h, w) scaled latents, taken as they are: this decoder knows no scale.
        rounded: see `pictures.to_levels`.

    Returns:
        (8h, 8w, 3) uint8 RGB per latent; None where the result is not finite.
    """
    decoded = decoder(latents.to(dtype_of(decoder))).float()
    usable = torch.isfinite(decoded).all(dim=(1, 2, 3))
    levels, fine = to_host(picture_levels(decoded, rounded=rounded), usable)
    return [picture.numpy() if each else None for picture, each in zip(levels, fine.tolist(), strict=True)]
