"""How alike two feature maps are at small shifts, in plain torch. Facts: docs/facts/dci_vton.md#warping-network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

REACH = 3
"""Shifts go from -3 to 3 along both axes."""
SHIFTS = (2 * REACH + 1) ** 2


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Mean over channels of `first` at a place times `second` at that place plus a shift; zero outside.

    Args:
        first: (n, c, h, w).
        second: (n, c, h, w).

    Returns:
        (n, 49, h, w): the shifts row by row, from (-3, -3) to (3, 3).
    """
    height, width = first.shape[-2:]
    padded = functional.pad(second, (REACH,) * 4)
    shifts = [(row, column) for row in range(2 * REACH + 1) for column in range(2 * REACH + 1)]
    alike = [(first * padded[..., row : row + height, column : column + width]).mean(1) for row, column in shifts]
    return torch.stack(alike, dim=1)
