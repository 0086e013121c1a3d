"""Is the preview any good? Figures for one person and garment, without a human eye.

It knows nothing of how the garment was moved: it looks at where the garment's landmarks came to lie, which pixels it
covers, and whether what is seen on the body is what lies on the photo of the garment. A rectangle pasted over the mask fails.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.labels import Category, Parse
from pipeline.core.masks import Mask, dilate
from tryon.engines.preview.fit.lower import fit_lower
from tryon.engines.preview.fit.top import fit_top
from tryon.engines.preview.lower import LowerGarment
from tryon.engines.preview.paint.polygons import canvas_alpha
from tryon.engines.preview.person.limbs import limb_axis
from tryon.engines.preview.person.skeleton import Limb, Skeleton
from tryon.engines.preview.person.subject import Subject
from tryon.engines.preview.top import TopGarment

GRID = 24
"""Points64 per side of the grid on which garment and picture are compared."""
SHOULDER_SLOPE = 0.5
"""How much a shoulder's outline falls on its way from the neck to the joint."""
PLAIN = 12.0
"""A garment whose colours spread less than this (Lab units) has no texture to correlate; then its colour is compared."""


@dataclass(frozen=True)
class Landing:
    """Where a garment came to lie.

    Args:
        tops: (2, 2) shoulder tips or waist corners on the canvas.
        cloth: (4, 2) corners of its body on the garment photo: armpits or waist, then the hem, right before left.
        canvas: (4, 2) the same corners on the canvas.
        ends: middles of its sleeve or leg ends on the canvas, left and right; None where there is none.
        painted: (h, w) bool: pixels it covers.
        proportion: length of a top over its width at the chest; a cropped one ends above the hips.
    """

    tops: Points64
    cloth: Points64
    canvas: Points64
    ends: tuple[Points64 | None, Points64 | None]
    painted: Mask
    proportion: float = np.inf

    def reach(self, subject: Subject) -> float:
        """Pixels below the neck that a top of this proportion surely covers, at most down to the hips."""
        skeleton = subject.skeleton
        return min(skeleton.torso_length, (1.25 * self.proportion - 0.3) * skeleton.scale)


@dataclass(frozen=True)
class Quality:
    """Distances are in body scales (about one shoulder width), shares in [0, 1].

    Args:
        top_error: how far the shoulder tips lie from the shoulder joints, or the waist's middle from the torso's axis.
        hem_error: how far the hem lies off the axis or outside its range of heights.
        end_error: how far sleeve or leg ends lie from the limb.
        coverage: share of the part of the body to be dressed that the garment covers.
        spill: share of the garment that hangs in the air, away from the person.
        texture: correlation of the picture with the garment photo; agreement of colour for a plain garment.
        touched_outside: pixels changed outside the mask.
    """

    top_error: float
    hem_error: float
    end_error: float
    coverage: float
    spill: float
    texture: float
    touched_outside: int

    def failures(self) -> tuple[str, ...]:
        """Names of the figures outside their limits."""
        return tuple(
            each.name
            for each in fields(self)
            if not LIMITS[each.name][0] <= float(getattr(self, each.name)) <= LIMITS[each.name][1]
        )


LIMITS: dict[str, tuple[float, float]] = {
    "top_error": (0.0, 0.25),
    "hem_error": (0.0, 0.17),
    "end_error": (0.0, 0.15),
    "coverage": (0.8, 1.0),
    "spill": (0.0, 0.06),
    "texture": (0.6, 1.0),
    "touched_outside": (0, 0),
}


def landing_of(subject: Subject, garment: TopGarment | LowerGarment) -> Landing:
    """Where the preview puts a garment."""
    if isinstance(garment, LowerGarment):
        return _lower_landing(subject, garment)
    fit, marks = fit_top(subject, garment.landmarks), garment.landmarks
    polygons = [fit.torso.polygon] + [_ring(strip.canvas) for strip in fit.sleeves if strip is not None]
    ends = [None if strip is None else strip.end.mean(0) for strip in fit.sleeves]
    tops = fit.torso.shoulders
    if marks.has_straps:
        tops = _at_the_joints(tops, subject.skeleton)
    return Landing(
        tops=tops,
        cloth=np.vstack([marks.armpits, marks.hem[::-1]]),
        canvas=np.vstack([fit.torso.armpits, fit.torso.hem[::-1]]),
        ends=(ends[0], ends[1]),
        painted=_union(polygons, subject),
        proportion=marks.body_length / marks.chest_width,
    )


