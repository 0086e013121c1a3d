"""The skeleton picture `openpose_img`: dark ellipses for limbs, discs for joints, one hue per limb, on black."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Joint as J

LIMBS: tuple[tuple[J, J], ...] = (
    (J.NECK, J.MID_HIP), (J.NECK, J.RIGHT_SHOULDER), (J.NECK, J.LEFT_SHOULDER), (J.RIGHT_SHOULDER, J.RIGHT_ELBOW),
    (J.RIGHT_ELBOW, J.RIGHT_WRIST), (J.LEFT_SHOULDER, J.LEFT_ELBOW), (J.LEFT_ELBOW, J.LEFT_WRIST), (J.MID_HIP, J.RIGHT_HIP),
    (J.RIGHT_HIP, J.RIGHT_KNEE), (J.RIGHT_KNEE, J.RIGHT_ANKLE), (J.MID_HIP, J.LEFT_HIP), (J.LEFT_HIP, J.LEFT_KNEE),
    (J.LEFT_KNEE, J.LEFT_ANKLE), (J.NECK, J.NOSE), (J.NOSE, J.RIGHT_EYE), (J.RIGHT_EYE, J.RIGHT_EAR), (J.NOSE, J.LEFT_EYE),
    (J.LEFT_EYE, J.LEFT_EAR), (J.LEFT_ANKLE, J.LEFT_BIG_TOE), (J.LEFT_BIG_TOE, J.LEFT_SMALL_TOE), (J.LEFT_ANKLE, J.LEFT_HEEL),
    (J.RIGHT_ANKLE, J.RIGHT_BIG_TOE), (J.RIGHT_BIG_TOE, J.RIGHT_SMALL_TOE), (J.RIGHT_ANKLE, J.RIGHT_HEEL),
)  # fmt: skip
LIMB_DIM = 0.6
JOINT_RADIUS = 5 / 1024  # of the canvas height
LIMB_HALF_WIDTH = 5 / 1024
HAND_WIDTH = 2 / 1024


def draw_skeleton(points: Keypoints, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 RGB picture of `size`; points that were not detected (zeros) are left out."""
    picture = np.zeros((*size, 3), np.uint8)
    colours = _rainbow(len(LIMBS))
    for (a, b), colour in zip(LIMBS, colours, strict=True):
        if points.has(a, b):
            _limb(picture, points.xy(a), points.xy(b), [LIMB_DIM * value for value in colour])
    radius = max(1, round(JOINT_RADIUS * size[0]))
    for joint, colour in zip(J, _rainbow(len(J)), strict=True):
        if points.has(joint):
            cv2.circle(picture, _pixel(points.xy(joint)), radius, colour, -1, cv2.LINE_AA)
    for hand in (points.left_hand, points.right_hand):
        _hand(picture, hand)
    return picture


def _limb(picture: NDArray[np.uint8], a: NDArray[np.float32], b: NDArray[np.float32], colour: list[float]) -> None:
    middle = _pixel((a + b) / 2.0)
    half_length = int(np.hypot(*(b - a)) / 2)
    angle = float(np.degrees(np.arctan2(b[1] - a[1], b[0] - a[0])))
    axes = (max(1, half_length), max(1, round(LIMB_HALF_WIDTH * picture.shape[0])))
    cv2.ellipse(picture, middle, axes, angle, 0, 360, colour, -1, cv2.LINE_AA)


def _hand(picture: NDArray[np.uint8], hand: NDArray[np.float32]) -> None:
    """Five fingers, each in one hue, from the wrist."""
    width = max(1, round(HAND_WIDTH * picture.shape[0]))
    for finger, colour in enumerate(_rainbow(5)):
        chain = [0, *range(1 + 4 * finger, 5 + 4 * finger)]
        for a, b in pairwise(chain):
            if hand[a, 2] > 0 and hand[b, 2] > 0:
                cv2.line(picture, _pixel(hand[a]), _pixel(hand[b]), colour, width, cv2.LINE_AA)
    for point in hand[hand[:, 2] > 0]:
        cv2.circle(picture, _pixel(point), width, (0, 0, 255), -1, cv2.LINE_AA)


def _rainbow(count: int) -> list[tuple[int, int, int]]:
    """Evenly spread saturated hues."""
    hues = np.array([[[round(179 * i / count), 255, 255] for i in range(count)]], np.uint8)
    return [(int(r), int(g), int(b)) for r, g, b in cv2.cvtColor(hues, cv2.COLOR_HSV2RGB)[0]]


def _pixel(point: NDArray[np.float32]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
