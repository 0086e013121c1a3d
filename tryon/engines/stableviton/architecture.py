"""The widths of the StableVITON network: one frozen description that every part is built from.

The published network is `FULL`; tests run the same code on a description with a fraction of the channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tryon.networks.clip import ClipWidths
from tryon.networks.sd1 import level_channels

WARP_QUERY_WIDTHS = (4, 4, 4, 4, 2, 2, 2, 1, 1)
"""Decoder width in front of output blocks 3 to 11, in units of `model_channels`: where garment features enter."""

WARP_GARMENT_WIDTHS = (4, 4, 2, 2, 2, 1, 1, 1, 1)
"""Width of the spatial-encoder output (8 down to 0) that each of those nine places looks at, in the same unit."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Every width of the network; the rest (three levels with attention, two layers each) is fixed."""

    model_channels: int = 320
    heads: int = 8  # at every width, so a head has 40, 80 or 160 channels
    context_dim: int = 768
    condition_channels: int = 13  # noisy latent 4, agnostic 4, keep mask 1, densepose 4
    vae_channels: int = 128
    mapper_layers: int = 5
    plain_addition: bool = False  # the paper's ablation: garment maps are added as ControlNet does, without attention
    clip: ClipWidths = field(default_factory=ClipWidths)

    @property
    def level_channels(self) -> tuple[int, ...]:
        """Channels of the four U-Net levels, from the finest to the coarsest."""
        return level_channels(self.model_channels)

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

PARAMETERS = 1.62e9
"""Weights of the full network, without the control tail and without queries over a single token."""

CALL_BYTES_PER_PIXEL = 480
"""Of one picture's activations in a model call in 16 bits, counted by benchmarks.live_memory; a guided call has two pictures."""
