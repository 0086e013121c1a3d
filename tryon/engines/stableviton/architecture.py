"""The widths of the StableVITON network: one frozen description that every part is built from.

The published network is `FULL`; tests run the same code on a description with a fraction of the channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LEVEL_MULTIPLIERS = (1, 2, 4, 4)
LAYERS_PER_LEVEL = 2
GROUPS = 32
LATENT_CHANNELS = 4
LATENT_STRIDE = 8  # image pixels per latent cell
SIDE_MULTIPLE = 64  # an image side must divide by this: three halvings of the latent inside the U-Net

WARP_QUERY_WIDTHS = (4, 4, 4, 4, 2, 2, 2, 1, 1)
"""Decoder width in front of output blocks 3 to 11, in units of `model_channels`: where garment features enter."""

WARP_GARMENT_WIDTHS = (4, 4, 2, 2, 2, 1, 1, 1, 1)
"""Width of the spatial-encoder output (8 down to 0) that each of those nine places looks at, in the same unit."""


@dataclass(frozen=True, kw_only=True)
class ClipWidths:
    """The vision tower that turns the garment picture into one token (ViT-L/14 in the published network)."""

    hidden_size: int = 1024
    intermediate_size: int = 4096
    layers: int = 24
    heads: int = 16
    image_size: int = 224  # pixels, square
    patch_size: int = 14  # pixels
    projection_dim: int = 768


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Every width of the network; the rest (three levels with attention, two layers each) is fixed."""

    model_channels: int = 320
    heads: int = 8  # at every width, so a head has 40, 80 or 160 channels
    context_dim: int = 768
    condition_channels: int = 13  # noisy latent 4, agnostic 4, keep mask 1, densepose 4
    vae_channels: int = 128
    mapper_layers: int = 5
    clip: ClipWidths = field(default_factory=ClipWidths)

    @property
    def level_channels(self) -> tuple[int, ...]:
        """Channels of the four U-Net levels, from the finest to the coarsest."""
        return tuple(self.model_channels * multiplier for multiplier in LEVEL_MULTIPLIERS)

    @property
    def time_channels(self) -> int:
        """Width of the time embedding after its two linear layers."""
        return 4 * self.model_channels

    @property
    def warp_widths(self) -> tuple[tuple[int, int], ...]:
        """(decoder channels, garment channels) of the nine zero cross-attention blocks, in module order."""
        pairs = zip(WARP_QUERY_WIDTHS, WARP_GARMENT_WIDTHS, strict=True)
        return tuple((query * self.model_channels, garment * self.model_channels) for query, garment in pairs)


FULL = Architecture()
