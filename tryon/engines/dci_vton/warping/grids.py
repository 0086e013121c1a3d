"""Flow as an absolute sampling grid: where on the garment each place of the result looks, -1 … 1, x before y.

Facts: docs/facts/dci_vton.md#warping-network. Grids are *made* as if the centres of the outermost pixels were at -1 and 1, and
*sampled* as if their edges were. The published weights were trained with this mixture and have learned to make up for it.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

ALIGN_CORNERS = False
"""As the published network was trained. PF-AFN's own networks were trained under PyTorch 1.1, where it was True."""


def shifted_grid(offsets: Tensor) -> Tensor:
    """Pixel offsets as a sampling grid.

    Args:
        offsets: (n, 2, h, w) in pixels, x before y.

    Returns:
        (n, 2, h, w); offsets of zero give -1 … 1 from the first pixel to the last.
    """
    height, width = offsets.shape[-2:]
    columns = torch.arange(width, device=offsets.device, dtype=offsets.dtype)
    rows = torch.arange(height, device=offsets.device, dtype=offsets.dtype)
    x = (offsets[:, 0] + columns) / ((width - 1) / 2) - 1
    y = (offsets[:, 1] + rows[:, None]) / ((height - 1) / 2) - 1
    return torch.stack([x, y], dim=1)


def sample(values: Tensor, grid: Tensor, outside: Literal["border", "zeros"] = "border") -> Tensor:
    """Look up values where a grid says.

    Args:
        values: (n, c, h, w).
        grid: (n, 2, rows, columns).
        outside: what lies beyond the edge: the edge again, or zero.

    Returns:
        (n, c, rows, columns).
    """
    where = grid.permute(0, 2, 3, 1)
    return functional.grid_sample(values, where, mode="bilinear", padding_mode=outside, align_corners=ALIGN_CORNERS)


def enlarged(grid: Tensor, size: tuple[int, int]) -> Tensor:
    """The same flow for a result of another size. (n, 2, h, w) → (n, 2, *size)."""
    return functional.interpolate(grid, size=size, mode="bilinear", align_corners=ALIGN_CORNERS)