def _at_the_joints(straps: Points64, skeleton: Skeleton) -> Points64:
    """(2, 2) ends of straps, moved along the shoulders' slope to the joints: how high they lie counts, not how far inside."""
    aside = (skeleton.shoulders - straps) @ skeleton.across
    slope = np.abs(aside) * SHOULDER_SLOPE
    moved: Points64 = straps + aside[:, None] * skeleton.across + slope[:, None] * skeleton.down
    return moved


def _lower_landing(subject: Subject, garment: LowerGarment) -> Landing:
    fit, halves = fit_lower(subject, garment.landmarks), garment.landmarks.halves
    ends = [half[0][-1] / 2 + half[1][-1] / 2 if garment.landmarks.crotch is not None else None for half in fit.canvas]
    hips = 5  # the last rung above the crotch: below it the two legs go their own ways
    return Landing(
        tops=fit.waist,
        cloth=np.stack([halves[0][0][0], halves[1][0][0], halves[1][0][hips], halves[0][0][hips]]),
        canvas=np.stack([fit.canvas[0][0][0], fit.canvas[1][0][0], fit.canvas[1][0][hips], fit.canvas[0][0][hips]]),
        ends=(ends[0], ends[1]),
        painted=_union([_ring(half) for half in fit.canvas], subject),
    )


def _ring(edges: tuple[Points64, Points64]) -> Points64:
    return np.vstack([edges[0], edges[1][::-1]])


def _union(polygons: list[Points64], subject: Subject) -> Mask:
    covered = np.zeros(subject.size, np.float32)
    for polygon in polygons:
        covered = np.maximum(covered, canvas_alpha([polygon], subject.size))
    painted: Mask = (covered > 0.5) & subject.mask
    return painted


def measure(subject: Subject, cloth: NDArray[np.uint8], picture: NDArray[np.uint8], landing: Landing) -> Quality:
    """All figures of one picture.

    Args:
        subject: the person it was made for.
        cloth: (h, w, 3) RGB uint8 garment photo.
        picture: (h, w, 3) RGB uint8 result.
        landing: where the garment lies in it.
    """
    outside = (picture != subject.image).any(2) & ~subject.mask
    return Quality(
        top_error=_top_error(subject, landing),
        hem_error=_hem_error(subject, landing),
        end_error=_end_error(subject, landing),
        coverage=_coverage(subject, landing),
        spill=_spill(subject, landing),
        texture=texture_agreement(cloth, picture, landing),
        touched_outside=int(np.count_nonzero(outside)),
    )


def _top_error(subject: Subject, landing: Landing) -> float:
    skeleton, tops = subject.skeleton, landing.tops
    if subject.category is Category.LOWER:
        return abs(float(skeleton.to_torso(tops.mean(0))[0])) / skeleton.scale
    return float(np.hypot(*(tops - skeleton.shoulders).T).max()) / skeleton.scale


def _hem_error(subject: Subject, landing: Landing) -> float:
    skeleton: Skeleton = subject.skeleton
    across, down = skeleton.to_torso(landing.canvas[2:].mean(0))
    low, high = {
        Category.UPPER: (min(0.75 * skeleton.torso_length, landing.reach(subject)), 1.6 * skeleton.torso_length),
        Category.LOWER: (skeleton.torso_length, skeleton.torso_length + 0.6 * skeleton.scale),
        Category.DRESS: (1.1 * skeleton.torso_length, skeleton.torso_length + 2.5 * skeleton.scale),
    }[subject.category]
    return (abs(float(across)) + max(0.0, low - float(down), float(down) - high)) / skeleton.scale


def _end_error(subject: Subject, landing: Landing) -> float:
    limbs = subject.skeleton.legs if subject.category is Category.LOWER else subject.skeleton.arms
    distances = [_off_limb(limb, end) for limb, end in zip(limbs, landing.ends, strict=True) if end is not None]
    return max(distances, default=0.0) / subject.skeleton.scale


