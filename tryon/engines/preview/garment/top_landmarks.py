"""Landmarks of a flat-laid top or dress: collar, neckline, shoulder tips, armpits, cuffs, hem.

They are read from the outline alone, except the front edge of the neckline, which lies inside it. Indices 0 and 1 are the
viewer's left and right: a garment lies there as it is worn, so 0 goes to the subject's right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.masks import Mask
from tryon.engines.preview.garment.neckline import front_neckline, usual_depth
from tryon.engines.preview.garment.outline import Outline, Side, resample, trace

EDGE_POINTS = 12
"""Outline points kept per sleeve edge."""
MIN_SLEEVE = 0.14
"""Shorter than this share of the garment's width it counts as part of the body: a cap or a puff over the armhole."""
UNEVEN = 0.06
"""Armpits further apart than this share of the garment's height are no pair."""
NECK_POINTS, SHOULDER_POINTS, ARMHOLE_POINTS, SIDE_POINTS, HEM_POINTS = 7, 5, 5, 9, 6
"""Outline points kept per edge of the body; neck and hem count per half."""


@dataclass(frozen=True)
class Sleeve:
    """One sleeve on the flat garment; x, y in cloth pixels.

    Args:
        outer: (EDGE_POINTS, 2) from the shoulder tip along the upper edge to the cuff.
        inner: (EDGE_POINTS, 2) from the armpit along the lower edge to the cuff.
    """

    outer: Points64
    inner: Points64

    @property
    def length(self) -> float:
        """Pixels from the armhole to the cuff: the mean of the upper edge and the middle line, as the lower edge may vanish."""
        middle = (self.outer[-1] + self.inner[-1] - self.outer[0] - self.inner[0]) / 2
        return float(np.hypot(*np.diff(self.outer, axis=0).T).sum() + np.hypot(*middle)) / 2


@dataclass(frozen=True)
class TorsoEdges:
    """The outline of a top's body, cut open at the sleeves; pairs are left and right, every path x, y in cloth pixels.

    Args:
        neck: front neckline from the left to the right collar corner.
        shoulder_seams: collar corner → shoulder tip.
        armholes: shoulder tip → armpit, straight where a sleeve is attached.
        side_seams: armpit → hem corner.
        hem: left → right hem corner.
    """

    neck: Points64
    shoulder_seams: tuple[Points64, Points64]
    armholes: tuple[Points64, Points64]
    side_seams: tuple[Points64, Points64]
    hem: Points64

    def outline(self) -> Points64:
        """(n, 2) all edges as one closed outline: along the neck, then down the right side, back along the hem, up the left."""
        (left_shoulder, right_shoulder), (left_hole, right_hole) = self.shoulder_seams, self.armholes
        left, right = self.side_seams
        clockwise = [self.neck, right_shoulder[1:], right_hole[1:], right[1:], self.hem[-2:0:-1]]
        return np.vstack([*clockwise, left[::-1], left_hole[-2::-1], left_shoulder[-2:0:-1]])

    def middle(self) -> Points64:
        """(n, 2) points half-way between the side seams, from the chest down to the hem."""
        left, right = self.side_seams
        halfway: Points64 = (left + right)[::2] / 2
        return halfway


@dataclass(frozen=True)
class TopLandmarks:
    """A top or dress; x, y in cloth pixels, viewer's left first.

    Args:
        outline: the whole garment.
        collar: (2, 2) outer corners of the neck opening.
        collar_base: (2, 2) where the shoulder seam starts; equals `collar` unless the collar stands up.
        neckline: (2,) lowest point of the front edge of the neck opening.
        shoulders: (2, 2) tips, above the armpits.
        armpits: (2, 2).
        hem: (2, 2) lower corners of the body.
        sleeves: left and right, None when sleeveless.
        edges: the body's outline between these landmarks.
    """

    outline: Outline
    collar: Points64
    collar_base: Points64
    neckline: Points64
    shoulders: Points64
    armpits: Points64
    hem: Points64
    sleeves: tuple[Sleeve | None, Sleeve | None]
    edges: TorsoEdges

    @property
    def shoulder_width(self) -> float:
        """Pixels from tip to tip."""
        return float(np.hypot(*(self.shoulders[1] - self.shoulders[0])))

    @property
    def chest_width(self) -> float:
        """Pixels from armpit to armpit."""
        return float(np.hypot(*(self.armpits[1] - self.armpits[0])))

    @property
    def body_length(self) -> float:
        """Pixels from the middle of the shoulder seams down to the hem."""
        return float(self.hem[:, 1].mean() - (self.shoulders[:, 1].mean() + self.collar_base[:, 1].mean()) / 2)

    @property
    def has_straps(self) -> bool:
        """Whether the shoulders are mere straps, whose distance says nothing about the garment's size."""
        straps = np.hypot(*(self.shoulders - self.collar).T)
        return self.sleeves == (None, None) and bool(straps.mean() < 0.13 * self.chest_width)


