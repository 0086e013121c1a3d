"""A hand on clothes: between its fingers is cloth, not skin. Cut along colours, from the hand's key-points.

The places of the parser are ovals around wrist and knuckles. What they take from the garment stays in every picture, as a rag of
the old garment around the hand. Method: GrabCut (Rother, Kolmogorov & Blake 2004).
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Labels, Points
from pipeline.core.labels import LOWER_LABELS, SIDE_LABELS, UPPER_LABELS
from pipeline.core.masks import Mask, dilate, erode
from pipeline.core.pixels.colour import to_lab
from preprocess.person.body import Joints

CLOTHES = (*UPPER_LABELS, *LOWER_LABELS)
FINGERS = tuple(tuple(range(start, start + 4)) for start in (1, 5, 9, 13, 17))
PALM = (0, 1, 5, 9, 13, 17)
WRIST, MIDDLE_KNUCKLE = 0, 9
FINGER, REACH, SURE = 0.17, 0.36, 0.6
"""Thickness of a finger, how far from the bones a hand may reach, and from where on nothing is hand; in lengths of the palm."""
LEAST_PALM_PX = 12
LEAST_CONTRAST = 11.0
"""Lab units between hand and cloth from which their colours part them."""
LEAST_CLOTH = 0.05
"""Share of the doubtful zone that is cloth: a hand before the wall has none."""
ROUNDS = 3
LEAST_KEPT, MOST_KEPT = 0.5, 1.6
"""Area of the cut hand against the parser's; beyond, the key-points lie beside the hand."""


def with_fingers(labels: Labels, image: NDArray[np.uint8], body: Joints) -> Labels:
    """Parse map with hands on clothes cut along their fingers.

    Args:
        labels: (h, w) uint8 of `Parse`.
        image: (h, w, 3) uint8 RGB.
        body: joints and hands, pixels of `image`.

    Returns:
        (h, w) uint8; the given map where no hand with key-points lies on clothes of another colour.
    """
    for side, points in (("right", body.right_hand), ("left", body.left_hand)):
        if (points[:, 2] > 0).all():
            labels = _with_hand(labels, image, points[:, :2], SIDE_LABELS[side].arm)
    return labels


def _with_hand(labels: Labels, image: NDArray[np.uint8], points: Points, arm: int) -> Labels:
    palm = float(np.hypot(*(points[MIDDLE_KNUCKLE] - points[WRIST])))
    low = np.maximum(np.floor(points.min(0) - palm), 0).astype(int)
    high = np.minimum(np.ceil(points.max(0) + palm) + 1, labels.shape[::-1]).astype(int)
    if palm < LEAST_PALM_PX or np.any(high - low < LEAST_PALM_PX):
        return labels
    window = slice(low[1], high[1]), slice(low[0], high[0])
    cut = _cut_hand(labels[window], np.ascontiguousarray(image[window]), points - low, palm, arm)
    if cut is None:
        return labels
    result = labels.copy()
    result[window] = cut
    return result


def _cut_hand(labels: Labels, image: NDArray[np.uint8], points: Points, palm: float, arm: int) -> Labels | None:
    """The window's labels with the hand cut anew; None where colours do not part it from what is worn."""
    bones = _bones(points, palm, labels.shape)
    hand, cloth = labels == arm, np.isin(labels, CLOTHES)
    zone = dilate(bones, REACH * palm) & (hand | cloth)
    sure_hand = erode(_polygon(points[list(PALM)], labels.shape), 0.12 * palm) & hand
    sure_cloth = cloth & ~dilate(bones, SURE * palm)
    if not sure_hand.any() or not sure_cloth.any() or np.count_nonzero(zone & cloth) < LEAST_CLOTH * np.count_nonzero(zone):
        return None
    lab = to_lab(image)
    apart = np.linalg.norm(np.median(lab[sure_hand], 0) - np.median(lab[sure_cloth], 0))
    if apart < LEAST_CONTRAST:
        return None
    fingers = _grab(image, zone, hand | bones, sure_hand | (hand & ~zone), sure_cloth)
    before, after = np.count_nonzero(zone & hand), np.count_nonzero(zone & fingers)
    if not LEAST_KEPT * before <= after <= MOST_KEPT * before:
        return None
    cut = np.where(zone & fingers, arm, labels)
    freed = zone & hand & ~fingers
    cut[freed] = _nearest_label(labels, cloth)[freed]
    return cut.astype(np.uint8)


def _grab(image: NDArray[np.uint8], zone: Mask, likely: Mask, sure_hand: Mask, sure_cloth: Mask) -> Mask:
    """(h, w) bool: the hand by colours; inside the doubtful `zone` what is `likely` hand begins as such."""
    trimap = np.full(likely.shape, cv2.GC_BGD, np.uint8)
    trimap[zone] = np.where(likely[zone], cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    trimap[sure_cloth] = cv2.GC_BGD
    trimap[sure_hand] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    cv2.grabCut(image, trimap, None, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.asarray((trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD))


def _bones(points: Points, palm: float, shape: tuple[int, ...]) -> Mask:
    """(h, w) bool: palm and fingers as thick lines."""
    drawn = _polygon(points[list(PALM)], shape).astype(np.uint8)
    for finger in FINGERS:
        for one, other in itertools.pairwise(finger):
            ends = [tuple(round(float(value)) for value in points[each]) for each in (one, other)]
            cv2.line(drawn, ends[0], ends[1], 1, max(1, round(FINGER * palm)))
    return drawn > 0


def _polygon(points: Points, shape: tuple[int, ...]) -> Mask:
    drawn = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(drawn, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    return drawn > 0


def _nearest_label(labels: Labels, cloth: Mask) -> Labels:
    """(h, w) uint8: at each pixel the label of the nearest cloth."""
    _, number = cv2.distanceTransformWithLabels((~cloth).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    table = np.zeros(int(number.max()) + 1, np.uint8)
    table[number[cloth]] = labels[cloth]
    nearest: Labels = table[number]
    return nearest
