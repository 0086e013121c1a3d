"""The grey drawing of a pose that the network reads. Facts: docs/facts/fashn_vton.md#pose."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Grey
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Joint

BODY = (
    Joint.NOSE, Joint.NECK,
    Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST,
    Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, Joint.LEFT_WRIST,
    Joint.RIGHT_HIP, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE,
    Joint.LEFT_HIP, Joint.LEFT_KNEE, Joint.LEFT_ANKLE,
    Joint.RIGHT_EYE, Joint.LEFT_EYE, Joint.RIGHT_EAR, Joint.LEFT_EAR,
)  # fmt: skip
"""The 18 joints in the order of the drawing's points."""

LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""Points at both ends of a limb, in the order in which limbs are drawn: a later one covers an earlier one."""

LIMB_LEVELS = np.linspace(20, 240, 18).astype(int)[: len(LIMBS)]
LIMB_SHARE = 0.6
JOINT_GAIN = 1.3
FINGERS = tuple((0 if step == 0 else 4 * finger + step, 4 * finger + step + 1) for finger in range(5) for step in range(4))
FINGER_LEVELS = np.linspace(160, 220, 20).astype(int)
HAND_LEVEL, FACE_LEVEL = 240, 200
LIMB_WIDTH, JOINT_RADIUS, FACE_RADIUS, FINGER_WIDTH = 4, 4, 3, 2  # pixels, whatever the picture's size
VISIBLE = 0.3


def _nothing(rows: int) -> NDArray[np.float64]:
    return np.zeros((rows, 2))


@dataclass(frozen=True)
class PosePoints:
    """Points in shares of a picture's width and height.

    Args:
        body: (18, 2) fp64 of x, y in the order of `BODY`, outside 0..1 beside the picture; NaN = not seen.
        hands: (n, 21, 2) fp64; 0 = not seen.
        face: (68, 2) fp64; 0 = not seen.
    """

    body: NDArray[np.float64]
    hands: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 21, 2)))
    face: NDArray[np.float64] = field(default_factory=lambda: _nothing(0))


def pose_points(points: Keypoints, size: tuple[int, int]) -> PosePoints:
    """Key-points as the drawing wants them.

    Args:
        points: in pixels of a picture.
        size: that picture's (height, width).
    """
    share = np.array([size[1], size[0]], np.float64)
    body = points.body[list(BODY)]
    hands, face = np.stack([points.left_hand, points.right_hand]), points.face
    return PosePoints(
        np.where(body[:, 2:] > VISIBLE, body[:, :2] / share, np.nan),
        np.where(hands[..., 2:] > VISIBLE, hands[..., :2] / share, 0.0),
        np.where(face[:, 2:] > VISIBLE, face[:, :2] / share, 0.0),
    )


def pose_picture(points: PosePoints, size: tuple[int, int]) -> Grey:
    """The drawing.

    Args:
        points: in shares of the picture.
        size: (height, width) of the picture; lines and discs have the same width at every size.

    Returns:
        (h, w) uint8, 0 = nothing.
    """
    picture = _limbs(points.body, size)
    _joints(picture, points.body)
    for hand in points.hands:
        _hand(picture, hand)
    for x, y in _pixels(points.face, size):
        if x >= 1 and y >= 1:
            cv2.circle(picture, (x, y), FACE_RADIUS, FACE_LEVEL, -1)
    return picture


def _pixels(points: NDArray[np.float64], size: tuple[int, int]) -> list[tuple[int, int]]:
    """Whole pixels, cut off."""
    return [(int(x * size[1]), int(y * size[0])) for x, y in points]


def _limbs(body: NDArray[np.float64], size: tuple[int, int]) -> Grey:
    layer = np.zeros(size, np.uint8)
    seen = ~np.isnan(body[:, 0])
    pixels = _pixels(np.nan_to_num(body), size)
    for (start, end), level in zip(LIMBS, LIMB_LEVELS, strict=True):
        if not (seen[start] and seen[end]):
            continue
        (xa, ya), (xb, yb) = pixels[start], pixels[end]
        half, angle = int(np.hypot(xa - xb, ya - yb) / 2), int(np.degrees(np.arctan2(ya - yb, xa - xb)))
        outline = cv2.ellipse2Poly(((xa + xb) // 2, (ya + yb) // 2), (half, LIMB_WIDTH), angle, 0, 360, 1)
        cv2.fillConvexPoly(layer, outline, int(level))
    return (layer * LIMB_SHARE).astype(np.uint8)


def _joints(picture: Grey, body: NDArray[np.float64]) -> None:
    for number, (x, y) in enumerate(_pixels(np.nan_to_num(body), (picture.shape[0], picture.shape[1]))):
        if np.isnan(body[number, 0]):
            continue
        limb = next(index for index, ends in enumerate(LIMBS) if number in ends)
        cv2.circle(picture, (x, y), JOINT_RADIUS, min(255, int(JOINT_GAIN * LIMB_LEVELS[limb])), -1)


def _hand(picture: Grey, hand: NDArray[np.float64]) -> None:
    pixels = _pixels(hand, (picture.shape[0], picture.shape[1]))
    there = [x >= 1 and y >= 1 for x, y in pixels]
    for (start, end), level in zip(FINGERS, FINGER_LEVELS, strict=True):
        if there[start] and there[end]:
            cv2.line(picture, pixels[start], pixels[end], int(level), FINGER_WIDTH)
    for point, seen in zip(pixels, there, strict=True):
        if seen:
            cv2.circle(picture, point, JOINT_RADIUS, HAND_LEVEL, -1)
