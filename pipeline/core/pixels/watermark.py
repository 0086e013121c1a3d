"""Watermarks: thin strokes on a ground that is otherwise plain. Where the ground is not plain, nothing is claimed.

Facts: docs/facts/embedded_methods.md#watermarks.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core import masks
from pipeline.core.arrays import RGB, Float
from pipeline.core.flags import Flag, Notice
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab

SIDE_PX = 768
AROUND, BORDER = 0.03, 0.012
"""As shares of the longer side: what belongs to the subject and its shadow, and to a frame."""
LEAST_GROUND = 0.03
STROKE = 0.006
"""A stroke is narrower than about twice this share of the longer side."""
QUIET, FAINTEST, OVER_NOISE = 0.2, 0.7, 5.0
"""In levels of lightness (0..100): noise of a plain ground, the faintest stroke, and how often it exceeds the noise."""
THING, THINGS, WIDE = 12.0, 0.01, 0.12
"""More than the second share of the ground that differs by the first from its surroundings of the third: furniture, a plant."""
LONG, NARROW, RAGGED = 0.03, 8.0, 2.2
"""A longer and narrower stroke is an edge, unless its outline is this much longer than a bar's: letters that touch."""
CELL, FILLED, LEAST_CELLS = 1 / 32, 0.06, 6
"""The ground is read in cells of this side; so many that strokes fill to this share are a watermark. Good pictures have 3."""


def watermark_notices(rgb: RGB, subject: Mask) -> list[Notice]:
    """The flag of strokes beside the subject.

    Args:
        rgb: (h, w, 3) uint8.
        subject: (h, w) bool, person or garment.
    """
    cells = cells_with_strokes(rgb, subject)
    return [Notice(Flag.WATERMARK, f"strokes in {cells} places beside it")] if cells >= LEAST_CELLS else []


def cells_with_strokes(rgb: RGB, subject: Mask) -> int:
    """Number of cells of the ground with thin strokes; 0 where the ground is not plain, or there is none."""
    factor = min(1.0, SIDE_PX / max(subject.shape))
    size = (max(1, round(subject.shape[1] * factor)), max(1, round(subject.shape[0] * factor)))
    lightness = np.ascontiguousarray(to_lab(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))[..., 0])
    inside = cv2.resize(masks.bytes_of(subject), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    ground = _ground(inside)
    if ground.mean() < LEAST_GROUND:
        return 0
    side = max(size)
    off = np.abs(cv2.GaussianBlur(lightness, (0, 0), 0.7) - _mean_on(lightness, ground, STROKE * side)) * ground
    noise = float(np.median(off[ground]))
    if noise > QUIET or _things(lightness, ground, side) > THINGS:
        return 0
    return _filled_cells(_without_edges(off > max(FAINTEST, OVER_NOISE * noise), side), ground, round(CELL * side))


def _ground(inside: Mask) -> Mask:
    side = max(inside.shape)
    ground = ~masks.dilate(inside, AROUND * side)
    edge = max(2, round(BORDER * side))
    ground[:edge] = ground[-edge:] = False
    ground[:, :edge] = ground[:, -edge:] = False
    return ground


def _mean_on(lightness: Float, ground: Mask, sigma: float) -> Float:
    """(h, w) float32: lightness blurred among the ground's pixels alone."""
    weight = ground.astype(np.float32)
    mean: Float = cv2.GaussianBlur(lightness * weight, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-3)
    return mean


def _things(lightness: Float, ground: Mask, side: int) -> float:
    """Share of the ground that things thicker than strokes cover."""
    unlike = (np.abs(lightness - _mean_on(lightness, ground, WIDE * side)) > THING) & ground
    return float(masks.open_(unlike, STROKE * side)[ground].mean())


def _without_edges(strokes: Mask, side: int) -> Mask:
    """(h, w) bool without long narrow lines."""
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(masks.bytes_of(strokes), connectivity=8)
    length = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    keep = (length < LONG * side) | (length**2 < NARROW * stats[:, cv2.CC_STAT_AREA])
    for number in np.flatnonzero(~keep):
        left, top, width, height = stats[number, : cv2.CC_STAT_AREA]
        part = numbers[top : top + height, left : left + width] == number
        outlines, _ = cv2.findContours(masks.bytes_of(part), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        keep[number] = sum(cv2.arcLength(each, True) for each in outlines) > RAGGED * 2 * length[number]
    keep[0] = False
    kept: Mask = keep[numbers]
    return kept


def _filled_cells(strokes: Mask, ground: Mask, cell: int) -> int:
    rows, columns = ground.shape[0] // cell, ground.shape[1] // cell
    window = (slice(0, rows * cell), slice(0, columns * cell))
    drawn, there = (each[window].reshape(rows, cell, columns, cell).mean((1, 3)) for each in (strokes & ground, ground))
    return int(np.count_nonzero((there > 0.6) & (drawn > FILLED * there)))
