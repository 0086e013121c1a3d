"""What a cut-out shows of a person: extent, where the photo cut the body, feet, and how tall the whole person would be."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Joint

SOLID = 128
"""Alpha from which a pixel counts as body."""
NECK_TO_TOP = 0.18
HIP_TO_TOP = 0.48
SHOULDERS = 0.225
"""Shares of the stature: neck base and hip joints below the crown, distance of the shoulder joints (Drillis & Contini 1966)."""
UNSEEN_STATURE = 2.0
"""A cut body without key-points is taken for a half-body picture."""
FOOT_ZONE = 0.085
"""Feet of a standing, walking or seated person end within this share of the body's height above the lowest point."""
FOOT_THICKNESS = 0.03
FOOT_WIDTH = 0.022
BELOW_CROTCH, BELOW_CROTCH_SEATED = 0.08, 0.03
"""Share of the body's height from the crotch to mid-thigh, or to just under a seated one's, so that no seat is missed."""
BUILDS = {"neck": 0.195, "hip": 0.472, "trunk": 0.275, "shoulders": 0.181, "nose": 0.1145, "eyes": 0.0348}
"""Shares of the upright height: crown to neck, crown to hips, neck to hips, between the shoulder joints, nose to neck, between
the eyes, as pose networks place them (measured on standing people of known height). Turning, a hat or a seat spoils one or two;
their median stays within a few percent."""
LEAST_BUILDS = 3
SEATED_HEIGHT, SEATED_DROP = 0.93, 0.12
"""Shares of the upright height: somebody seated is lower, and a knee is that little below the hip (standing: 0.2)."""
CUT_SHARE = 0.02
"""Contact with a photo edge shorter than this share of the body's height is a stray pixel or a shoe tip, not a cut."""


@dataclass(frozen=True, slots=True)
class Foot:
    """Where one foot meets the ground, photo pixels.

    Args:
        x: centre of the sole.
        row: the lowest row of the foot.
        half_width: half of the sole's visible width.
    """

    x: float
    row: float
    half_width: float


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where the photo's edges cut the body.

    Args:
        top, bottom: whether the edge cuts the body.
        left, right: the first photo row at which the side edge cuts the body, or None.
    """

    top: bool = False
    bottom: bool = False
    left: float | None = None
    right: float | None = None


@dataclass(frozen=True, slots=True)
class CutoutBody:
    """A person in a photo; all figures in photo pixels.

    Args:
        photo_size: (height, width).
        top, left, bottom, right: edges of the visible body; bottom and right are exclusive.
        cuts: which photo edges cut it.
        axis_x: the middle of the body's mass.
        crotch: the row where the legs part, for the shadow.
        stature: height from crown to sole, unseen parts included.
        feet: from left to right; empty when the photo cuts the feet off.
        build: height that the person would have upright, read off head and trunk whatever the pose, hat or hair; None = unknown.
            It compares people with each other.
        seated: a thigh is raised to sit; what they sit on is not in the cut-out.
    """

    photo_size: tuple[int, int]
    top: float
    left: float
    bottom: float
    right: float
    cuts: Cuts
    axis_x: float
    crotch: float
    stature: float
    feet: tuple[Foot, ...] = ()
    build: float | None = None
    seated: bool = False

    @property
    def upright(self) -> float:
        """Height of the upright person, photo pixels: the build, else the stature."""
        return self.build or self.stature

    @property
    def thigh(self) -> float:
        """The row of mid-thigh, where a picture's edge may cut somebody who stands or sits."""
        below = BELOW_CROTCH_SEATED if self.seated else BELOW_CROTCH
        return min(self.crotch + below * self.height, self.bottom)

    @property
    def mirrored(self) -> CutoutBody:
        """The body in the mirrored photo."""
        wide, cuts = self.photo_size[1], self.cuts
        return replace(
            self,
            left=wide - self.right,
            right=wide - self.left,
            axis_x=wide - 1 - self.axis_x,
            cuts=replace(cuts, left=cuts.right, right=cuts.left),
            feet=tuple(replace(foot, x=wide - 1 - foot.x) for foot in reversed(self.feet)),
        )

    @property
    def height(self) -> float:
        """Visible height."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Visible width."""
        return self.right - self.left

    @property
    def shown(self) -> float:
        """Visible share of the stature, (0, 1]: about 0.3 for a bust, 0.5 for half, 0.75 to the knees."""
        return min(self.height / self.stature, 1.0)

    @property
    def anchor_x(self) -> float:
        """What stands on the foot point: the middle between the feet, or the body's axis where they are not seen."""
        return float(np.mean([foot.x for foot in self.feet])) if self.feet else self.axis_x


