"""Landmarks of one side of a flat top or dress: shoulder, armpit, hem and sleeve, found on its outline."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from tryon.engines.preview.garment.outline import Outline, OutlineSide

MIN_SLEEVE = 0.14
"""A sleeve shorter than this share of the garment's width counts as part of the body: a cap, or a puff over the armhole."""
UNEVEN = 0.06
"""Armpits whose heights differ by more than this share of the garment's height are no pair."""


@dataclass(frozen=True)
class SideLandmarks:
    """Landmarks of one side, (2,) as (out, y).

    Args:
        shoulder: tip of the shoulder.
        armpit: lower end of the armhole.
        seam_start: the outline's own armpit, from which the side seam runs; a hidden gap may have put it too low.
        hem: lower outer corner.
        sleeve_edges: upper edge from the shoulder to the cuff, and lower edge from the armpit to the cuff, (n, 2) each; None when
            sleeveless.
    """

    shoulder: Points64
    armpit: Points64
    seam_start: Points64
    hem: Points64
    sleeve_edges: tuple[Points64, Points64] | None


def read_sides(outline: Outline) -> tuple[Outline, list[float | None]]:
    """The outline and the armpit row of both its sides, None when sleeveless.

    Where the gap under one sleeve is hidden, that side is replaced by the mirror image of the other.
    """
    left, right = (_armpit_row(side, outline) for side in outline.sides)
    if left is None and right is None:
        return outline, [None, None]
    if right is None or (left is not None and left < right - UNEVEN * outline.height):
        return replace(outline, sides=both_from(outline.sides[0])), [left, left]
    if left is None or right < left - UNEVEN * outline.height:
        return replace(outline, sides=both_from(outline.sides[1])), [right, right]
    return outline, [left, right]


def both_from(side: OutlineSide) -> tuple[OutlineSide, OutlineSide]:
    """Left and right side, both made from one."""
    return (side, side.mirrored()) if side.sign < 0 else (side.mirrored(), side)


def _armpit_row(side: OutlineSide, outline: Outline) -> float | None:
    """The row where a sleeve joins the body, None when there is no sleeve.

    It is the highest row where, going up, the cloth at the axis suddenly reaches further out and stays so. A lower one may be a
    long sleeve that touches the body near the hem.
    """
    window = max(3, round(0.02 * outline.height))
    hold = max(3, round(0.03 * outline.height))
    rows = np.arange(round(outline.bottom - 0.2 * outline.height), round(outline.top + 0.05 * outline.height) + window + hold, -1)
    before, after = side.extent[rows], side.extent[rows - window]
    gain = np.minimum(after, side.extent[rows - window - hold]) - before
    jumps = np.flatnonzero(gain > np.maximum(0.9 * window, 0.035 * outline.width))
    if not len(jumps):
        return None
    last = int(jumps[-1])
    first = max(int(number) for number in jumps if number == jumps[0] or number - 1 not in jumps)
    steepest = first + int(np.argmax(gain[first : last + 1]))
    return float(_foot_of_jump(side.extent, int(rows[steepest]), window))


def _foot_of_jump(extent: NDArray[np.float64], row: int, window: int) -> int:
    """Go down from inside a jump, along the sleeve's lower edge, to the row where the side of the body begins."""
    low, high = extent[row], extent[row - window]
    inside = row - np.arange(window + 1)
    row = int(inside[np.flatnonzero(extent[inside] <= low + 0.25 * (high - low))[-1]])
    while row + 2 * window < len(extent) and extent[row] - extent[row + window] > 0.5 * window:
        ahead = row + np.arange(1, window + 1)
        row = int(ahead[int(np.argmax(extent[ahead] <= extent[ahead].min() + 1))])
    return row


def side_landmarks(side: OutlineSide, outline: Outline, armpit_row: float | None) -> SideLandmarks:
    """Find the landmarks of one side.

    Args:
        side: half of the outline.
        outline: the whole garment.
        armpit_row: where a sleeve joins the body, see `read_sides`; None when sleeveless.
    """
    if armpit_row is None:
        return _sleeveless_landmarks(side, outline)
    path = side.path
    reach = float(np.nanmean(side.extent[round(armpit_row) : round(armpit_row) + 4]))
    armpit_at = int(np.argmin(np.hypot(path[:, 0] - reach, path[:, 1] - armpit_row)))
    if armpit_at < 2:
        return _sleeveless_landmarks(side, outline)
    above = path[:armpit_at]
    beyond = np.flatnonzero(above[:, 0] >= path[armpit_at, 0])
    shoulder_at = int(beyond[0]) if len(beyond) else int(np.argmax(above @ [1.0, -1.0]))
    arm = path[shoulder_at : armpit_at + 1]
    outer_at, inner_at = _cuff(arm)
    if inner_at <= outer_at or not _is_sleeve(arm, outer_at, inner_at, outline.width):
        return _sleeveless_landmarks(side, outline)
    edges = arm[: outer_at + 1], arm[inner_at:][::-1]
    armpit = _raised(path[armpit_at], path[shoulder_at])
    edges = edges[0], np.vstack([armpit, edges[1]])
    return SideLandmarks(path[shoulder_at], armpit, path[armpit_at], _hem(path[armpit_at:]), edges)


