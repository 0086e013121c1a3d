"""Faces: where they are, and the mesh of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.core.arrays import RGB, Float, Points
from pipeline.core.people_networks.contract import FACE_CONFIDENCE, MESH_CONFIDENCE
from pipeline.core.people_networks.litert.detection import FAR_FACE, NEAR_FACE, Detector
from pipeline.core.people_networks.litert.regions import crop, turn
from pipeline.core.people_networks.litert.session import Network, sigmoid

FAR_CONFIDENCE = 0.6
"""The far model's graph keeps its own threshold, whatever it is told (docs/facts/people_networks.md#faces)."""
PRESENT = 0.5
MARGIN = 1.5


class Faces:
    """Two detectors, for faces within about 5 and 2 metres, and the mesh network."""

    def __init__(self, weights: Path) -> None:
        self._far, self._near = Detector(FAR_FACE, weights), Detector(NEAR_FACE, weights)
        self._mesh = Network("face_landmark.tflite", weights)

    def boxes(self, picture: RGB) -> Float:
        """(n, 5) float32 of top, left, height, width in pixels and score: the far model's, then the near one's."""
        rows = []
        for detector, threshold in ((self._far, FAR_CONFIDENCE), (self._near, FACE_CONFIDENCE)):
            found = detector.found(picture, threshold)
            size = found.corners[:, 1] - found.corners[:, 0]
            rows.append(np.column_stack([found.corners[:, 0, ::-1], size[:, ::-1], found.scores]))
        return np.asarray(np.concatenate(rows), np.float32)

    def mesh(self, picture: RGB) -> Points | None:
        """(468, 2) float32 x, y in pixels of the surest face, or None."""
        found = self._near.found(picture, MESH_CONFIDENCE)
        if not len(found):
            return None
        right_eye, left_eye = found.points[0, :2]
        region, side = replace(found.box(0), angle=turn(right_eye, left_eye, 0)).square(MARGIN), self._mesh.side
        values, present = self._mesh.answer(crop(picture, region, side, black_outside=False))[:2]
        if sigmoid(present).item() <= PRESENT:
            return None
        return region.to_picture(values.reshape(-1, 3)[:, :2] / np.float32(side))