def measure_body(alpha: NDArray[np.uint8], keypoints: Keypoints | None = None) -> CutoutBody | None:
    """Read a body off its matte.

    Args:
        alpha: (h, w) uint8, 255 = person, photo resolution.
        keypoints: joints in photo pixels; they distinguish a shoe that touches the edge from a leg that is cut.

    Returns:
        None when the matte is empty.
    """
    solid = alpha >= SOLID
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if rows.size == 0:
        return None
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    cuts = _cuts(solid, bottom - top, keypoints)
    weights = solid.sum(0, dtype=np.float64)
    axis = float((weights * np.arange(solid.shape[1])).sum() / weights.sum())
    feet = () if cuts.bottom else _feet(solid, top, bottom)
    crotch = _crotch(keypoints, top, bottom)
    stature = _stature(keypoints, top, bottom, cuts)
    build = _build(keypoints, None if cuts.top else top)
    seated = _seated(keypoints, build, bottom - top)
    return CutoutBody(
        (alpha.shape[0], alpha.shape[1]), top, left, bottom, right, cuts, axis, crotch, stature, feet, build, seated
    )


def _cuts(solid: NDArray[np.bool_], height: int, keypoints: Keypoints | None) -> Cuts:
    least = max(3.0, CUT_SHARE * height)
    bottom = float(solid[-2:].any(0).sum()) > least and not _stands_inside(keypoints, solid.shape[0])
    return Cuts(
        top=float(solid[:2].any(0).sum()) > least,
        bottom=bottom,
        left=_first_cut_row(solid[:, :2], least),
        right=_first_cut_row(solid[:, -2:], least),
    )


def _first_cut_row(edge: NDArray[np.bool_], least: float) -> float | None:
    rows = np.flatnonzero(edge.any(1))
    return float(rows[0]) if rows.size > least else None


def _stands_inside(keypoints: Keypoints | None, photo_height: int) -> bool:
    """Both feet with toes were seen inside the photo: whatever touches the bottom edge is a sole."""
    if keypoints is None or not keypoints.has(Joint.LEFT_BIG_TOE, Joint.RIGHT_BIG_TOE, Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE):
        return False
    joints = (Joint.LEFT_BIG_TOE, Joint.RIGHT_BIG_TOE, Joint.LEFT_HEEL, Joint.RIGHT_HEEL)
    return max(float(keypoints.xy(joint)[1]) for joint in joints) < photo_height - 1


def _crotch(keypoints: Keypoints | None, top: int, bottom: int) -> float:
    usual = top + 0.55 * (bottom - top)
    if keypoints is None or not keypoints.has(Joint.MID_HIP):
        return usual
    hip = float(keypoints.xy(Joint.MID_HIP)[1])
    return float(np.clip(hip + 0.05 * (bottom - top), top + 0.3 * (bottom - top), top + 0.75 * (bottom - top)))


def _stature(keypoints: Keypoints | None, top: int, bottom: int, cuts: Cuts) -> float:
    """The visible height where head and feet are seen; otherwise estimated from the joints, never less than what is visible."""
    visible = float(bottom - top)
    if not cuts.bottom:
        return visible / 0.9 if cuts.top else visible
    if keypoints is None:
        return UNSEEN_STATURE * visible
    guesses = list(_guesses(keypoints, top))
    return max(float(np.median(guesses)) if guesses else UNSEEN_STATURE * visible, visible / 0.95)


