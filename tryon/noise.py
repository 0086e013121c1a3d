"""Seeded noise: one stream per picture, so that batch size, order and machine do not change what is drawn.

Facts: docs/facts/samplers.md#randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor


class NoiseStream(Protocol):
    """Standard normal numbers for one picture, in a fixed order of draws."""

    def draw(self, shape: tuple[int, ...]) -> Tensor:
        """The next draw, fp32 on the CPU."""


class SeededNoise:
    """The stream of one seed.

    The order of draws is the official one: person (only when the start code is made of it), agnostic, densepose, start
    noise, then the garment once per model call.
    """

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator("cpu").manual_seed(seed % 2**63)

    def draw(self, shape: tuple[int, ...]) -> Tensor:
        """The next draw, fp32 on the CPU."""
        return torch.randn(shape, generator=self._generator)


def draw_batch(streams: Sequence[NoiseStream], shape: tuple[int, ...]) -> Tensor:
    """One draw of each stream, (b, *shape)."""
    return torch.stack([stream.draw(shape) for stream in streams])