@dataclass(frozen=True)
class _SideMarks:
    """Landmarks of one side as (out, y); `seam_start` is the outline's own armpit, which a hidden gap may have put too low."""

    shoulder: Points64
    armpit: Points64
    seam_start: Points64
    hem: Points64
    sleeve_edges: tuple[Points64, Points64] | None


def top_landmarks(cloth: NDArray[np.uint8], mask: Mask) -> TopLandmarks:
    """Find the landmarks of a top or dress.

    Args:
        cloth: (h, w, 3) RGB uint8.
        mask: (h, w) bool, True = garment.

    Raises:
        InputError: the mask holds no garment.
    """
    outline, rows = _read_sides(trace(mask))
    marks = [_side_marks(side, outline, row) for side, row in zip(outline.sides, rows, strict=True)]
    sleeved = [mark.sleeve_edges is not None for mark in marks]
    if sleeved[0] != sleeved[1]:  # one sleeve folded away or too short to tell: garments are symmetric
        keep = sleeved.index(True)
        outline = replace(outline, sides=_both(outline.sides[keep]))
        marks = [marks[keep], marks[keep]]
    collars = [_collar(side, mark.shoulder, outline) for side, mark in zip(outline.sides, marks, strict=True)]
    corners = [corner for corner, _ in collars]
    collar = _to_xy(outline, corners)
    bases = _to_xy(outline, [base for _, base in collars])
    stands = float((bases - collar)[:, 1].mean()) > 0.02 * outline.height
    usual_px = usual_depth(float(np.ptp(collar[:, 0])), float(sum(mark.armpit[0] for mark in marks)))
    neckline = _axis_top(outline) if stands else front_neckline(cloth, mask, collar, _axis_top(outline), usual_px)
    return TopLandmarks(
        outline=outline,
        collar=collar,
        collar_base=bases,
        neckline=neckline,
        shoulders=_to_xy(outline, [mark.shoulder for mark in marks]),
        armpits=_to_xy(outline, [mark.armpit for mark in marks]),
        hem=_to_xy(outline, [mark.hem for mark in marks]),
        sleeves=(_sleeve(outline.sides[0], marks[0]), _sleeve(outline.sides[1], marks[1])),
        edges=_torso_edges(outline, marks, corners, neckline),
    )


def _torso_edges(outline: Outline, marks: list[_SideMarks], corners: list[Points64], neckline: Points64) -> TorsoEdges:
    sides = list(zip(outline.sides, marks, corners, strict=True))
    necks = [_neck_half(side, corner, neckline) for side, _, corner in sides]
    hems = [side.to_xy(resample(side.between(mark.hem, side.path[-1]), HEM_POINTS)) for side, mark, _ in sides]
    shoulder_seams = [side.to_xy(resample(side.between(corner, mark.shoulder), SHOULDER_POINTS)) for side, mark, corner in sides]
    armholes = [side.to_xy(resample(_armhole(side, mark), ARMHOLE_POINTS)) for side, mark, _ in sides]
    side_seams = [side.to_xy(resample(_side_seam(side, mark), SIDE_POINTS)) for side, mark, _ in sides]
    return TorsoEdges(
        neck=np.vstack([necks[0], necks[1][-2::-1]]),
        shoulder_seams=(shoulder_seams[0], shoulder_seams[1]),
        armholes=(armholes[0], armholes[1]),
        side_seams=(side_seams[0], side_seams[1]),
        hem=np.vstack([hems[0], hems[1][-2::-1]]),
    )


