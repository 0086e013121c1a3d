"""Single-shot detectors: boxes and key-points around a grid of anchors, and one detection out of each heap that overlaps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Float, Points
from pipeline.core.people_networks.litert.regions import Region, crop
from pipeline.core.people_networks.litert.session import Network, sigmoid

SAME = 0.3
"""Boxes whose intersection over union is greater are the same object."""


@dataclass(frozen=True)
class Layout:
    """How a detector's answers are laid out.

    Args:
        file: its file name.
        grids: (rows and columns of a grid, anchors per cell), one after the other.
        low: what a black pixel is to it; white is 1.
    """

    file: str
    grids: tuple[tuple[int, int], ...]
    low: float

    def anchors(self) -> Points:
        """(n, 2) float32: middles of the cells in parts of the crop, row by row, each as often as the cell has anchors."""
        parts = []
        for cells, per_cell in self.grids:
            middles = (np.arange(cells) + 0.5) / cells
            grid = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
            parts.append(np.repeat(grid, per_cell, axis=0))
        return np.asarray(np.concatenate(parts), np.float32)


POSE = Layout("pose_detection.tflite", ((28, 2), (14, 2), (7, 6)), low=-1)
PALM = Layout("palm_detection_full.tflite", ((24, 2), (12, 6)), low=0)
NEAR_FACE = Layout("face_detection_short_range.tflite", ((16, 2), (8, 6)), low=-1)
FAR_FACE = Layout("face_detection_full_range_sparse.tflite", ((48, 1),), low=-1)


@dataclass(frozen=True)
class Detections:
    """What a detector found, the surest first.

    Args:
        corners: (n, 2, 2) float32 x, y of each box's upper left and lower right corner.
        points: (n, k, 2) float32 x, y of its key-points.
        scores: (n,) float32 in (0, 1).
    """

    corners: Float
    points: Float
    scores: Float

    def __len__(self) -> int:
        """How many."""
        return len(self.scores)

    def box(self, number: int) -> Region:
        """The upright box of one detection."""
        middle, size = self.corners[number].mean(axis=0), self.corners[number][1] - self.corners[number][0]
        return Region(*map(float, (*middle, *size)))


def decoded(raw: Float, logits: Float, anchors: Points, side: int, threshold: float) -> Detections:
    """Turn a detector's two outputs into boxes.

    Args:
        raw: (n, 4 + 2 k) float32: offset of the middle, size, offsets of the key-points; x before y, in pixels of the crop.
        logits: (n,) float32.
        anchors: (n, 2) float32 in parts of the crop.
        side: of the crop, in pixels.
        threshold: the lowest score that counts.

    Returns:
        Detections in parts of the crop, the surest first; boxes turned inside out are left out.
    """
    scores = sigmoid(logits)
    sure = np.flatnonzero((scores >= threshold) & (raw[:, 2:4] >= 0).all(axis=1))
    sure = sure[np.argsort(-scores[sure], kind="stable")]
    pairs = raw[sure].reshape(len(sure), raw.shape[1] // 2, 2) / np.float32(side)
    middle, half = pairs[:, 0] + anchors[sure], pairs[:, 1] / 2.0
    corners = np.stack([middle - half, middle + half], axis=1)
    return Detections(corners, pairs[:, 2:] + anchors[sure][:, None], scores[sure])


def overlap(one: Float, others: Float) -> NDArray[np.float32]:
    """(n,) float32: intersection over union of a (2, 2) box with (n, 2, 2) others."""
    sides = np.minimum(one[1], others[:, 1]) - np.maximum(one[0], others[:, 0])
    common = np.where((sides > 0).all(axis=1), sides.prod(axis=1), 0)
    union = (one[1] - one[0]).prod() + (others[:, 1] - others[:, 0]).prod(axis=1) - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(union), where=union > 0), np.float32)


def merged(found: Detections) -> Detections:
    """Weighted non-maximum suppression: each heap becomes its mean, weighted by score, with the score of its surest box."""
    corners, points, scores = [], [], []
    left = np.arange(len(found))
    while len(left):
        same = overlap(found.corners[left[0]], found.corners[left]) > SAME
        heap = left[same] if same.any() else left[:1]
        weights = found.scores[heap] / found.scores[heap].sum()
        corners.append(np.tensordot(weights, found.corners[heap], 1))
        points.append(np.tensordot(weights, found.points[heap], 1))
        scores.append(found.scores[left[0]])
        if not same.any():
            break
        left = left[~same]
    shape = (len(scores), *found.points.shape[1:])
    return Detections(
        np.asarray(corners, np.float32).reshape(-1, 2, 2),
        np.asarray(points, np.float32).reshape(shape),
        np.asarray(scores, np.float32),
    )


class Detector:
    """A detector that looks at a whole picture, fitted into a square."""

    def __init__(self, layout: Layout, weights: Path) -> None:
        self._network = Network(layout.file, weights, layout.low)
        self._anchors = layout.anchors()

    def found(self, picture: RGB, threshold: float) -> Detections:
        """What is in an (h, w, 3) uint8 picture with at least this score, in its pixels."""
        region, side = Region.around(picture), self._network.side
        raw, logits = self._network.answer(crop(picture, region, side, black_outside=True))[:2]
        inside = merged(decoded(raw[0], logits.reshape(-1), self._anchors, side, threshold))
        count = len(inside)
        corners = region.to_picture(inside.corners.reshape(-1, 2)).reshape(count, 2, 2)
        return Detections(corners, region.to_picture(inside.points.reshape(-1, 2)).reshape(inside.points.shape), inside.scores)
