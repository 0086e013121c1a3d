"""OpenPose (Cao et al. 2019) body and hands through controlnet_aux's port (docs/facts/keypoints.md#openpose-in-controlnet_aux).

The detector's own `detect_poses` drops the joints' confidences, so its parts are called one by one.
"""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points
from pipeline.core.card import Card
from pipeline.core.errors import MissingPackageError, WeightsError
from pipeline.core.keypoints import HAND_POINTS, Keypoints
from pipeline.core.labels import Joint
from pipeline.core.machine.device import choose_device
from pipeline.core.weights import require
from preprocess.person.keypoint_tables import COCO_18, body_25_from_coco_18
from preprocess.person.landmarks import Landmarks
from preprocess.person.not_found import NotFound
from preprocess.pose.same_person import nearest_to

WORK_SIDE_PX = 768
"""Long side of the window shown to the detector; it reduces the body to 184 px and cuts hands from this size."""
MARGIN = 0.2
"""Margin of the person's window, as a share of the box's longer side."""


class OpenPose:
    """BODY_25 (from COCO-18, without feet) and hands.

    Args:
        weights: the weights folder.
    """

    card = Card(
        name="openpose",
        weights=("openpose",),
        packages=("controlnet_aux", "torch", "torchvision", "timm"),
        extra="pose",
        seconds=8.0,
    )

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._detector: Any = None

    def load(self, device: str) -> None:
        """Verify the files and build the detector, once.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._detector is None:
            folder = require("openpose", self._weights)
            self._detector = _build(folder).to(choose_device(device).name)

    def keypoints(self, photo: NDArray[np.uint8], landmarks: Landmarks) -> Keypoints | NotFound:
        """(h, w, 3) RGB uint8 → joints of the person of `landmarks` in photo pixels; joints that were not detected are zeros.

        The port has no confidence for hands: their points get that of the wrist.
        """
        if self._detector is None:
            self.load("auto")
        margin = MARGIN * landmarks.box.longer_side
        rows, columns = landmarks.box.window_around(photo.shape, margin, margin)
        piece = photo[rows, columns]
        factor = min(1.0, WORK_SIDE_PX / max(piece.shape[:2]))
        size = (max(8, round(piece.shape[1] * factor)), max(8, round(piece.shape[0] * factor)))
        small = cv2.resize(piece, size, interpolation=cv2.INTER_AREA) if factor < 1 else piece
        corner, scale = (columns.start, rows.start), (piece.shape[1] / small.shape[1], piece.shape[0] / small.shape[0])
        people = [_placed(found, corner, scale) for found in self._people(small)]
        chosen = nearest_to(landmarks, people)
        return chosen or NotFound("openpose finds nobody where the landmarks are")

    def _people(self, picture: NDArray[np.uint8]) -> list[Keypoints]:
        """The joints of all people in a picture, in its pixels."""
        import torch

        blue_first = np.ascontiguousarray(picture[..., ::-1])
        estimate = self._detector.body_estimation
        with torch.no_grad():
            candidates, subset = estimate(blue_first)
            bodies = estimate.format_body_result(candidates, subset) if len(subset) else []
            return [person_of(body, self._detector.detect_hands(body, blue_first), picture.shape) for body in bodies]


def person_of(body: Any, hands: tuple[Any, Any], size: tuple[int, ...]) -> Keypoints:
    """The port's result for one person.

    Args:
        body: `keypoints`: 18 of None or (x, y in pixels, score).
        hands: left and right: None or 21 of (x, y as shares of the picture), negative = not found.
        size: (height, width, ...) of the picture.

    Returns:
        Pixels of the picture.
    """
    points = np.zeros((len(COCO_18), 3), np.float32)
    for number, point in enumerate(body.keypoints):
        if point is not None:
            points[number] = point.x, point.y, min(max(float(point.score), 1e-3), 1.0)
    found = body_25_from_coco_18(points)
    wrists = found[[Joint.LEFT_WRIST, Joint.RIGHT_WRIST], 2]
    left, right = (_hand(hand, size, float(seen)) for hand, seen in zip(hands, wrists, strict=True))
    return Keypoints(found, left, right)


def _hand(hand: Any, size: tuple[int, ...], confidence: float) -> Points:
    points = np.zeros((HAND_POINTS, 3), np.float32)
    for number, point in enumerate(hand or ()):
        if point.x >= 0 and point.y >= 0:
            points[number] = point.x * size[1], point.y * size[0], confidence
    return points


def _placed(points: Keypoints, corner: tuple[int, int], scale: tuple[float, float]) -> Keypoints:
    """From the small window back to the photo; zeros stay zeros."""
    parts = (points.body, points.left_hand, points.right_hand)
    return Keypoints(*(_moved(part, corner, scale) for part in parts))


def _moved(points: Points, corner: tuple[int, int], scale: tuple[float, float]) -> Points:
    moved = np.column_stack([points[:, 0] * scale[0] + corner[0], points[:, 1] * scale[1] + corner[1], points[:, 2]])
    kept: Points = np.where(points[:, 2:] > 0, moved, 0).astype(np.float32)
    return kept


def _build(folder: Path) -> Any:
    try:
        from controlnet_aux import OpenposeDetector
    except (ImportError, OSError, RuntimeError, AttributeError) as problem:
        # RuntimeError: a torchvision that does not fit torch ("operator torchvision::nms does not exist")
        raise MissingPackageError(
            f"pose: openpose needs controlnet_aux with timm and a torchvision that fits torch; importing it fails: {problem}",
            "pip install -e '.[pose]'",
        ) from problem
    try:
        return OpenposeDetector.from_pretrained(str(folder))
    except (RuntimeError, KeyError, EOFError, OSError, ValueError, UnpicklingError) as problem:
        raise WeightsError(
            f"{folder}: not the OpenPose files in controlnet_aux's layout: {problem}", "python run.py weights verify openpose"
        ) from problem