def _armhole(side: Side, mark: _SideMarks) -> Points64:
    straight = np.stack([mark.shoulder, mark.armpit])
    return straight if mark.sleeve_edges is not None else side.between(mark.shoulder, mark.armpit)


def _side_seam(side: Side, mark: _SideMarks) -> Points64:
    below = side.between(mark.seam_start, mark.hem)
    return np.vstack([mark.armpit, below[below[:, 1] > mark.armpit[1]]])


def _neck_half(side: Side, corner: Points64, neckline: Points64) -> Points64:
    """From the collar corner to the neckline's lowest point: the outline where it dips, else a quarter of an ellipse."""
    if neckline[1] <= side.path[0, 1] + 1:
        return side.to_xy(resample(side.between(side.path[0], corner)[::-1], NECK_POINTS))
    turn = np.linspace(0, np.pi / 2, NECK_POINTS)
    arc = np.column_stack([corner[0] * np.cos(turn), corner[1] + (neckline[1] - corner[1]) * np.sin(turn)])
    return side.to_xy(arc)


def _to_xy(outline: Outline, points: list[Points64]) -> Points64:
    return np.stack([side.to_xy(point) for side, point in zip(outline.sides, points, strict=True)])


def _axis_top(outline: Outline) -> Points64:
    side = outline.sides[0]
    return side.to_xy(side.path[0])


def _read_sides(outline: Outline) -> tuple[Outline, list[float | None]]:
    """The armpit row of both sides. Where the gap under one sleeve is hidden, that side is read from its mirror image."""
    left, right = (_armpit_row(side, outline) for side in outline.sides)
    if left is None and right is None:
        return outline, [None, None]
    if right is None or (left is not None and left < right - UNEVEN * outline.height):
        return replace(outline, sides=_both(outline.sides[0])), [left, left]
    if left is None or right < left - UNEVEN * outline.height:
        return replace(outline, sides=_both(outline.sides[1])), [right, right]
    return outline, [left, right]


def _both(side: Side) -> tuple[Side, Side]:
    """Left and right, both read from one side."""
    return (side, side.mirrored()) if side.sign < 0 else (side.mirrored(), side)