def _guesses(keypoints: Keypoints, top: int) -> list[float]:
    found: list[float] = []
    if keypoints.has(Joint.NECK):
        found.append((float(keypoints.xy(Joint.NECK)[1]) - top) / NECK_TO_TOP)
    if keypoints.has(Joint.MID_HIP):
        found.append((float(keypoints.xy(Joint.MID_HIP)[1]) - top) / HIP_TO_TOP)
    if keypoints.has(Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER):
        span = keypoints.xy(Joint.LEFT_SHOULDER) - keypoints.xy(Joint.RIGHT_SHOULDER)
        found.append(float(np.hypot(*span)) / SHOULDERS)
    return [guess for guess in found if guess > 0]


def _build(keypoints: Keypoints | None, crown: float | None) -> float | None:
    """The median of what head and trunk say; None where too few joints are seen."""
    if keypoints is None:
        return None
    found = _lengths(keypoints, crown)
    guesses = [length / BUILDS[name] for name, length in found.items() if length > 0]
    return float(np.median(guesses)) if len(guesses) >= LEAST_BUILDS else None


def _seated(keypoints: Keypoints | None, build: float | None, height: int) -> bool:
    """A knee hardly below its hip, and the body lower than upright: somebody who runs or steps is as tall as ever."""
    if keypoints is None or build is None or height > SEATED_HEIGHT * build:
        return False
    legs = ((Joint.LEFT_HIP, Joint.LEFT_KNEE), (Joint.RIGHT_HIP, Joint.RIGHT_KNEE))
    drops = [float(keypoints.xy(knee)[1] - keypoints.xy(hip)[1]) for hip, knee in legs if keypoints.has(hip, knee)]
    return bool(drops) and min(drops) < SEATED_DROP * build


def _lengths(keypoints: Keypoints, crown: float | None) -> dict[str, float]:
    """Photo pixels by the names in `BUILDS`, as far as the joints are seen."""

    def between(one: Joint, other: Joint) -> float:
        return float(np.hypot(*(keypoints.xy(one) - keypoints.xy(other)))) if keypoints.has(one, other) else 0.0

    def down_to(joint: Joint) -> float:
        return float(keypoints.xy(joint)[1]) - crown if crown is not None and keypoints.has(joint) else 0.0

    return {
        "neck": down_to(Joint.NECK),
        "hip": down_to(Joint.MID_HIP),
        "trunk": between(Joint.NECK, Joint.MID_HIP),
        "shoulders": between(Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER),
        "nose": between(Joint.NOSE, Joint.NECK),
        "eyes": between(Joint.LEFT_EYE, Joint.RIGHT_EYE),
    }


def _feet(solid: NDArray[np.bool_], top: int, bottom: int) -> tuple[Foot, ...]:
    """Flat stretches of the body's lower outline, the lowest first; the steep flank between two feet is too narrow to be one."""
    height = bottom - top
    outline = np.where(solid.any(0), solid.shape[0] - np.argmax(solid[::-1], 0), 0)
    unread = outline > bottom - FOOT_ZONE * height
    feet: list[Foot] = []
    for _ in range(12):
        if not unread.any() or len(feet) == 3:
            break
        lowest = int(np.argmax(np.where(unread, outline, -1)))
        start, stop = _run(unread & (outline >= outline[lowest] - max(FOOT_THICKNESS * height, 2)), lowest)
        if stop - start >= FOOT_WIDTH * height:
            sole = _run(unread & (outline >= outline[lowest] - max(FOOT_THICKNESS / 2 * height, 1)), lowest)
            feet.append(Foot((sole[0] + sole[1] - 1) / 2, float(outline[lowest]), (sole[1] - sole[0]) / 2))
        unread = unread & ((np.arange(unread.size) < start) | (np.arange(unread.size) >= stop))
    feet.sort(key=lambda foot: foot.x)
    return tuple(foot for place, foot in enumerate(feet) if not _hangs(feet, place))


def _hangs(feet: list[Foot], place: int) -> bool:
    """A stretch between two lower feet is a trouser leg or a hem, not a third foot."""
    lower = [other.row > feet[place].row for other in feet]
    return any(lower[:place]) and any(lower[place + 1 :])


def _run(inside: NDArray[np.bool_], column: int) -> tuple[int, int]:
    """The run of True columns around one of them, as (start, stop)."""
    before = np.flatnonzero(~inside[:column])
    after = np.flatnonzero(~inside[column:])
    return (int(before[-1]) + 1 if before.size else 0), (column + int(after[0]) if after.size else inside.size)
