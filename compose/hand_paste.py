"""Copy the photo's own hand back over one that was drawn badly, where that is right (docs/hands.md#paste).

Exact anatomy, at the photo's resolution, for nothing; but only where the hand belongs: the new garment does not lie over it, and
the arm still ends where the hand begins. The result is judged again, and thrown away when it is no better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from compose.blend import blend
from compose.dressed_matte.before_after import BeforeAfter
from compose.gate.garment_colour import Palette
from compose.gate.hands import GARMENT_REACH, HandEvidence, JudgedHand, around, judge_hand
from compose.gate.presence import garment_like
from pipeline.core.arrays import RGB, Float, Points
from pipeline.core.frame import Frame
from pipeline.core.hands.facts import Fate, HandFact
from pipeline.core.hands.shape import BEYOND_WRIST, MIDDLE_KNUCKLE, WRIST, beyond_wrist, half_finger, hand_area
from pipeline.core.hands.signs import skin_like
from pipeline.core.hands.views import ReadHand
from pipeline.core.masks import Mask, close, dilate
from pipeline.core.pixels.colour import to_lab
from pipeline.core.rect import Window

MARGIN = 0.6
AROUND = 1.2
"""As much of the photo round the hand comes with it, in half fingers: a finger too many goes away."""
STRAY_REACH, STRAY_RIM, MOST_STRAY = 6.0, 0.5, 1.5
"""Skin that was drawn this far round the hand and was not there goes too, with its rim, all in half fingers; so many squares of
half a finger of it may stay, where the old garment was and the photo has nothing to give."""
ONTO_ARM = 0.1
"""The seam on the arm begins this share of the palm before the wrist."""
FEATHER = 0.35
"""Width of the soft border, in half fingers; the hand itself is inside it."""
MOST_COVERED = 0.05
"""Share of the hand that may lie under the new garment; those pixels stay the garment's."""
WRIST_REACH, LEAST_WRIST = 2.5, 0.2
"""The wrist is compared in a disc of so many half fingers, of whose skin this share must be seen."""
SAME_WRIST = 14.0
"""Median ΔE (76) of the wrist's skin up to which the arm is where it was."""


class _RefusedError(Exception):
    """Why a hand is not pasted, in words."""


def paste_hands(
    photos: BeforeAfter, hands: Mapping[str, JudgedHand], evidence: HandEvidence, least: float, read: ReadHand
) -> tuple[BeforeAfter, dict[str, JudgedHand]]:
    """Paste every flagged hand that may be pasted.

    Args:
        photos: the photo before and after.
        hands: what became of each hand.
        evidence: what they were judged by.
        least: likeness from which a hand counts as kept.
        read: the hand network.

    Returns:
        The photo with the hands, and the hands: pasted, or as they were with the reason.
    """
    found = dict(hands)
    for side, hand in hands.items():
        if hand.fact.fate is not Fate.DIFFERS:
            continue
        try:
            pasted = replace(photos, dressed=_with_hand(photos, hand.points, evidence))
        except _RefusedError as reason:
            found[side] = replace(hand, note=f"not pasted: {reason}")
            continue
        again = judge_hand(evidence, pasted, evidence.places[side], least, read)
        if again is None or again.likeness < max(least, hand.likeness):
            found[side] = replace(hand, note="not pasted: no better for it")
            continue
        photos, found[side] = pasted, JudgedHand(hand.points, HandFact(Fate.PASTED, again.likeness))
    return photos, found


def _with_hand(photos: BeforeAfter, points: Points, evidence: HandEvidence) -> RGB:
    """(h, w, 3) uint8: the dressed photo with the photo's hand."""
    if evidence.garment is None:
        raise _RefusedError("the garment's colours are not known")
    window, near = around(photos, points, MARGIN)
    worn = None if evidence.worn is None else in_window(evidence.worn, evidence.frame, window)
    weight = np.zeros(photos.photo.shape[:2], np.float32)
    weight[window] = paste_weight(photos.photo[window], photos.dressed[window], near, worn, evidence.garment)
    return blend(photos.dressed, photos.photo, weight)


