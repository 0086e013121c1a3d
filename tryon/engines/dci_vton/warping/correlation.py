"""How alike two feature maps are at small shifts, in plain torch. Facts: docs/facts/dci_vton.md#warping-network.

Products of a few places with all their neighbours in a row are one matrix product, of which seven diagonals are wanted: five
times as many multiplications, in two fifths of the time that the sums of 49 shifted products took on a CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

REACH = 3
"""Shifts go from -3 to 3 along both axes."""
SIDE = 2 * REACH + 1
SHIFTS = SIDE**2
TOGETHER = 32
"""Places of a row that are multiplied together; more waste products, fewer waste calls."""


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Mean over channels of `first` at a place times `second` at that place plus a shift; zero outside.

    Args:
        first: (n, c, h, w).
        second: (n, c, h, w).

    Returns:
        (n, 49, h, w): the shifts row by row, from (-3, -3) to (3, 3).
    """
    channels, height, width = first.shape[1:]
    places = first.permute(0, 2, 3, 1).contiguous()
    padded = functional.pad(second, (REACH,) * 4).permute(0, 2, 3, 1).contiguous()
    pieces = []
    for start in range(0, width, TOGETHER):
        own = places[:, :, start : start + TOGETHER]
        near = padded[:, :, start : start + own.shape[2] + 2 * REACH]
        rows = (own @ near[:, row : row + height].transpose(2, 3) for row in range(SIDE))
        pieces.append(torch.stack([diagonal for row in rows for diagonal in _diagonals(row)], dim=1))
    return torch.cat(pieces, dim=3) / channels


def _diagonals(products: Tensor) -> list[Tensor]:
    """(n, h, places, neighbours) → per column shift (n, h, places)."""
    return [products.diagonal(shift, dim1=2, dim2=3) for shift in range(SIDE)]
