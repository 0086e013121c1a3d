"""The second-order constraint: offsets of neighbouring control points shall change evenly along rows and columns of the lattice.

From the formula (Yang et al. 2020, arXiv 2003.05863, eq. 3, as the seed's code weighs it; docs/facts/viton_hd.md#training).
"""

from __future__ import annotations

import torch
from torch import Tensor

from tryon.engines.viton_hd.architecture import LATTICE

FREE_BENDS, FREE_TURNS = 0.08, 0.02
"""Up to these values nothing is asked."""


def second_order(theta: Tensor, *, first_alone: bool = False) -> Tensor:
    """How unevenly the control points move, a scalar: 0.36 where none does, without a gradient.

    Args:
        theta: (n, 50) offsets, 25 x and then 25 y.
        first_alone: turns are taken of the batch's first sample alone, as in the seed's code.
    """
    lattice = theta.reshape(-1, 2, LATTICE, LATTICE).permute(0, 2, 3, 1)
    parts = []
    for lines in (lattice, lattice.transpose(1, 2)):
        steps = lines.diff(dim=2)
        bends = steps.square().diff(dim=2).abs().clamp(min=FREE_BENDS)
        parts.append(bends.mean(dim=(0, 1, 2)).sum())
        turns = _turns(steps[:1] if first_alone else steps)
        parts.append(turns.clamp(min=FREE_TURNS).mean())
    return torch.stack(parts).sum()


def _turns(steps: Tensor) -> Tensor:
    """(n, 5, 4, 2) → (n,): the areas that neighbouring edges span, summed."""
    before, after = steps[:, :, :-1], steps[:, :, 1:]
    return (before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]).abs().sum(dim=(1, 2))
