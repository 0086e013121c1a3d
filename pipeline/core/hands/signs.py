"""Signs that a hand was drawn badly: the same hand before and after, held against each other in one square.

Two kinds, because neither is enough. The network's key-points say whether there is a hand, where, and how long its fingers are;
but it sees five fingers in a mitten too. The pixels say whether every part of the old hand is still found nearby, and whether
every part of the new one was there: fused fingers lose their creases, a finger too many has no pattern. Only hand pixels are
compared, because the garment behind a hand is meant to change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Float, Points
from pipeline.core.hands.shape import FINGERS, PALM, bones_area, half_finger, hand_area, hull_area
from pipeline.core.masks import Mask, box_of, dilate, erode
from pipeline.core.pixels.colour import to_lab
from pipeline.core.rect import Window
from pipeline.core.score import PASS_SCORE

THRESHOLDS = {"moved": 0.10, "bent": 0.18, "longer": 0.28, "lost": 1.2, "added": 1.4, "unlike": 0.13, "smooth": 0.42}
"""Beyond these a hand is not the photo's any more (docs/hands.md#what-is-measured); each is half way down its sign's grade."""
AROUND = 1.2
"""The hand ends this many half fingers beyond the hull of its key-points."""
BLUR, LEAST_BLUR = 0.15, 0.3
"""Both pictures are blurred alike before they are compared: an engine draws a little softer than a photo."""
PATCH, REACH, STEP = 0.55, 0.6, 0.3
"""Patches of this deviation are looked for this far away, in half fingers; a good hand may be drawn so far beside."""
COLOUR_APART = 12.0
"""ΔE (76) of the patches' means at which their likeness is e^-½."""
TEXTURE = 5.0
"""Variance of L*a*b* below which a patch counts as flat."""
FOUND = 0.45
"""A patch with no better likeness anywhere near is lost."""
SKIN_REACH = 9.0
"""Squared distance, in the skin's own deviations, within which a pixel has its colour."""
CREASE_SHARE, LEAST_CREASE, CREASE_WIDTH = 85, 2.5, 0.8
"""Creases: the darkest valleys, up to so many half fingers wide, from this percentile and so many L* on."""
RIM = 0.3
"""The outer rim of a hand, in half fingers, is not compared: it mixes with what lies behind, which is meant to change."""
NEAR_WRIST = 0.3
"""Pixels nearer to the wrist than this share of the palm are not compared: a sleeve may have changed there."""


@dataclass(frozen=True)
class HandPair:
    """One hand before and after, in squares of the same size.

    Args:
        before, after: (n, n, 3) uint8 RGB.
        points: (21, 2) x, y of the hand before.
        points_after: (21, 2) of the hand after.
        worn: (n, n) bool, the garment that is replaced, before; None = unknown.
        garment: (n, n) bool, what has the new garment's colours after; None = unknown.
    """

    before: RGB
    after: RGB
    points: Points
    points_after: Points
    worn: Mask | None = None
    garment: Mask | None = None


@dataclass(frozen=True)
class HandSigns:
    """What is wrong with a hand; 0 = nothing.

    Args:
        moved: mean way of the key-points, as a share of the hand's diagonal.
        bent: the longest way of one of them.
        longer: the largest change of a finger's length, as a logarithm; shorter counts alike.
        lost: area of the old hand that is found nowhere near, in squares of half a finger.
        added: area of the new hand that was nowhere near, likewise.
        unlike: mean unlikeness of the patches, in [0, 1], in the worse direction.
        smooth: share of the creases between the fingers that are gone.
    """

    moved: float
    bent: float
    longer: float
    lost: float
    added: float
    unlike: float
    smooth: float

    def worst(self) -> tuple[str, float]:
        """The worst sign's name, and the likeness in (0, 1] that follows: see `likeness_at`."""
        shares = ((name, getattr(self, name) / most) for name, most in THRESHOLDS.items())
        name, share = max(shares, key=lambda each: each[1])
        return name, likeness_at(share)


