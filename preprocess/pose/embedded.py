"""Key-points without downloads: the landmarks of the background step, and hands from crops around the wrists.

Facts: docs/facts/keypoints.md#mediapipe.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points
from pipeline.core.card import Card, Resources
from pipeline.core.frame import PAD_GREY
from pipeline.core.keypoints import HAND_POINTS, Keypoints
from pipeline.core.people_networks import PACKAGES, PeopleNetworks, people_networks
from preprocess.person.landmarks import Landmarks
from preprocess.pose.mediapipe_to_body25 import body_25

CROP_PX = 256
BEYOND_WRIST = 0.3
"""Distance of the crop's middle beyond the wrist, as a share of the forearm."""
CROP_SIDE = 1.1
LEAST_SIDE = 0.18
"""Smallest crop, as a share of the person's height (180 px on a canvas that a standing person fills)."""
WRIST_VISIBLE = 0.3
WRIST_APART = 0.5
"""A hand whose wrist is farther from the body's wrist than this share of the crop is another hand."""


@dataclass(frozen=True)
class _Arm:
    elbow: int
    wrist: int


LEFT, RIGHT = _Arm(13, 15), _Arm(14, 16)


class MediapipePose:
    """BODY_25 and hands, with the base packages alone."""

    card = Card(name="embedded", version=1, packages=(PACKAGES,), seconds=0.07, resources=Resources(memory_gb=0.5))

    def __init__(self) -> None:
        self._models: PeopleNetworks | None = None

    def load(self, device: str) -> None:
        """Build the networks; they run on the CPU, whatever the device."""
        self._models = people_networks()

    def keypoints(self, photo: NDArray[np.uint8], landmarks: Landmarks) -> Keypoints:
        """Joints of the person of `landmarks`.

        Args:
            photo: (h, w, 3) uint8 RGB.
            landmarks: raw landmarks in photo pixels.

        Returns:
            Joints in photo pixels; hands that were not detected are zeros.
        """
        left, right = (self._hand(photo, landmarks, arm) for arm in (LEFT, RIGHT))
        if _same_hand(left, right):
            left, right = _nearer(left, right, landmarks)
        return Keypoints(body_25(landmarks.body), left, right)

    def _hand(self, photo: NDArray[np.uint8], landmarks: Landmarks, arm: _Arm) -> Points:
        if self._models is None:
            self.load("cpu")
        assert self._models is not None
        wrist, elbow = landmarks.body[arm.wrist], landmarks.body[arm.elbow]
        if wrist[3] < WRIST_VISIBLE:
            return _no_hand()
        forearm = wrist[:2] - elbow[:2]
        side = max(CROP_SIDE * float(np.hypot(*forearm)), LEAST_SIDE * min(landmarks.box.height, 2 * landmarks.box.width))
        scale = CROP_PX / side
        corner = wrist[:2] + BEYOND_WRIST * forearm - side / 2
        matrix = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]], np.float64)
        found = self._models.hand(_crop(photo, matrix, scale))
        if found is None or np.hypot(*(found[0, :2] / scale + corner - wrist[:2])) > WRIST_APART * side:
            return _no_hand()
        return np.column_stack([found[:, :2] / scale + corner, found[:, 2]]).astype(np.float32)


def _crop(photo: NDArray[np.uint8], matrix: NDArray[np.float64], scale: float) -> NDArray[np.uint8]:
    """A square of `CROP_PX`, grey outside the photo."""
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    fill = (PAD_GREY,) * 3
    crop: NDArray[np.uint8] = cv2.warpAffine(photo, matrix, (CROP_PX, CROP_PX), flags=flags, borderValue=fill)
    return crop


def _no_hand() -> Points:
    return np.zeros((HAND_POINTS, 3), np.float32)


def _same_hand(left: Points, right: Points) -> bool:
    """Whether both crops show the same hand, as with clasped hands."""
    if not (left[:, 2].any() and right[:, 2].any()):
        return False
    reach = max(float(np.ptp(left[:, 0])), float(np.ptp(left[:, 1])), 1.0)
    return bool(np.hypot(*(left[:, :2] - right[:, :2]).T).mean() < 0.25 * reach)


def _nearer(left: Points, right: Points, landmarks: Landmarks) -> tuple[Points, Points]:
    """Assign the hand to the arm with the nearer wrist."""
    to_left = float(np.hypot(*(left[0, :2] - landmarks.body[LEFT.wrist, :2])))
    to_right = float(np.hypot(*(right[0, :2] - landmarks.body[RIGHT.wrist, :2])))
    return (left, _no_hand()) if to_left <= to_right else (_no_hand(), right)
