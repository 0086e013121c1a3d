"""Key-points by two one-dimensional classifications per joint (SimCC, Li et al. 2022): crop and decode. Pure functions.

Facts: docs/facts/keypoints.md#dwpose.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB

INPUT = (384, 288)
"""(height, width) of the crop that the network gets."""
PADDING = 1.25
"""The crop is this much larger than the person's box."""
BINS_PER_PX = 2.0
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
"""RGB, on 0..255."""


def crop_matrix(box: NDArray[np.float32]) -> NDArray[np.float64]:
    """(2, 3) affine from photo to crop: the padded box, widened to the crop's shape, both centred.

    Args:
        box: (4,) x0, y0, x1, y1 in photo pixels.
    """
    centre = (box[:2] + box[2:4]).astype(np.float64) / 2
    width, height = np.maximum((box[2:4] - box[:2]).astype(np.float64), 1.0) * PADDING
    width = max(width, height * INPUT[1] / INPUT[0])
    scale = INPUT[1] / width
    return np.array([[scale, 0, INPUT[1] / 2 - scale * centre[0]], [0, scale, INPUT[0] / 2 - scale * centre[1]]])


def network_input(photo: RGB, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """(h, w, 3) RGB uint8 → (1, 3, 384, 288) float32 RGB, normalised; black outside the photo."""
    crop = cv2.warpAffine(_blurred(photo, float(matrix[0, 0])), matrix, (INPUT[1], INPUT[0]), flags=cv2.INTER_LINEAR)
    normal = (crop.astype(np.float32) - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1)[None])


def _blurred(photo: RGB, scale: float) -> RGB:
    """Blur before a strong reduction, against aliasing."""
    return photo if scale > 0.7 else cv2.GaussianBlur(photo, (0, 0), 0.4 / scale)


def points_from(x: NDArray[np.float32], y: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """The most probable place of each joint.

    Args:
        x: (n, 576) float32 scores of columns.
        y: (n, 768) float32 scores of rows.
        matrix: from photo to crop.

    Returns:
        (n, 3) float32 x, y in photo pixels, confidence = the smaller of both best scores, in [0, 1].

    Raises:
        ValueError: not SimCC's shapes.
    """
    if x.ndim != 2 or x.shape[1:] != (int(INPUT[1] * BINS_PER_PX),) or y.shape != (len(x), int(INPUT[0] * BINS_PER_PX)):
        raise ValueError(f"key-point outputs of shapes {x.shape} and {y.shape}, expected (n, 576) and (n, 768)")
    place = np.column_stack([x.argmax(1), y.argmax(1)]) / BINS_PER_PX
    inverse = cv2.invertAffineTransform(matrix)
    photo = place @ inverse[:, :2].T + inverse[:, 2]
    seen = np.clip(np.nan_to_num(np.minimum(x.max(1), y.max(1))), 0, 1)
    points: NDArray[np.float32] = np.column_stack([photo, seen]).astype(np.float32)
    return points
