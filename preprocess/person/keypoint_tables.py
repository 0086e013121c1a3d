"""Key-point vocabularies: COCO-18 (OpenPose's older body), BODY_25, COCO-WholeBody-133; left and right are the subject's."""

from __future__ import annotations

import numpy as np

from pipeline.core.arrays import Points
from pipeline.core.keypoints import BODY_POINTS, HAND_POINTS, Keypoints
from pipeline.core.labels import Joint

COCO_18: tuple[Joint, ...] = (
    Joint.NOSE, Joint.NECK,
    Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST, Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, Joint.LEFT_WRIST,
    Joint.RIGHT_HIP, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE, Joint.LEFT_HIP, Joint.LEFT_KNEE, Joint.LEFT_ANKLE,
    Joint.RIGHT_EYE, Joint.LEFT_EYE, Joint.RIGHT_EAR, Joint.LEFT_EAR,
)  # fmt: skip
"""The joint at each place of COCO order. BODY_25 counts differently from 8 on (docs/facts/keypoints.md#coco-18)."""

WHOLEBODY_BODY: tuple[Joint, ...] = (
    Joint.NOSE, Joint.LEFT_EYE, Joint.RIGHT_EYE, Joint.LEFT_EAR, Joint.RIGHT_EAR,
    Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.LEFT_ELBOW, Joint.RIGHT_ELBOW, Joint.LEFT_WRIST, Joint.RIGHT_WRIST,
    Joint.LEFT_HIP, Joint.RIGHT_HIP, Joint.LEFT_KNEE, Joint.RIGHT_KNEE, Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE,
    Joint.LEFT_BIG_TOE, Joint.LEFT_SMALL_TOE, Joint.LEFT_HEEL, Joint.RIGHT_BIG_TOE, Joint.RIGHT_SMALL_TOE, Joint.RIGHT_HEEL,
)  # fmt: skip
"""The first 23 of 133 points; then 68 of the face, 21 of the left hand, 21 of the right."""

WHOLEBODY_POINTS = 133
FACE = slice(23, 91)
LEFT_HAND = slice(91, 112)
RIGHT_HAND = slice(112, 133)

_MIDDLES = {Joint.NECK: (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER), Joint.MID_HIP: (Joint.LEFT_HIP, Joint.RIGHT_HIP)}


def body_25_from_coco_18(points: Points) -> Points:
    """(18, 3) x, y, confidence → (25, 3). Mid-hip is the mean of the hips where both were detected; COCO has no feet.

    Raises:
        ValueError: not 18 points.
    """
    _check(points, len(COCO_18))
    body = np.zeros((BODY_POINTS, 3), np.float32)
    body[list(COCO_18)] = points
    return with_middle(body, Joint.MID_HIP)


def coco_18_from_body_25(body: Points) -> Points:
    """(25, 3) x, y, confidence → (18, 3); mid-hip and feet have no place in COCO.

    Raises:
        ValueError: not 25 points.
    """
    _check(body, BODY_POINTS)
    points: Points = body[list(COCO_18)].astype(np.float32)
    return points


def from_wholebody(points: Points, least: float) -> Keypoints:
    """COCO-WholeBody → BODY_25, hands and face. Neck and mid-hip are means; a middle gets the smaller confidence.

    Args:
        points: (133, 3) float32 x, y, confidence.
        least: points with less confidence count as not detected and become zeros.

    Raises:
        ValueError: not 133 points.
    """
    _check(points, WHOLEBODY_POINTS)
    seen = np.where(points[:, 2:] >= least, points, 0).astype(np.float32)
    body = np.zeros((BODY_POINTS, 3), np.float32)
    body[list(WHOLEBODY_BODY)] = seen[: len(WHOLEBODY_BODY)]
    for middle in _MIDDLES:
        body = with_middle(body, middle)
    left, right = (seen[hand].reshape(HAND_POINTS, 3) for hand in (LEFT_HAND, RIGHT_HAND))
    return Keypoints(body, left, right, seen[FACE])


def with_middle(body: Points, middle: Joint) -> Points:
    """A copy of (25, 3) points with neck or mid-hip between its two sides; zeros when a side is missing."""
    left, right = (body[side] for side in _MIDDLES[middle])
    result = body.copy()
    both = min(left[2], right[2]) > 0
    result[middle] = (*((left[:2] + right[:2]) / 2), min(left[2], right[2])) if both else 0
    return result


def _check(points: Points, count: int) -> None:
    if points.shape != (count, 3):
        raise ValueError(f"key-points of shape {points.shape}, expected ({count}, 3)")
