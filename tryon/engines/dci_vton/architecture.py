"""Widths of the diffusion network: Stable Diffusion 1's, with nine input channels and a picture's token for a context.

The published network is `FULL`; tests run the same code on a description with a fraction of the channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tryon.networks.clip import ClipWidths
from tryon.networks.sd1 import LAYERS_PER_LEVEL, level_channels


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Every width of the network, and how many layers a level has."""

    model_channels: int = 320
    heads: int = 8
    context_dim: int = 768
    condition_channels: int = 9  # noisy latent 4, inpaint picture 4, keep mask 1
    unet_layers: int = LAYERS_PER_LEVEL
    vae_channels: int = 128
    vae_layers: int = LAYERS_PER_LEVEL
    mapper_layers: int = 5
    clip: ClipWidths = field(default_factory=ClipWidths)

    @property
    def level_channels(self) -> tuple[int, ...]:
        """Channels of the four levels of the U-Net, from the finest to the coarsest."""
        return level_channels(self.model_channels)


FULL = Architecture()
PARAMETERS = 1.28e9
"""Weights of the full network, without queries over a single token."""
CALL_BYTES_PER_PIXEL = 420
"""Of one picture's activations in a model call in 16 bits: StableVITON's, less its spatial encoder's maps; not counted."""
