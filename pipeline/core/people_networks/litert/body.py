"""One person: body landmarks and the person's pixels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from pipeline.core.arrays import RGB, Float, Points
from pipeline.core.people_networks.contract import POSE_CONFIDENCE, SeenPose
from pipeline.core.people_networks.litert.detection import POSE, Detector
from pipeline.core.people_networks.litert.regions import UP, Region, crop, put_back, turn
from pipeline.core.people_networks.litert.session import Network, sigmoid

LANDMARKS = 33
PRESENT = 0.5
"""A person is there when the landmark network says more."""
PEAK = 0.5
"""A heat-map corrects a landmark when it reaches this near it."""
REACH = 4
"""Cells of the heat-map that are looked at on each side (docs/facts/people_networks.md#body)."""
MARGIN = 1.25


def body_region(middle: Points, rim: Points) -> Region:
    """The upright square round a body, from the middle of its hips and a point on the circle round it, (2,) x, y in pixels."""
    side = 2 * math.dist(middle, rim)
    return Region(float(middle[0]), float(middle[1]), side, side, turn(middle, rim, UP)).square(MARGIN)


def refined(points: Points, heat: Float) -> Points:
    """Move points to where their heat-maps have their weight.

    Args:
        points: (n, 2) float32 x, y in parts of the crop.
        heat: (rows, columns, m ≥ n) float32 logits.

    Returns:
        (n, 2) float32; a point outside, or without a peak near it, stays.
    """
    rows, columns = heat.shape[:2]
    moved = points.copy()
    for number, (x, y) in enumerate(points):
        column, row = int(x * columns), int(y * rows)
        if not (0 <= column < columns and 0 <= row < rows):
            continue
        top, left = max(0, row - REACH), max(0, column - REACH)
        near = sigmoid(heat[top : row + REACH + 1, left : column + REACH + 1, number])
        if near.max() >= PEAK:
            whole = near.sum()
            across = (near.sum(axis=0) @ np.arange(left, left + near.shape[1])) / whole
            down = (near.sum(axis=1) @ np.arange(top, top + near.shape[0])) / whole
            moved[number] = across / columns, down / rows
    return moved


class Body:
    """Pose detector and landmark network."""

    def __init__(self, weights: Path) -> None:
        self._detector = Detector(POSE, weights)
        self._network = Network("pose_landmark_full.tflite", weights)

    def seen(self, picture: RGB) -> SeenPose | None:
        """The surest person of an (h, w, 3) uint8 picture, or None."""
        found = self._detector.found(picture, POSE_CONFIDENCE)
        if not len(found):
            return None
        region, side = body_region(found.points[0, 0], found.points[0, 1]), self._network.side
        values, present, mask, heat, _ = self._network.answer(crop(picture, region, side, black_outside=False))
        if present.item() <= PRESENT:
            return None
        landmarks = values.reshape(-1, 5)[:LANDMARKS]
        points = region.to_picture(refined(landmarks[:, :2] / np.float32(side), heat[0]))
        depth = landmarks[:, 2] * np.float32(region.width / side)
        body = np.column_stack([points, depth, sigmoid(landmarks[:, 3])]).astype(np.float32)
        return SeenPose(body, put_back(sigmoid(mask[0, :, :, 0]), region, picture.shape))