def _armpit_row(side: Side, outline: Outline) -> float | None:
    """The highest row where, going up, the cloth at the axis suddenly reaches further out and stays so: a sleeve joins it.

    The highest, because a long sleeve may also touch the body near the hem.
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
    """From inside a jump down along the sleeve's lower edge, however slanted, to where the body's side begins."""
    low, high = extent[row], extent[row - window]
    inside = row - np.arange(window + 1)
    row = int(inside[np.flatnonzero(extent[inside] <= low + 0.25 * (high - low))[-1]])
    while row + 2 * window < len(extent) and extent[row] - extent[row + window] > 0.5 * window:
        ahead = row + np.arange(1, window + 1)
        row = int(ahead[int(np.argmax(extent[ahead] <= extent[ahead].min() + 1))])
    return row


def _side_marks(side: Side, outline: Outline, armpit_row: float | None) -> _SideMarks:
    if armpit_row is None:
        return _sleeveless_marks(side, outline)
    path = side.path
    reach = float(np.nanmean(side.extent[round(armpit_row) : round(armpit_row) + 4]))
    armpit_at = int(np.argmin(np.hypot(path[:, 0] - reach, path[:, 1] - armpit_row)))
    above = path[:armpit_at]
    beyond = np.flatnonzero(above[:, 0] >= path[armpit_at, 0])
    shoulder_at = int(beyond[0]) if len(beyond) else int(np.argmax(above @ [1.0, -1.0]))
    arm = path[shoulder_at : armpit_at + 1]
    outer_at, inner_at = _cuff(arm)
    if inner_at <= outer_at or not _is_sleeve(arm, outer_at, inner_at, outline.width):
        return _sleeveless_marks(side, outline)
    edges = arm[: outer_at + 1], arm[inner_at:][::-1]
    armpit = _raised(path[armpit_at], path[shoulder_at])
    edges = edges[0], np.vstack([armpit, edges[1]])
    return _SideMarks(path[shoulder_at], armpit, path[armpit_at], _hem(path[armpit_at:]), edges)


def _is_sleeve(arm: Points64, outer_at: int, inner_at: int, width: float) -> bool:
    """Long enough, and with two long edges: a puff over the armhole ends in a point instead of a cuff."""
    root, cuff = arm[[0, -1]], arm[[outer_at, inner_at]]
    length = float(np.ptp(arm @ _unit(_middle(arm) - _middle(root))))
    return length >= MIN_SLEEVE * width and float(np.hypot(*(cuff[1] - cuff[0]))) > 0.2 * float(np.hypot(*(root[1] - root[0])))


def _raised(armpit: Points64, shoulder: Points64) -> Points64:
    """A sleeve lying close to the body hides the upper end of the gap: no armhole is deeper than two thirds of the chest."""
    deepest = shoulder[1] + 1.33 * armpit[0]
    return np.array([armpit[0], min(armpit[1], deepest)])


def _cuff(arm: Points64) -> tuple[int, int]:
    """Indices of the cuff's upper and lower corner on the path shoulder → armpit.

    The point farthest from the armhole is one of them. The other is the sharpest bend within reach of it; without one the cuff
    runs straight up to the armpit, as on short wide sleeves.
    """
    root, size = _middle(arm[[0, -1]]), float(np.hypot(*(arm[-1] - arm[0])))
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


def _sleeveless_marks(side: Side, outline: Outline) -> _SideMarks:
    """Armhole instead of sleeve: the armpit is where the side, coming down from the shoulder, stops widening."""
    path = side.path
    upper = path[: max(2, int(np.argmax(path @ [0.6, 1.0])))]
    shoulder_at = int(np.argmax(upper @ [1.0, -1.3]))
    chest = float(np.nanmedian(side.extent[round(outline.top) : round(outline.bottom)]))
    first = upper[shoulder_at, 1] + 0.45 * chest
    last = min(upper[shoulder_at, 1] + 2.2 * chest, outline.top + 0.7 * outline.height)
    band = np.flatnonzero((upper[:, 1] >= first) & (upper[:, 1] <= last) & (np.arange(len(upper)) > shoulder_at))
    armpit_at = _first_widest(upper, band) if len(band) else min(shoulder_at + 1, len(upper) - 1)
    return _SideMarks(path[shoulder_at], path[armpit_at], path[armpit_at], _hem(path[armpit_at:]), None)


def _first_widest(path: Points64, band: NDArray[np.intp]) -> int:
    """The first point of the band that comes within 3 % of its greatest reach."""
    reach = path[band, 0]
    return int(band[int(np.argmax(reach >= reach.max() - 0.03 * abs(float(reach.max()))))])


def _sleeve(side: Side, marks: _SideMarks) -> Sleeve | None:
    if marks.sleeve_edges is None:
        return None
    outer, inner = (side.to_xy(resample(edge, EDGE_POINTS)) for edge in marks.sleeve_edges)
    return Sleeve(outer, inner)


def _collar(side: Side, shoulder: Points64, outline: Outline) -> tuple[Points64, Points64]:
    """Outer corner of the neck opening, and where the shoulder seam starts below a standing collar; both (out, y).

    The corner is the point farthest above the chord from the middle of the neck to the shoulder tip: the end of a plateau for a
    crew neck, the peak for a strap or a scooped neck, the upper edge for a standing collar.
    """
    end = int(np.argmin(np.hypot(*(side.path - shoulder).T)))
    path = side.path[: end + 1]
    if len(path) < 4:
        return path[0], path[0]
    chord = path[-1] - path[0]
    above = (chord[1] * (path[:, 0] - path[0, 0]) - chord[0] * (path[:, 1] - path[0, 1])) / max(float(np.hypot(*chord)), 1e-6)
    corner_at = int(np.argmax(above))
    return path[corner_at], path[_slope_start(path, corner_at, outline.width)]


def _slope_start(path: Points64, corner_at: int, width: float) -> int:
    """The first index after the collar's corner from which the outline runs flatter than 50 degrees."""
    step = max(2, round(0.02 * width / max(float(np.hypot(*(path[1] - path[0]))), 1e-6)))
    for index in range(corner_at, len(path) - step):
        across, down = path[index + step] - path[index]
        if down < 1.2 * across:
            return index if path[index, 1] - path[corner_at, 1] > 0.03 * width else corner_at
    return corner_at
