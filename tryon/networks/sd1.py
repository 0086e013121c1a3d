"""What is fixed in Stable Diffusion 1, whatever the widths (docs/facts/stable_diffusion_1.md#u-net).

Imports nothing heavy: settings are read before any engine runs.
"""

from __future__ import annotations

LEVEL_MULTIPLIERS = (1, 2, 4, 4)  # channels of the four levels, U-Net and VAE alike, in units of the first
LAYERS_PER_LEVEL = 2
GROUPS = 32  # of every group normalisation
LATENT_CHANNELS = 4
LATENT_STRIDE = 8  # image pixels per latent cell
LATENT_SCALE = 0.18215  # makes latents about unit variance
SIDE_MULTIPLE = 64  # an image side must divide by this: three halvings of the latent inside the U-Net


def level_channels(first: int) -> tuple[int, ...]:
    """Channels of the four levels, from the finest to the coarsest."""
    return tuple(first * multiplier for multiplier in LEVEL_MULTIPLIERS)


def smaller(engine: str, size: tuple[int, int]) -> str:
    """The settings of an engine that need about half the memory of a size (height, width), in steps the network can work at."""
    sides = {"height": size[0], "width": size[1]}
    wanted = {name: max(SIDE_MULTIPLE, side * 3 // 4 // SIDE_MULTIPLE * SIDE_MULTIPLE) for name, side in sides.items()}
    return "work smaller: " + " ".join(f"--set {engine}.{name}={side}" for name, side in wanted.items())