def _is_sleeve(arm: Points64, outer_at: int, inner_at: int, width: float) -> bool:
    """Whether it is long enough and has two long edges: a puff over the armhole ends in a point instead of a cuff."""
    root, cuff = arm[[0, -1]], arm[[outer_at, inner_at]]
    length = float(np.ptp(arm @ _unit(_middle(arm) - _middle(root))))
    return length >= MIN_SLEEVE * width and float(np.hypot(*(cuff[1] - cuff[0]))) > 0.2 * float(np.hypot(*(root[1] - root[0])))


def _armhole(arm: Points64) -> float:
    """Length of the armhole of a path shoulder → armpit; a hidden gap under the sleeve makes it no longer."""
    return float(np.hypot(*(_raised(arm[-1], arm[0]) - arm[0])))


def _raised(armpit: Points64, shoulder: Points64) -> Points64:
    """The armpit, moved up where it is too low: a sleeve close to the body hides the upper end of the gap.

    No armhole is deeper than two thirds of the chest.
    """
    deepest = shoulder[1] + 1.33 * armpit[0]
    return np.array([armpit[0], min(armpit[1], deepest)])


def _cuff(arm: Points64) -> tuple[int, int]:
    """Indices of the cuff's upper and lower corner on the path shoulder → armpit.

    The point farthest from the armhole is one of them. The other is the sharpest bend near it; without such a bend the cuff runs
    straight up to the armpit, as on short wide sleeves.
    """
    root, size = _middle(arm[[0, -1]]), _armhole(arm)
    tip = int(np.argmax(np.hypot(*(arm - root).T)))
    step = float(np.hypot(*np.diff(arm, axis=0).T).mean())
    window = max(3, round(0.75 * size / max(step, 1e-6)))
    before, bend_before = _bend(arm[max(0, tip - window) : tip + 1])
    after, bend_after = _bend(arm[tip : tip + window + 1])
    if np.hypot(*(arm[max(0, tip - window) + before] - arm[tip])) < 0.22 * size:  # a ruffle at the corner, not a cuff's other end
        bend_before = 0.0
    if np.hypot(*(arm[tip + after] - arm[tip])) < 0.22 * size:
        bend_after = 0.0
    if max(bend_before, bend_after) < 0.07 * size:
        return tip, len(arm) - 1
    return (max(0, tip - window) + before, tip) if bend_before > bend_after else (tip, tip + after)


def _bend(path: Points64) -> tuple[int, float]:
    """Index of the point farthest from the chord of an open path, and its distance."""
    if len(path) < 3:
        return 0, 0.0
    chord = _unit(path[-1] - path[0])
    aside = np.abs((path - path[0]) @ np.array([chord[1], -chord[0]]))
    return int(np.argmax(aside)), float(aside.max())


def _middle(points: Points64) -> Points64:
    middle: Points64 = points.mean(0)
    return middle


def _unit(vector: Points64) -> Points64:
    return vector / max(float(np.hypot(*vector)), 1e-6)


def _hem(below: Points64) -> Points64:
    """The lower outer corner of the part of the path below the armpit."""
    corner: Points64 = below[int(np.argmax(below @ [0.6, 1.0]))]
    return corner


def _sleeveless_landmarks(side: OutlineSide, outline: Outline) -> SideLandmarks:
    """Landmarks of a side without a sleeve: the armpit is where the outline, down from the shoulder, stops widening."""
    path = side.path
    upper = path[: max(2, int(np.argmax(path @ [0.6, 1.0])))]
    shoulder_at = int(np.argmax(upper @ [1.0, -1.3]))
    chest = float(np.nanmedian(side.extent[round(outline.top) : round(outline.bottom)]))
    first = upper[shoulder_at, 1] + 0.45 * chest
    last = min(upper[shoulder_at, 1] + 2.2 * chest, outline.top + 0.7 * outline.height)
    band = np.flatnonzero((upper[:, 1] >= first) & (upper[:, 1] <= last) & (np.arange(len(upper)) > shoulder_at))
    armpit_at = _first_widest(upper, band) if len(band) else min(shoulder_at + 1, len(upper) - 1)
    return SideLandmarks(path[shoulder_at], path[armpit_at], path[armpit_at], _hem(path[armpit_at:]), None)


def _first_widest(path: Points64, band: NDArray[np.intp]) -> int:
    """The first point of the band that comes within 3 % of its greatest reach."""
    reach = path[band, 0]
    return int(band[int(np.argmax(reach >= reach.max() - 0.03 * abs(float(reach.max()))))])
