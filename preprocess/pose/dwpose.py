"""DWPose (Yang et al. 2023) from its two ONNX files: a person detector, then 133 whole-body points in the person's crop.

Facts: docs/facts/keypoints.md#dwpose.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.card import Card
from pipeline.core.errors import WeightsError
from pipeline.core.keypoints import Keypoints
from pipeline.core.weights import access as model_files
from preprocess.networks.onnx_model import OnnxModel, open_onnx
from preprocess.person.keypoint_tables import WHOLEBODY_POINTS, from_wholebody
from preprocess.person.landmarks import Landmarks
from preprocess.person.not_found import NotFound
from preprocess.pose import person_boxes, simcc
from preprocess.pose.same_person import nearest_to

DETECTOR, POSE = "yolox_l.onnx", "dw-ll_ucoco_384.onnx"
LEAST_CONFIDENCE = 0.3
"""Points with less confidence count as not detected, as in other programs with these networks."""


class DWPose:
    """BODY_25, feet and hands, with confidences.

    Args:
        weights: the weights folder.
    """

    card = Card(name="dwpose", weights=("dwpose",), packages=("onnxruntime",), extra="onnx", seconds=2.5)

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._detector: OnnxModel | None = None
        self._pose: OnnxModel | None = None

    def load(self, device: str) -> None:
        """Verify and open both networks, once.

        Raises:
            WeightsError, MissingPackageError: with the cure.
        """
        if self._pose is None:
            files = model_files.paths("dwpose", self._weights)
            self._detector, self._pose = open_onnx(files[DETECTOR], device), open_onnx(files[POSE], device)

    def keypoints(self, photo: NDArray[np.uint8], landmarks: Landmarks) -> Keypoints | NotFound:
        """(h, w, 3) RGB uint8 → joints of the person of `landmarks` in photo pixels; joints that were not detected are zeros."""
        box = person_boxes.box_of_selected(self._boxes(photo), landmarks.box)
        found = nearest_to(landmarks, [from_wholebody(self._points(photo, box), LEAST_CONFIDENCE)])
        return found or NotFound("dwpose finds nobody where the landmarks are")

    def _boxes(self, photo: NDArray[np.uint8]) -> person_boxes.Boxes:
        if self._detector is None:
            self.load("auto")
        assert self._detector is not None
        picture, scale = person_boxes.letterboxed(photo)
        raw = self._detector(picture)[0]
        try:
            return person_boxes.people_boxes(raw[0].astype(np.float32), scale, (photo.shape[0], photo.shape[1]))
        except (ValueError, IndexError) as problem:
            raise _other_model(self._detector, str(problem)) from None

    def _points(self, photo: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.float32]:
        assert self._pose is not None
        matrix = simcc.crop_matrix(box)
        answer = self._pose(simcc.network_input(photo, matrix))
        try:
            x, y = (each[0].astype(np.float32) for each in answer[:2])
            points = simcc.points_from(x, y, matrix)
        except (ValueError, IndexError) as problem:
            raise _other_model(self._pose, str(problem)) from None
        if len(points) != WHOLEBODY_POINTS:
            raise _other_model(self._pose, f"{len(points)} points, expected {WHOLEBODY_POINTS} (COCO-WholeBody)")
        return points


def _other_model(model: OnnxModel, problem: str) -> WeightsError:
    return WeightsError(f"{model.path}: not the network that was expected: {problem}", "python run.py weights verify dwpose")
