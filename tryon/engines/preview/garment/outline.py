"""The outline of a flat garment, one side at a time, from the middle outwards.

Every search for a landmark runs on one `OutlineSide`. Its points are (out, y), where *out* is the distance from the garment's
axis. So the same code reads the left and the right half, and a landmark found on one side can replace a missing one on the
other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Float, Points64
from pipeline.core.errors import InputError
from pipeline.core.masks import Mask, components

OUTLINE_POINTS = 800
"""Points of a traced outline."""


@dataclass(frozen=True)
class OutlineSide:
    """Half of an outline.

    Args:
        path: (n, 2) float64 of (out, y) in pixels, from the top of the axis outwards and down to its bottom.
        extent: (h,) float64: how far the piece of cloth at the axis reaches out in each row; NaN where there is none.
        sign: -1 for the viewer's left, +1 for the right.
        axis: x of the garment's axis.
    """

    path: Points64
    extent: NDArray[np.float64]
    sign: int
    axis: float

    def mirrored(self) -> OutlineSide:
        """The same half on the other side of the axis."""
        return replace(self, sign=-self.sign)

    def between(self, start: Points64, end: Points64) -> Points64:
        """(n, 2) the part of the path from the point nearest to `start` to the one nearest to `end`, in this order."""
        first, last = (int(np.argmin(np.hypot(*(self.path - point).T))) for point in (start, end))
        return self.path[first : last + 1] if first < last else np.stack([start, end])

    def to_xy(self, points: Points64) -> Points64:
        """(n, 2) or (2,) of (out, y) → x, y of the picture."""
        return np.asarray(points, np.float64) * [self.sign, 1] + [self.axis, 0]


@dataclass(frozen=True)
class Outline:
    """A garment's outline and its two sides, viewer's left first.

    Args:
        points: (n, 2) float64 x, y, closed, evenly spaced.
        sides: left and right half.
        top, bottom: first and last row of the garment.
        width: the garment's greatest width in pixels.
    """

    points: Points64
    sides: tuple[OutlineSide, OutlineSide]
    top: float
    bottom: float
    width: float

    @property
    def height(self) -> float:
        """Rows the garment covers."""
        return self.bottom - self.top


def trace(mask: Mask) -> Outline:
    """Trace the outline of the largest piece of a cloth mask.

    Args:
        mask: (h, w) bool, True = garment.

    Raises:
        InputError: the mask is empty or too small.
    """
    contours, _ = cv2.findContours(_cut_gaps_open(mask).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea, default=None)
    if contour is None or cv2.contourArea(contour) < 0.005 * mask.size:
        raise InputError(
            "cloth mask: empty, or smaller than 0.5 % of the picture", "look at cloth-mask, or replace the garment's picture"
        )
    points = _resample(contour[:, 0].astype(np.float64), OUTLINE_POINTS, closed=True)
    filled = cv2.drawContours(np.zeros(mask.shape, np.uint8), [contour], -1, 1, cv2.FILLED)
    axis = _axis(filled)
    top, bottom = float(points[:, 1].min()), float(points[:, 1].max())
    sides = (_side(points, filled, axis, -1), _side(points, filled, axis, 1))
    return Outline(points, sides, top, bottom, float(np.ptp(points[:, 0])))


def _cut_gaps_open(mask: Mask) -> Mask:
    """(h, w) bool: the mask with holes in its lower half opened downwards.

    They are gaps under sleeves or between legs whose ends touch the cloth beside them.
    """
    numbers, areas = components(~mask)
    rows = np.flatnonzero(mask.any(1))
    height = int(rows[-1] - rows[0] + 1) if len(rows) else 0
    opened = mask.copy()
    edge = np.unique(np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]]))
    for number in np.flatnonzero(areas > 0.002 * mask.sum()):
        hole = np.argwhere(numbers == number) if number not in edge and number != 0 else np.empty((0, 2), int)
        if len(hole) and hole[-1, 0] > rows[0] + 0.45 * height and hole[-1, 0] > rows[-1] - 0.35 * height:
            bottom, column = hole[-1]
            opened[bottom:, max(0, column - 1) : column + 2] = False
    return opened


def resample(path: Points64, count: int) -> Points64:
    """(n, 2) open path → (count, 2) evenly spaced along it, ends kept."""
    return _resample(path, count, closed=False)


def _resample(path: Points64, count: int, closed: bool) -> Points64:
    line = np.vstack([path, path[:1]]) if closed else path
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    stations = np.linspace(0, along[-1], count, endpoint=not closed)
    return np.column_stack([np.interp(stations, along, line[:, 0]), np.interp(stations, along, line[:, 1])])


def _axis(filled: NDArray[np.uint8]) -> float:
    """The vertical line that mirrors the garment onto itself best, near its centre of mass."""
    rows = np.flatnonzero(filled.any(1))
    cloth = filled[rows[0] : rows[-1] + 1 : 4].astype(np.float32)
    centre = float((cloth.sum(0) * np.arange(cloth.shape[1])).sum() / cloth.sum())
    reach = 0.06 * cloth.shape[1]
    candidates = centre + np.linspace(-reach, reach, 25)
    return float(max(candidates, key=lambda axis: _mirror_overlap(cloth, axis)))


def _mirror_overlap(cloth: Float, axis: float) -> float:
    """Pixels of cloth that fall on cloth when mirrored about the axis."""
    mirrored = np.clip(np.round(2 * axis - np.arange(cloth.shape[1])).astype(int), 0, cloth.shape[1] - 1)
    return float((cloth * cloth[:, mirrored]).sum())


def _side(points: Points64, filled: NDArray[np.uint8], axis: float, sign: int) -> OutlineSide:
    start, end = _axis_crossings(points, axis)
    forward = _walk(points, start, end)
    backward = _walk(points[::-1], len(points) - 1 - start, len(points) - 1 - end)
    path = max((forward, backward), key=lambda walk: float(((walk[:, 0] - axis) * sign).mean()))
    return OutlineSide((path - [axis, 0]) * [sign, 1], _extent(filled, axis, sign), sign, axis)


def _axis_crossings(points: Points64, axis: float) -> tuple[int, int]:
    """Indices of the highest and the lowest outline point on the axis."""
    offset = points[:, 0] - axis
    crossing = np.flatnonzero(np.signbit(offset) != np.signbit(np.roll(offset, -1)))
    crossing = crossing if len(crossing) else np.argsort(np.abs(offset))[:2]
    rows = points[crossing, 1]
    return int(crossing[np.argmin(rows)]), int(crossing[np.argmax(rows)])


def _walk(points: Points64, start: int, end: int) -> Points64:
    """(n, 2) the closed outline from one index on to another."""
    placed: Points64 = points[(start + np.arange((end - start) % len(points) + 1)) % len(points)]
    return placed


def _extent(filled: NDArray[np.uint8], axis: float, sign: int) -> NDArray[np.float64]:
    """(h,) outward reach of the run of cloth at the axis, or of the run next to it where the axis is bare (a deep neckline)."""
    column = round(axis)
    half = (filled[:, column:] if sign > 0 else filled[:, column::-1]).copy()
    near = max(1, round(0.15 * float(filled.any(0).sum())))
    half[:, :near] = np.maximum.accumulate(half[:, near - 1 :: -1], axis=1)[:, ::-1]  # slits and bows at the neckline
    changes = np.diff(np.pad(half, ((0, 0), (0, 1))).astype(np.int8), axis=1)
    ends = np.argmax(changes == -1, axis=1).astype(np.float64)
    return np.where(half.any(1), ends, np.nan)
