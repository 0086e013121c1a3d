"""One hand and its fingers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.core.arrays import RGB, Points
from pipeline.core.people_networks.contract import HAND_CONFIDENCE
from pipeline.core.people_networks.litert.detection import PALM, Detector
from pipeline.core.people_networks.litert.regions import UP, crop, turn
from pipeline.core.people_networks.litert.session import Network

PRESENT = 0.5
MARGIN = 2.6
TOWARDS_FINGERS = -0.5
WRIST, MIDDLE_FINGER = 0, 2
"""Key-points of a palm; the hand's axis runs from one to the other."""


class Hand:
    """Palm detector and landmark network."""

    def __init__(self, weights: Path) -> None:
        self._detector = Detector(PALM, weights)
        self._network = Network("hand_landmark_full.tflite", weights)

    def seen(self, picture: RGB) -> Points | None:
        """(21, 3) float32 of x, y in pixels and the certainty which hand it is, of the surest hand; or None."""
        found = self._detector.found(picture, HAND_CONFIDENCE)
        if not len(found):
            return None
        angle = turn(found.points[0, WRIST], found.points[0, MIDDLE_FINGER], UP)
        region, side = replace(found.box(0), angle=angle).moved_down(TOWARDS_FINGERS).square(MARGIN), self._network.side
        values, present, right = self._network.answer(crop(picture, region, side, black_outside=False))[:3]
        if present.item() <= PRESENT:
            return None
        points = region.to_picture(values.reshape(-1, 3)[:, :2] / np.float32(side))
        score = max(right.item(), 1 - right.item())
        return np.column_stack([points, np.full(len(points), score)]).astype(np.float32)
