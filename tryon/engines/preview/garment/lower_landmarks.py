"""Landmarks of a flat lower garment: waist, crotch, leg ends; a skirt has no crotch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.masks import Mask
from tryon.engines.preview.garment.outline import Outline, OutlineSide, trace

HIP_RUNGS, LEG_RUNGS = 6, 12
"""Rungs above and below the crotch."""


@dataclass(frozen=True)
class LowerLandmarks:
    """Trousers, shorts or a skirt; x, y in cloth pixels, viewer's left first.

    Both halves are strips from the waist to the hem. The outer edge runs down the side seam. The inner edge runs down the middle
    to the crotch and on along the inseam, or down the middle of a skirt. Equal indices form a rung; the first HIP_RUNGS lie
    above the crotch.

    Args:
        outline: the whole garment.
        waist: (2, 2) corners.
        crotch: (2,), None for a skirt.
        halves: left and right pair of edges, (HIP_RUNGS + LEG_RUNGS, 2) each, outer first.
    """

    outline: Outline
    waist: Points64
    crotch: Points64 | None
    halves: tuple[tuple[Points64, Points64], tuple[Points64, Points64]]

    @property
    def waist_width(self) -> float:
        """Pixels between the waist corners."""
        return float(np.hypot(*(self.waist[1] - self.waist[0])))

    @property
    def length(self) -> float:
        """Pixels from the waist to the lower end."""
        ends = [edge[-1, 1] for half in self.halves for edge in half]
        return float(np.mean(ends) - self.waist[:, 1].mean())


def lower_landmarks(mask: Mask) -> LowerLandmarks:
    """Find the landmarks of a lower garment.

    Args:
        mask: (h, w) bool, True = garment.

    Raises:
        InputError: the mask holds no garment.
    """
    outline = trace(mask)
    crotch = _crotch(outline)
    waists = [side.path[int(np.argmax(side.path @ [0.6, -1.0]))] for side in outline.sides]
    halves = [_half(side, outline, waist, crotch) for side, waist in zip(outline.sides, waists, strict=True)]
    corners = np.stack([side.to_xy(waist) for side, waist in zip(outline.sides, waists, strict=True)])
    return LowerLandmarks(outline, corners, crotch, (halves[0], halves[1]))


def _crotch(outline: Outline) -> Points64 | None:
    """The top of the gap between the legs: the lower end of the axis, where it lies well above the hem."""
    bottoms = [side.path[-1, 1] for side in outline.sides]
    row = float(min(bottoms))
    if outline.bottom - row < 0.12 * outline.height:
        return None
    return np.array([outline.sides[0].axis, row])


def _half(side: OutlineSide, outline: Outline, waist: Points64, crotch: Points64 | None) -> tuple[Points64, Points64]:
    """Outer and inner edge of one half, x, y."""
    path = side.path
    outer_end, inner_end = _leg_end(path, crotch)
    split = crotch[1] if crotch is not None else waist[1] + 0.35 * (outline.bottom - waist[1])
    outer = _by_height(side.between(waist, path[outer_end]), waist[1], split)
    if crotch is None:
        inner = np.column_stack([np.zeros(len(outer)), np.linspace(path[0, 1], path[-1, 1], len(outer))])
        inner[:, 1] = np.interp(outer[:, 1], [outer[0, 1], outer[-1, 1]], [path[0, 1], path[-1, 1]])
    else:
        middle = np.column_stack([np.zeros(HIP_RUNGS), np.linspace(path[0, 1], crotch[1], HIP_RUNGS)])
        inseam = _legs_only(path[inner_end:][::-1], crotch[1])
        inner = np.vstack([middle, inseam])
    return side.to_xy(outer), side.to_xy(inner)


def _leg_end(path: Points64, crotch: Points64 | None) -> tuple[int, int]:
    """Indices of the lower outer and lower inner corner of the leg."""
    outer = int(np.argmax(path @ [0.5, 1.0]))
    if crotch is None:
        return outer, len(path) - 1
    inner = outer + int(np.argmax(path[outer:] @ [-0.5, 1.0]))
    return outer, min(max(inner, outer + 1), len(path) - 1)


def _by_height(edge: Points64, top: float, split: float) -> Points64:
    """(n, 2) the edge at evenly spaced heights above the split and below it."""
    rows = np.maximum.accumulate(edge[:, 1] + np.arange(len(edge)) * 1e-6)
    stations = _stations(top, split, float(rows[-1]))
    return np.column_stack([np.interp(stations, rows, edge[:, 0]), stations])


def _legs_only(inseam: Points64, split: float) -> Points64:
    """(LEG_RUNGS, 2) the inseam at the heights of the rungs below the split."""
    rows = np.maximum.accumulate(inseam[:, 1] + np.arange(len(inseam)) * 1e-6)
    stations = _stations(0.0, split, float(rows[-1]))[HIP_RUNGS:]
    return np.column_stack([np.interp(stations, rows, inseam[:, 0]), stations])


def _stations(top: float, split: float, bottom: float) -> NDArray[np.float64]:
    """(HIP_RUNGS + LEG_RUNGS,) heights of the rungs."""
    below = np.linspace(split, max(bottom, split + 1), LEG_RUNGS + 1)[1:]
    return np.concatenate([np.linspace(top, split, HIP_RUNGS), below])