def likeness_at(share: float) -> float:
    """Of a sign's share of its threshold, in (0, 1]: 1 = nothing to be seen, `PASS_SCORE` at the threshold.

    Beyond, it falls ever slower and never to nothing, so that of two bad hands the less bad one is known.
    """
    return 1 - PASS_SCORE * share if share <= 1 else PASS_SCORE / share


def measure_hand(pair: HandPair) -> HandSigns:
    """The signs of one hand."""
    moved, bent, longer = _by_points(pair.points, pair.points_after)
    before, after = _lab_of(pair)
    unit, size = half_finger(pair.points), before.shape[:2]
    near = hand_area(size, pair.points, AROUND * unit, NEAR_WRIST)
    old, new = (near & skin_like(lab, pair.points, unit) for lab in (before, after))
    after = after + _palm_offset(before, after, old & new, pair.points)
    old &= True if pair.worn is None else ~pair.worn
    new &= True if pair.garment is None else ~pair.garment
    fingers = fingers_area(size, pair.points, unit) & near
    window = _window(near, unit)
    before, after, fingers = before[window], after[window], fingers[window]
    old, new = erode(old[window], RIM * unit), erode(new[window], RIM * unit)
    kept, was = best_match(before, after, old, unit), best_match(after, before, new, unit)
    return HandSigns(
        moved,
        bent,
        longer,
        lost=_area(kept, old, unit),
        added=_area(was, new, unit),
        unlike=max(_mean(1 - kept, old), _mean(1 - was, new)),
        smooth=creases_gone(before, after, fingers, unit),
    )


def _window(near: Mask, unit: float) -> Window:
    """The part of the square that matters to the hand."""
    box = box_of(near)
    return (slice(None), slice(None)) if box is None else box.window(near.shape, round(2 * unit))


def _by_points(before: Points, after: Points) -> tuple[float, float, float]:
    """How far key-points went, on average and at most, and how much a finger's length changed."""
    diagonal = max(float(np.hypot(*np.ptp(before, axis=0))), 1.0)
    ways = np.hypot(*(after - before).T) / diagonal
    slack = 3 * half_finger(before)
    longer = np.abs(np.log((finger_lengths(after) + slack) / (finger_lengths(before) + slack))).max()
    return float(ways.mean()), float(ways.max()), float(longer)


def finger_lengths(points: Points) -> NDArray[np.float64]:
    """(5,) length of each finger along its key-points, in pixels."""
    return np.array([sum(float(np.hypot(*(points[a] - points[b]))) for a, b in pairwise(ids)) for ids in FINGERS.values()])


