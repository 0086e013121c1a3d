"""Landmarks of a flat top or dress: collar, neckline, shoulder tips, armpits, cuffs, hem.

They are found on the outline alone, except the front edge of the neckline, which lies inside it. Indices 0 and 1 are the
viewer's left and right: a garment is photographed as it is worn, so 0 goes to the subject's right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.core.arrays import RGB, Points64
from pipeline.core.masks import Mask
from tryon.engines.preview.garment.neckline import collar_corner, front_neckline, usual_depth
from tryon.engines.preview.garment.outline import Outline, OutlineSide, resample, trace
from tryon.engines.preview.garment.side_landmarks import SideLandmarks, both_from, read_sides, side_landmarks

EDGE_POINTS = 12
"""Outline points kept per sleeve edge."""
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
        """Pixels from the armhole to the cuff: mean of upper edge and middle line, because the lower edge may have no length."""
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
        neckline_bottom: (2,) lowest point of the front edge of the neck opening.
        shoulders: (2, 2) tips, above the armpits.
        armpits: (2, 2).
        hem: (2, 2) lower corners of the body.
        sleeves: left and right, None when sleeveless.
        edges: the body's outline between these landmarks.
    """

    outline: Outline
    collar: Points64
    collar_base: Points64
    neckline_bottom: Points64
    shoulders: Points64
    armpits: Points64
    hem: Points64
    sleeves: tuple[Sleeve | None, Sleeve | None]
    edges: TorsoEdges

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
        """Whether the shoulders are straps, whose distance does not show the garment's size."""
        straps = np.hypot(*(self.shoulders - self.collar).T)
        return self.sleeves == (None, None) and bool(straps.mean() < 0.13 * self.chest_width)


def top_landmarks(cloth: RGB, mask: Mask) -> TopLandmarks:
    """Find the landmarks of a top or dress.

    Args:
        cloth: (h, w, 3) RGB uint8.
        mask: (h, w) bool, True = garment.

    Raises:
        InputError: the mask holds no garment.
    """
    outline, rows = read_sides(trace(mask))
    marks = [side_landmarks(side, outline, row) for side, row in zip(outline.sides, rows, strict=True)]
    sleeved = [mark.sleeve_edges is not None for mark in marks]
    if sleeved[0] != sleeved[1]:  # one sleeve folded away or too short to tell: garments are symmetric
        keep = sleeved.index(True)
        outline = replace(outline, sides=both_from(outline.sides[keep]))
        marks = [marks[keep], marks[keep]]
    collars = [collar_corner(side, mark.shoulder, outline.width) for side, mark in zip(outline.sides, marks, strict=True)]
    corners = [corner for corner, _ in collars]
    collar = _to_xy(outline, corners)
    bases = _to_xy(outline, [base for _, base in collars])
    stands = float((bases - collar)[:, 1].mean()) > 0.02 * outline.height
    usual_px = usual_depth(float(np.ptp(collar[:, 0])), float(sum(mark.armpit[0] for mark in marks)))
    bottom = _axis_top(outline) if stands else front_neckline(cloth, mask, collar, _axis_top(outline), usual_px)
    return TopLandmarks(
        outline=outline,
        collar=collar,
        collar_base=bases,
        neckline_bottom=bottom,
        shoulders=_to_xy(outline, [mark.shoulder for mark in marks]),
        armpits=_to_xy(outline, [mark.armpit for mark in marks]),
        hem=_to_xy(outline, [mark.hem for mark in marks]),
        sleeves=(_sleeve(outline.sides[0], marks[0]), _sleeve(outline.sides[1], marks[1])),
        edges=_torso_edges(outline, marks, corners, bottom),
    )


def _torso_edges(outline: Outline, marks: list[SideLandmarks], corners: list[Points64], bottom: Points64) -> TorsoEdges:
    """The outline between the landmarks; `bottom` is the lowest point of the neckline."""
    sides = list(zip(outline.sides, marks, corners, strict=True))
    necks = [_neck_half(side, corner, bottom) for side, _, corner in sides]
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


def _armhole(side: OutlineSide, mark: SideLandmarks) -> Points64:
    """(n, 2) as (out, y): straight where a sleeve is attached."""
    straight = np.stack([mark.shoulder, mark.armpit])
    return straight if mark.sleeve_edges is not None else side.between(mark.shoulder, mark.armpit)


def _side_seam(side: OutlineSide, mark: SideLandmarks) -> Points64:
    """(n, 2) as (out, y) from the armpit to the hem."""
    below = side.between(mark.seam_start, mark.hem)
    return np.vstack([mark.armpit, below[below[:, 1] > mark.armpit[1]]])


def _neck_half(side: OutlineSide, corner: Points64, bottom: Points64) -> Points64:
    """(n, 2) x, y from the collar corner to the neckline's lowest point: the outline where it dips, else a quarter ellipse."""
    if bottom[1] <= side.path[0, 1] + 1:
        return side.to_xy(resample(side.between(side.path[0], corner)[::-1], NECK_POINTS))
    turn = np.linspace(0, np.pi / 2, NECK_POINTS)
    arc = np.column_stack([corner[0] * np.cos(turn), corner[1] + (bottom[1] - corner[1]) * np.sin(turn)])
    return side.to_xy(arc)


def _to_xy(outline: Outline, points: list[Points64]) -> Points64:
    """(2, 2) x, y of one (out, y) point per side."""
    return np.stack([side.to_xy(point) for side, point in zip(outline.sides, points, strict=True)])


def _axis_top(outline: Outline) -> Points64:
    """(2,) x, y of the highest outline point on the axis."""
    side = outline.sides[0]
    return side.to_xy(side.path[0])


def _sleeve(side: OutlineSide, marks: SideLandmarks) -> Sleeve | None:
    """The sleeve of one side with evenly spaced points."""
    if marks.sleeve_edges is None:
        return None
    outer, inner = (side.to_xy(resample(edge, EDGE_POINTS)) for edge in marks.sleeve_edges)
    return Sleeve(outer, inner)
