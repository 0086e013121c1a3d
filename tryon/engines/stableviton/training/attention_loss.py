"""The attention total-variation loss: neighbours on the worn garment should look at neighbours on the garment.

Facts: docs/facts/stableviton_training.md#attention-loss.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

WEIGHT = 0.001
"""Its share of the training loss."""

CANDIDATES = (7, 4, 1)
"""Warp blocks that may take part, one per resolution."""

FEWEST_KEYS, MOST_KEYS = 700, 3000
"""A block takes part when its number of keys lies between these, both excluded."""

Grid = tuple[int, int]


def looked_at(grids: tuple[Grid, ...]) -> tuple[int, ...]:
    """Which warp blocks take part.

    Args:
        grids: (height, width) of each warp block's map, in module order.
    """
    return tuple(block for block in CANDIDATES if FEWEST_KEYS < grids[block][0] * grids[block][1] < MOST_KEYS)


def warp_grids(latent: Grid) -> tuple[Grid, ...]:
    """(height, width) of the nine warp blocks' maps, for latents of (h, w)."""
    height, width = latent
    return tuple((height // halving, width // halving) for halving in (4, 4, 4, 2, 2, 2, 1, 1, 1))


def centres(attention: Tensor, grid: Grid) -> Tensor:
    """Where each query looks on average.

    Args:
        attention: (b, heads, n, h·w), rows sum to 1.
        grid: (h, w) of the keys.

    Returns:
        (b, n, 2): row and column on the key grid, in cells.
    """
    rows, columns = torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij")
    places = torch.stack([rows.flatten(), columns.flatten()], dim=1).to(attention)
    return attention.mean(1) @ places


def garment_cells(worn: Tensor, grid: Grid) -> Tensor:
    """Cells of an attention grid inside the worn garment, by nearest neighbour over the latent grid as published.

    Args:
        worn: (b, 1, height, width) in [0, 1]: `gt_cloth_warped_mask`, 1 = garment.
        grid: (h, w).

    Returns:
        (b, h, w) bool.
    """
    on_latent = F.interpolate(worn, (worn.shape[2] // 8, worn.shape[3] // 8), mode="nearest")
    outside = F.interpolate(1 - on_latent, grid, mode="nearest")[:, 0] >= 0.5
    return ~outside


def attention_variation(attention: Tensor, worn: Tensor, grid: Grid) -> Tensor:
    """How much the centre of attention jumps between neighbouring cells of the worn garment.

    Differences of rows and columns are summed over both coordinates, and divided by the number of neighbouring pairs in the
    whole batch. The published code divides by zero where no two neighbours are inside; here that direction counts nothing.

    Args:
        attention: (b, heads, h·w, h·w).
        worn: see `garment_cells`.
        grid: (h, w).

    Returns:
        A scalar, not weighted.
    """
    centre = rearrange(centres(attention.float(), grid), "b (h w) place -> b h w place", h=grid[0])
    inside = garment_cells(worn, grid)
    down = _mean_jump(centre[:, 1:] - centre[:, :-1], inside[:, 1:] & inside[:, :-1])
    across = _mean_jump(centre[:, :, 1:] - centre[:, :, :-1], inside[:, :, 1:] & inside[:, :, :-1])
    return down + across


def _mean_jump(jumps: Tensor, counted: Tensor) -> Tensor:
    total = (jumps.abs().sum(-1) * counted).sum()
    return total / counted.sum().clamp(min=1)
