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


class DrawnAhead:
    """A stream whose next draws lie on a device already.

    Args:
        drawn: (n, *shape), on the device.
        stream: where they came from; it goes on when they are used up.
    """

    def __init__(self, drawn: Tensor, stream: NoiseStream) -> None:
        self._drawn, self._stream = drawn, stream
        self._used = 0

    def draw(self, shape: tuple[int, ...]) -> Tensor:
        """The next draw, fp32 on the device."""
        if self._used == len(self._drawn):
            return self._stream.draw(shape).to(self._drawn.device)
        self._used += 1
        return self._drawn[self._used - 1]


def draw_ahead(streams: Sequence[NoiseStream], shape: tuple[int, ...], count: int, device: torch.device) -> list[NoiseStream]:
    """Draw on the CPU, in each stream's own order, what a whole picture takes, and bring it to a device in one copy.

    The copy leaves from pinned memory, so nothing waits for it.

    Args:
        streams: one per picture.
        shape: of one draw.
        count: draws per stream; one too few costs a copy that is waited for, one too many nothing.
        device: where the pictures are made.

    Returns:
        Streams with the same numbers.
    """
    drawn = torch.empty((len(streams), count, *shape), pin_memory=device.type == "cuda")
    for row, stream in enumerate(streams):
        for number in range(count):
            drawn[row, number] = stream.draw(shape)
    return [DrawnAhead(*pair) for pair in zip(drawn.to(device, non_blocking=True), streams, strict=True)]


def draw_batch(streams: Sequence[NoiseStream], shape: tuple[int, ...]) -> Tensor:
    """One draw of each stream, (b, *shape)."""
    return torch.stack([stream.draw(shape) for stream in streams])
