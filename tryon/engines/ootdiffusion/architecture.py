"""The widths of OOTDiffusion: one frozen description that every part is built from.

The published network is `FULL`; tests run the same code on a description with a fraction of the channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tryon.networks.clip import ClipWidths, TextWidths
from tryon.networks.eyes import CLIP_H, DinoWidths
from tryon.networks.sd1 import GROUPS, LATENT_CHANNELS, LAYERS_PER_LEVEL, LEVEL_MULTIPLIERS, level_channels


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Every width of the network. Facts: docs/facts/ootdiffusion.md#parts."""

    level_channels: tuple[int, ...] = level_channels(320)
    heads: int = 8
    context_dim: int = 768
    groups: int = GROUPS
    vae_channels: int = 128
    vae_multipliers: tuple[int, ...] = LEVEL_MULTIPLIERS
    vae_layers: int = LAYERS_PER_LEVEL
    vae_groups: int = GROUPS
    text: TextWidths = field(default_factory=TextWidths)
    clip: ClipWidths = field(default_factory=ClipWidths)
    clip_h: ClipWidths = CLIP_H  # with what an adapter may look
    dinov2: DinoWidths = field(default_factory=DinoWidths)


FULL = Architecture()

GARMENT_CHANNELS = LATENT_CHANNELS
TRY_ON_CHANNELS = 2 * LATENT_CHANNELS
"""Noisy latent and masked person."""

PARAMETERS = 2.23e9
"""Weights of the full network: two U-Nets of 0.86, VAE 0.08, CLIP 0.43."""

CALL_BYTES_PER_PIXEL = 520
"""Of one picture's activations in a model call in 16 bits; a guided call has two pictures."""

KEPT_BYTES_PER_PIXEL = 180
"""Of one garment's keys and values in 16 bits: 132 MiB at 1024×768 a branch; a guided garment has two branches."""