def _lab_of(pair: HandPair) -> tuple[Float, Float]:
    """Both pictures in L*a*b*, equally blurred, the one after laid over the one before by its key-points."""
    after = pair.after
    matrix, _ = cv2.estimateAffinePartial2D(pair.points_after, pair.points, method=cv2.LMEDS)
    if matrix is not None and 0.8 < float(np.hypot(matrix[0, 0], matrix[1, 0])) < 1.25:
        after = cv2.warpAffine(after, matrix, after.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    blur = BLUR * half_finger(pair.points) + LEAST_BLUR
    return to_lab(cv2.GaussianBlur(pair.before, (0, 0), blur)), to_lab(cv2.GaussianBlur(after, (0, 0), blur))


def skin_like(lab: Float, points: Points, unit: float) -> Mask:
    """(h, w) bool: pixels of the colour that the fingers' middle lines and the palm have."""
    seeds = lab[bones_area(lab.shape[:2], points, 0.35 * unit)]
    middle = np.median(seeds, axis=0)
    away = np.abs(seeds - middle).sum(1)
    spread = 2 * np.cov(seeds[away <= np.percentile(away, 80)].T) + np.diag([9.0, 8.0, 8.0])
    apart = lab - middle.astype(np.float32)
    distance = np.einsum("...i,ij,...j", apart, np.linalg.inv(spread).astype(np.float32), apart)
    return np.asarray(distance < SKIN_REACH)


def _palm_offset(before: Float, after: Float, both: Mask, points: Points) -> NDArray[np.float32]:
    """(3,) the difference in light and colour that is no defect, read on the palm."""
    palm = both & hull_area(both.shape, points[list(PALM)])
    if not palm.any():
        return np.zeros(3, np.float32)
    return np.asarray(np.median(before[palm], axis=0) - np.median(after[palm], axis=0), np.float32)


def best_match(lab: Float, other: Float, inside: Mask, unit: float) -> Float:
    """(h, w) float32 in [0, 1]: how like the most alike patch nearby in another picture is, by mean and structure.

    The product of the luminance and structure terms of SSIM (Wang et al. 2004), with all three channels as one vector, and the
    best over small shifts; only pixels `inside` count, as that part's own shape.

    Args:
        lab, other: (h, w, 3) float32 L*a*b*.
        inside: (h, w) bool.
        unit: half a finger's width in pixels.
    """
    weight = inside.astype(np.float32)

    def mean(values: Float) -> Float:
        return np.asarray(cv2.GaussianBlur(values * weight[..., None], (0, 0), PATCH * unit) / total)

    total = cv2.GaussianBlur(weight, (0, 0), PATCH * unit)[..., None] + 1e-3
    own = mean(lab)
    own_spread = mean(lab * lab) - own * own
    best = np.zeros(inside.shape, np.float32)
    for shift in _shifts(unit):
        moved = cv2.warpAffine(other, shift, inside.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        its = mean(moved)
        spread = np.maximum(own_spread + mean(moved * moved) - its * its, 0).sum(2)
        common = (mean(lab * moved) - own * its).sum(2)
        colour = np.exp(-((own - its) ** 2).sum(2) / (2 * COLOUR_APART**2))
        np.maximum(best, colour * np.clip((2 * common + TEXTURE) / (spread + TEXTURE), 0, 1), out=best)
    return best


def _shifts(unit: float) -> Iterator[NDArray[np.float32]]:
    """(2, 3) matrices that move a picture in a disc of `REACH` half fingers."""
    steps = round(REACH / STEP)
    for row in range(-steps, steps + 1):
        for column in range(-steps, steps + 1):
            if row * row + column * column <= steps * steps + 0.5:
                yield np.array([[1, 0, column * STEP * unit], [0, 1, row * STEP * unit]], np.float32)


def creases_gone(before: Float, after: Float, fingers: Mask, unit: float) -> float:
    """Share in [0, 1] of the dark lines between the fingers that are there no more; 0 where there were none.

    Args:
        before, after: (h, w, 3) float32 L*a*b*.
        fingers: (h, w) bool.
        unit: half a finger's width in pixels.
    """
    was, now = (_valleys(lab, unit) for lab in (before, after))
    if not fingers.any():
        return 0.0
    dark = fingers & (was > max(LEAST_CREASE, float(np.percentile(was[fingers], CREASE_SHARE))))
    if not dark.any():
        return 0.0
    left = np.minimum(cv2.dilate(now, _disc(0.5 * unit)), was)
    return 1.0 - float(left[dark].sum() / was[dark].sum())


def fingers_area(size: tuple[int, ...], points: Points, unit: float) -> Mask:
    """(h, w) bool: the fingers with the spaces between them, without the palm's lower half."""
    ids = [i for name, finger in FINGERS.items() for i in (finger[1:] if name == "thumb" else finger)]
    return dilate(hull_area((size[0], size[1]), points[ids]), CREASE_WIDTH * unit)


def _valleys(lab: Float, unit: float) -> Float:
    return np.asarray(cv2.morphologyEx(np.ascontiguousarray(lab[..., 0]), cv2.MORPH_BLACKHAT, _disc(CREASE_WIDTH * unit)))


def _disc(radius_px: float) -> NDArray[np.uint8]:
    side = 2 * max(1, round(radius_px)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _area(match: Float, inside: Mask, unit: float) -> float:
    return float(np.count_nonzero(inside & (match < FOUND)) / unit**2)


def _mean(values: Float, inside: Mask) -> float:
    return float(values[inside].mean()) if inside.any() else 1.0