def paste_weight(photo: RGB, dressed: RGB, points: Points, worn: Mask | None, garment: Palette) -> Float:
    """(h, w) float32 in [0, 1]: how much of the photo is taken; exactly 1 on the hand, exactly 0 on the new garment.

    Args:
        photo, dressed: (h, w, 3) uint8, the same window before and after.
        points: (21, 2) the photo's hand, in the window's pixels.
        worn: (h, w) bool, the garment that is replaced; None = unknown.
        garment: the new garment's colours.

    Raises:
        _RefusedError: the hand does not belong there.
    """
    size, unit = (photo.shape[0], photo.shape[1]), half_finger(points)
    before, after = to_lab(photo), to_lab(dressed)
    changed = (photo != dressed).any(2)
    new = garment_like(dressed, garment, GARMENT_REACH) & changed
    free = np.ones(size, bool) if worn is None else ~worn
    stray = stray_skin(before, after, changed & ~new, points)
    if np.count_nonzero(stray & ~free) > MOST_STRAY * unit**2:
        raise _RefusedError("more hand was drawn on the garment than the photo can take back")
    area = (hand_area(size, points, AROUND * unit, -ONTO_ARM) | dilate(stray, STRAY_RIM * unit)) & free
    hand = area & close(skin_like(before, points, unit) & area, 0.3 * unit)
    own = hand & beyond_wrist(size, points, BEYOND_WRIST)
    if np.count_nonzero(own & new) > MOST_COVERED * np.count_nonzero(own):
        raise _RefusedError("the new garment lies over it")
    if not same_wrist(before, after, skin_like(before, points, unit), new, points):
        raise _RefusedError("the wrist is not where it was, or not seen")
    region = area & ~new
    depth = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5)
    weight = np.clip(depth / max(FEATHER * unit, 1.0), 0, 1)
    weight[own & region] = 1
    return np.asarray(weight * _from_arm(size, points) * region, np.float32)


def stray_skin(before: Float, after: Float, changed: Mask, points: Points) -> Mask:
    """(h, w) bool: skin round the hand that was not there before, fingers too many above all."""
    unit = half_finger(points)
    reach = hand_area(changed.shape, points, STRAY_REACH * unit, BEYOND_WRIST)
    return reach & changed & skin_like(after, points, unit) & ~skin_like(before, points, unit)


def same_wrist(before: Float, after: Float, skin: Mask, new: Mask, points: Points) -> bool:
    """Whether the arm ends where it ended: the skin round the wrist has its colours, and enough of it is seen.

    Args:
        before, after: (h, w, 3) float32 L*a*b*.
        skin: (h, w) bool, before.
        new: (h, w) bool, the new garment, after.
        points: (21, 2) the photo's hand.
    """
    rows, columns = np.indices(skin.shape, np.float32)
    away = np.hypot(columns - points[WRIST, 0], rows - points[WRIST, 1])
    there = skin & (away <= WRIST_REACH * half_finger(points))
    seen = there & ~new
    if not seen.any() or np.count_nonzero(seen) < LEAST_WRIST * np.count_nonzero(there):
        return False
    apart = np.sqrt(((before[seen] - after[seen]) ** 2).sum(1))
    return bool(np.median(apart) <= SAME_WRIST)


def in_window(mask: Mask, frame: Frame, window: Window) -> Mask:
    """(h, w) bool: a canvas-sized mask in a window of the photo."""
    rows, columns = window
    matrix = frame.inverse - np.array([[0, 0, columns.start], [0, 0, rows.start]])
    size = (columns.stop - columns.start, rows.stop - rows.start)
    return np.asarray(cv2.warpAffine(mask.astype(np.uint8) * 255, matrix, size, flags=cv2.INTER_LINEAR) >= 128)


def _from_arm(size: tuple[int, int], points: Points) -> Float:
    """(h, w) float32: 0 on the arm, rising across the wrist, 1 on the hand."""
    along = points[MIDDLE_KNUCKLE] - points[WRIST]
    rows, columns = np.indices(size, np.float32)
    way = ((columns - points[WRIST, 0]) * along[0] + (rows - points[WRIST, 1]) * along[1]) / max(float(along @ along), 1.0)
    return np.asarray(np.clip((way + ONTO_ARM) / (BEYOND_WRIST + ONTO_ARM), 0, 1), np.float32)
