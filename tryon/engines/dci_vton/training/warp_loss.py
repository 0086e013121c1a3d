"""The warping network's training loss, from flows to a number: nothing is drawn here, so it can be held against recorded figures.

Facts: docs/facts/dci_vton.md#training. The published code is for research only; none of it is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tryon.engines.dci_vton.training.config import WarpTraining
from tryon.engines.dci_vton.warping.flow import FlowLevel
from tryon.engines.dci_vton.warping.grids import ALIGN_CORNERS, sample
from tryon.training.judges.vgg import VggDistance

JUDGED_FROM = 3
"""The coarsest level whose picture VGG judges, counted from 1: smaller ones would not survive its poolings."""
EPSILON, POWER = 1e-6, 0.45
"""Charbonnier's penalty of a second difference: (d² + ε)^0.45 (Sun et al. 2014, eq. 2)."""
BENDS = (((0, -1), (0, 1)), ((-1, 0), (1, 0)), ((-1, -1), (1, 1)), ((-1, 1), (1, -1)))
"""Neighbours on either side, as (row, column), along which a flow should go on straight."""


@dataclass(frozen=True)
class WarpTargets:
    """What a garment is and what it should become; h and w are the finest flow's.

    Args:
        cloth: (n, 3, h, w) in [-1, 1], flat, not masked.
        mask: (n, 1, h, w) of 0 and 1.
        worn: (n, 3, h, w) in [-1, 1], the garment as worn, on white.
        worn_mask: (n, 1, h, w) of 0 and 1.
    """

    cloth: Tensor
    mask: Tensor
    worn: Tensor
    worn_mask: Tensor


def warp_losses(
    levels: Sequence[FlowLevel], targets: WarpTargets, config: WarpTraining, judge: VggDistance | None
) -> dict[str, Tensor]:
    """The weighted parts, scalars; their sum is minimised.

    Level k of n, the coarsest first, counts k times.

    Args:
        levels: what `Flow.levels` gave.
        targets: see there.
        config: weights of the parts.
        judge: VGG, where its weights are there.
    """
    parts: dict[str, list[Tensor]] = {"cloth": [], "mask": [], "bend": [], "vgg": []}
    for k, level in enumerate(levels, 1):
        shrunk = _shrunk(targets, 0.5 ** (len(levels) - k))
        made, made_mask = sample(shrunk.cloth, level.grid), sample(shrunk.mask, level.grid, "zeros")
        parts["cloth"].append(k * config.cloth * (made - shrunk.worn).abs().mean())
        parts["mask"].append(k * config.mask * (made_mask - shrunk.worn_mask).abs().mean())
        parts["bend"].append(k * config.bend * bend(level.grid))
        if judge is not None and k >= JUDGED_FROM:
            parts["vgg"].append(k * config.vgg * judge(made, shrunk.worn))
    offsets = [offset for level in levels for offset in level.offsets]
    parts["variation"] = [config.variation * variation(each) for each in offsets]
    return {name: torch.stack(values).sum() for name, values in parts.items() if values}


def bend(grid: Tensor) -> Tensor:
    """How far a flow is from going on straight, a scalar: both axes, four directions, away from the border.

    Args:
        grid: (n, 2, h, w), -1 … 1.
    """
    height, width = grid.shape[-2:]
    centre = grid[..., 1:-1, 1:-1]

    def beside(row: int, column: int) -> Tensor:
        return grid[..., 1 + row : height - 1 + row, 1 + column : width - 1 + column]

    seconds = torch.stack([beside(*one) + beside(*other) - 2 * centre for one, other in BENDS])
    return 2 * (seconds.square() + EPSILON).pow(POWER).mean()  # the mean of both axes, where their sum is meant


def variation(offsets: Tensor) -> Tensor:
    """Mean jump between neighbouring offsets (n, 2, h, w), rows and columns summed; a scalar."""
    down, across = offsets.diff(dim=-2).abs(), offsets.diff(dim=-1).abs()
    return down.mean() + across.mean()


def _shrunk(targets: WarpTargets, scale: float) -> WarpTargets:
    def small(picture: Tensor) -> Tensor:
        return F.interpolate(picture, scale_factor=scale, mode="bilinear", align_corners=ALIGN_CORNERS)

    return WarpTargets(small(targets.cloth), small(targets.mask), small(targets.worn), small(targets.worn_mask))
