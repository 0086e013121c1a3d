"""The shape of a hand from its 21 key-points: where it lies, and how thick its fingers are.

Points are (21, 2) or wider, x and y first, in pixels of the mask that is asked for; order: wrist, then four points per finger,
thumb first. MediaPipe and OpenPose number alike (docs/facts/keypoints.md#openpose-json).
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points
from pipeline.core.masks import Mask, dilate

FINGERS: dict[str, tuple[int, int, int, int]] = {
    "thumb": (1, 2, 3, 4), "index": (5, 6, 7, 8), "middle": (9, 10, 11, 12), "ring": (13, 14, 15, 16), "little": (17, 18, 19, 20),
}  # fmt: skip
WRIST, MIDDLE_KNUCKLE = 0, 9
PALM = (0, 1, 5, 9, 13, 17)
LENGTHS = ((0, 9), (0, 5), (5, 17), (5, 8), (9, 12), (2, 4))
"""Ways through a hand of which the longest is seen nearly unshortened, however the hand is turned."""
HALF_FINGER = 0.115
"""Half a finger's width, as a share of the longest of `LENGTHS`."""
GROWN = 0.03
"""How far a hand reaches beyond the hull of its key-points, in shoulder widths: they lie on the fingers' middle lines."""
BEYOND_WRIST = 0.15
"""A hand begins this share of its palm beyond the wrist's key-point: a new sleeve ends there."""
SKIN_GROWN = 0.12
"""The same as a share of the hand's longer side, with room for seams: what is repainted, and what a LoRA learns from."""
LEAST_BARE = 0.4
"""Share of a hand that the parse map calls arm or glove; else the network took folds of cloth for one."""
FIXED_BITS = 4
FAR_PX = 4000.0


def half_finger(points: Points) -> float:
    """Half a finger's width in pixels."""
    return HALF_FINGER * max(float(np.hypot(*(points[a, :2] - points[b, :2]))) for a, b in LENGTHS)


def extent(points: Points) -> float:
    """The longer side of the points' box, in pixels."""
    return float(np.ptp(points[:, :2], axis=0).max())


def hull_area(size: tuple[int, int], points: Points) -> Mask:
    """(height, width) bool: inside the convex hull."""
    canvas = np.zeros(size, np.uint8)
    cv2.fillConvexPoly(canvas, _fixed(cv2.convexHull(np.ascontiguousarray(points[:, :2], np.float32))), 1, cv2.LINE_8, FIXED_BITS)
    return canvas.astype(bool)


def skin_area(size: tuple[int, int], points: Points, grow: float = SKIN_GROWN) -> Mask:
    """(height, width) bool: the hull of (n, 2) points grown by a share of their longer side; empty for fewer than three."""
    if len(points) < 3:
        return np.zeros(size, bool)
    return dilate(hull_area(size, points), grow * extent(points))


def beyond_wrist(size: tuple[int, int], points: Points, share: float = BEYOND_WRIST) -> Mask:
    """(height, width) bool: the fingers' side of a line across the palm.

    Args:
        size: (height, width).
        points: of the hand.
        share: where the line is; 0 = through the wrist, 1 = through the middle knuckle.
    """
    wrist, along = points[WRIST, :2], points[MIDDLE_KNUCKLE, :2] - points[WRIST, :2]
    rows, columns = np.indices(size, np.float32)
    way = (columns - wrist[0]) * along[0] + (rows - wrist[1]) * along[1]
    return np.asarray(way >= share * float(along @ along))


def hand_area(size: tuple[int, int], points: Points, grow_px: float, wrist: float = BEYOND_WRIST) -> Mask:
    """(height, width) bool: the hull grown by `grow_px` pixels, from the wrist on; what else lies there is not looked at."""
    return dilate(hull_area(size, points), grow_px) & beyond_wrist(size, points, wrist)


def bones_area(size: tuple[int, int], points: Points, radius_px: float) -> Mask:
    """(height, width) bool: the fingers as strokes of half width `radius_px`, and the palm between the knuckles and the wrist."""
    canvas = hull_area(size, points[list(PALM)]).astype(np.uint8)
    for finger in FINGERS.values():
        for a, b in pairwise(finger):
            ends = [tuple(int(v) for v in _fixed(points[i, :2])) for i in (a, b)]
            cv2.line(canvas, ends[0], ends[1], 1, max(1, round(2 * radius_px)), cv2.LINE_8, FIXED_BITS)
    return canvas.astype(bool)


def mostly_bare(points: Points, bare: Mask) -> bool:
    """Whether a parse map calls enough of a hand arm or glove; `points` (21, 2) in the pixels of `bare`, (h, w) bool."""
    size = (bare.shape[0], bare.shape[1])
    bones = bones_area(size, points, 0.5 * half_finger(points))
    return bool(np.count_nonzero(bones & bare) >= LEAST_BARE * max(1, int(np.count_nonzero(bones))))


def _fixed(points: NDArray[np.float32]) -> NDArray[np.int32]:
    return np.round(np.clip(points, -FAR_PX, FAR_PX) * (1 << FIXED_BITS)).astype(np.int32)