def _off_limb(limb: Limb, point: Points64) -> float:
    middle, _ = limb_axis(limb, np.linspace(0, 1.2, 60))
    return float(np.hypot(*(middle - point).T).min())


def _coverage(subject: Subject, landing: Landing) -> float:
    """Of the torso between shoulders and hips (or hips and knees), as far as the mask allows and nothing lies in front."""
    skeleton = subject.skeleton
    if subject.category is Category.LOWER:
        left, right = (leg.joints[:2].mean(0) for leg in skeleton.legs)
        corners = np.stack([skeleton.hips[0], skeleton.hips[1], right, left])
    else:
        inner = skeleton.neck + 0.75 * (skeleton.shoulders - skeleton.neck) + 0.45 * skeleton.scale * skeleton.down
        ends = skeleton.hips - (skeleton.torso_length - landing.reach(subject)) * skeleton.down
        corners = np.stack([inner[0], inner[1], ends[1], ends[0]])
    core = canvas_alpha([corners], subject.size) > 0.5
    front = subject.mask_of(Parse.HAIR, Parse.LEFT_ARM, Parse.RIGHT_ARM, Parse.FACE)
    core = core & subject.mask & ~front
    return float(landing.painted[core].mean()) if core.any() else 1.0


def _spill(subject: Subject, landing: Landing) -> float:
    near = dilate(~subject.mask_of(Parse.BACKGROUND), 0.03 * subject.skeleton.scale)
    painted = landing.painted
    if subject.category is not Category.UPPER:  # a skirt or a wide leg may swing as it likes
        rows, columns = np.nonzero(painted)
        below = subject.skeleton.to_torso(np.column_stack([columns, rows]))[:, 1] > subject.skeleton.torso_length
        painted = painted.copy()
        painted[rows[below], columns[below]] = False
    return float((painted & ~near).sum() / max(1, np.count_nonzero(painted)))


def texture_agreement(cloth: NDArray[np.uint8], picture: NDArray[np.uint8], landing: Landing) -> float:
    """Correlation of garment photo and picture on a grid spanned by the four corners; 1 - colour distance / 40 when plain."""
    there, here = (_grid_colours(image, corners) for image, corners in ((cloth, landing.cloth), (picture, landing.canvas)))
    usable = (landing.painted[_grid_index(landing.canvas, landing.painted.shape)]).reshape(-1)
    if usable.sum() < 30:
        return 0.0
    there, here = there[usable], here[usable]
    if float(there.std(0).max()) < PLAIN:
        return 1 - float(np.median(np.linalg.norm((there - here) * [0.5, 1, 1], axis=1))) / 40
    shaded = (there - there.mean(0)).ravel(), (here - here.mean(0)).ravel()
    return float(shaded[0] @ shaded[1] / max(float(np.linalg.norm(shaded[0]) * np.linalg.norm(shaded[1])), 1e-6))


def _grid(corners: Points64) -> Points64:
    u, v = np.meshgrid(np.linspace(0.15, 0.85, GRID), np.linspace(0.15, 0.85, GRID))
    upper = corners[0] + u[..., None] * (corners[1] - corners[0])
    lower = corners[3] + u[..., None] * (corners[2] - corners[3])
    grid: Points64 = upper + v[..., None] * (lower - upper)
    return grid


def _grid_index(corners: Points64, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    columns, rows = np.round(np.moveaxis(_grid(corners), -1, 0)).astype(np.intp)
    return np.clip(rows, 0, shape[0] - 1), np.clip(columns, 0, shape[1] - 1)


def _grid_colours(image: NDArray[np.uint8], corners: Points64) -> NDArray[np.float64]:
    """(GRID², 3) Lab, blurred by about one grid step so that a shift of a few pixels does not count as another texture."""
    step = float(np.hypot(*(corners[2] - corners[0]))) / GRID
    lab = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), (0, 0), max(step, 1.0))
    placed: NDArray[np.float64] = lab[_grid_index(corners, image.shape)].reshape(-1, 3).astype(np.float64)
    return placed
