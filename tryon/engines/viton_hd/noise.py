"""Noise by our seeds: one stream per picture, drawn in the published order (docs/facts/viton_hd.md#noise)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tryon.engines.viton_hd.architecture import Size
from tryon.noise import NoiseStream, SeededNoise

_THRESHOLD = 254.5 / 255
"""The published plane is a normal number of deviation 255 as a byte, divided by 255 and cut off: 1 where it saturates, else 0."""


def seeded_draw(seeds: Sequence[int], device: torch.device) -> StreamedNoise:
    """The noise of a batch of pictures."""
    return StreamedNoise([SeededNoise(seed) for seed in seeds], device)


class StreamedNoise:
    """Hands each norm its map.

    Args:
        streams: one per picture.
        device: where the pictures are made.
    """

    def __init__(self, streams: Sequence[NoiseStream], device: torch.device) -> None:
        self._streams, self._device = streams, device

    def __call__(self, name: str, size: Size) -> Tensor:
        """(n, 1, height, width) fp32; drawn with columns first, as the published code does."""
        drawn = torch.stack([stream.draw((size[1], size[0])) for stream in self._streams])
        return drawn.transpose(1, 2)[:, None].to(self._device)


def binary_planes(seeds: Sequence[int], planes: int, size: Size, device: torch.device) -> Tensor:
    """(n, planes, *size) fp32 of 0 and 1; a sixth are 1."""
    drawn = [SeededNoise(seed).draw((planes, *size)) for seed in seeds]
    return (torch.stack(drawn) >= _THRESHOLD).float().to(device)
