"""A StableVITON with generated weights, and inputs for it: what a speed measurement needs, without any download."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import torch

from tryon.engines.stableviton.architecture import FULL, Architecture
from tryon.engines.stableviton.checkpoint import empty_network, fill_network
from tryon.engines.stableviton.encoding import PersonPictures
from tryon.engines.stableviton.network import StableViton
from tryon.networks.clip import ClipWidths
from tryon.networks.savings.switches import Savings

TINY = Architecture(
    model_channels=64,
    context_dim=48,
    vae_channels=32,
    clip=ClipWidths(hidden_size=64, intermediate_size=128, layers=3, heads=4, projection_dim=48),
)
"""A fifth of the channels: what tests and the measurement of the step run."""
POOL = 1 << 22  # random numbers that all weights are cut from: drawing 1.7 billion takes longer than measuring


class GeneratedWeights(Mapping[str, torch.Tensor]):
    """Weights made when they are asked for, so that nothing is held twice: variance 1 / fan-in, norms near 1.

    Args:
        shapes: name → a tensor of the wanted shape, without contents.
    """

    def __init__(self, shapes: Mapping[str, torch.Tensor]) -> None:
        self._shapes = shapes
        self._pool = torch.randn(POOL, generator=torch.Generator().manual_seed(0))

    def __getitem__(self, name: str) -> torch.Tensor:
        tensor = self._shapes[name]
        long_enough = self._pool if tensor.numel() <= POOL else self._pool.repeat(math.ceil(tensor.numel() / POOL))
        values = long_enough[: tensor.numel()].reshape(tensor.shape)
        if tensor.ndim > 1:
            return values / math.sqrt(tensor[0].numel())
        return 0.05 * values + (1.0 if name.endswith("weight") else 0.0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


def generated_network(savings: Savings, dtype: torch.dtype, architecture: Architecture = FULL) -> StableViton:
    """A network whose activations stay in a sane range."""
    weights = GeneratedWeights(empty_network(architecture, savings).state_dict())
    return fill_network(architecture, weights, dtype, savings)


def generated_person(size: tuple[int, int], seed: int = 0) -> PersonPictures:
    """Noise pictures with a rectangle to repaint; size is (height, width) in pixels."""
    random = np.random.default_rng(seed)
    picture = [random.integers(0, 256, (*size, 3), dtype=np.uint8) for _ in range(3)]
    keep = np.full(size, 255, np.uint8)
    keep[size[0] // 4 : 3 * size[0] // 4, size[1] // 4 : 3 * size[1] // 4] = 0
    return PersonPictures(image=picture[0], agnostic=picture[1], densepose=picture[2], keep=keep)


def generated_garment(size: tuple[int, int], seed: int = 1) -> np.ndarray:
    """(height, width, 3) uint8 noise."""
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
