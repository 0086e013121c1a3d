"""Rotary positions: each pair of a head's channels is turned by an angle that grows with row or column (Su et al. 2021).

Facts: docs/facts/fashn_vton.md#network.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from tryon.engines.fashn.architecture import Architecture

BASE = 10_000.0


class Turn(NamedTuple):
    """Cosines and sines, each (1, 1, n, d / 2) fp32, of n tokens."""

    cosine: Tensor
    sine: Tensor

    def twice(self) -> Turn:
        """For garment tokens followed by person tokens: both have the same positions."""
        return Turn(*(torch.cat([part, part], dim=2) for part in self))


def positions(grid: tuple[int, int]) -> Tensor:
    """(n, 3) fp64 of a constant 0, row and column, row by row."""
    rows, columns = torch.meshgrid(*(torch.arange(side, dtype=torch.float64) for side in grid), indexing="ij")
    return torch.stack([torch.zeros_like(rows), rows, columns], dim=-1).flatten(0, 1)


def turn_of(architecture: Architecture) -> Turn:
    """The turn of every token of one picture; angles in fp64."""
    angles = [
        place[:, None] * BASE ** -(torch.arange(0, channels, 2, dtype=torch.float64) / channels)
        for place, channels in zip(positions(architecture.grid).T, architecture.axes, strict=True)
    ]
    angle = torch.cat(angles, dim=1)[None, None]
    return Turn(angle.cos().float(), angle.sin().float())


def turned(x: Tensor, turn: Turn) -> Tensor:
    """(b, heads, n, d) fp32, its pairs (2j, 2j + 1) turned."""
    first, second = x.reshape(*x.shape[:-1], -1, 2).unbind(-1)
    pairs = (first * turn.cosine - second * turn.sine, first * turn.sine + second * turn.cosine)
    return torch.stack(pairs, dim=-1).flatten(-2)
