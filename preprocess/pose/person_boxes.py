"""YOLOX's raw output → boxes of people (Ge et al. 2021), and the box of the selected person. Pure functions.

Facts: docs/facts/keypoints.md#dwpose.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.rect import Rect

Boxes = NDArray[np.float32]
"""(n, 5) float32 x0, y0, x1, y1 in photo pixels, score in [0, 1]."""

SIDE_PX = 640
PAD = 114
STRIDES = (8, 16, 32)
PERSON = 0
"""COCO's class."""
LEAST_SCORE = 0.3
SAME = 0.45
"""Boxes with a higher intersection over union show the same person."""
MOST_EXPONENT = 10.0
"""Limit for exp(), which could overflow; a box of 22000 strides is large enough."""
LEAST_AGREEMENT = 0.3
"""Least intersection over union of a box with the landmarks' box for it to show the selected person."""


def letterboxed(photo: RGB) -> tuple[NDArray[np.float32], float]:
    """The detector's input: BGR 0..255, scaled into the upper left corner of a grey square.

    Args:
        photo: (h, w, 3) uint8 RGB.

    Returns:
        (1, 3, 640, 640) float32, and input pixels per photo pixel.
    """
    scale = min(SIDE_PX / photo.shape[0], SIDE_PX / photo.shape[1])
    size = (max(1, int(photo.shape[1] * scale)), max(1, int(photo.shape[0] * scale)))
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    square = np.full((SIDE_PX, SIDE_PX, 3), PAD, np.float32)
    square[: size[1], : size[0]] = small[..., ::-1]
    return np.ascontiguousarray(square.transpose(2, 0, 1)[None]), scale


def people_boxes(raw: NDArray[np.float32], scale: float, size: tuple[int, int]) -> Boxes:
    """Decode, keep people, drop duplicates, clip to the photo.

    Args:
        raw: (8400, 85) float32: x and y offsets in cells, log width and height in cells, objectness, 80 class scores.
        scale: input pixels per photo pixel.
        size: (height, width) of the photo.

    Returns:
        Best score first; boxes that lie outside the photo are dropped.

    Raises:
        ValueError: not YOLOX's shape.
    """
    cells = [SIDE_PX // stride for stride in STRIDES]
    if raw.ndim != 2 or raw.shape[0] != sum(count * count for count in cells) or raw.shape[1] < 6:
        raise ValueError(f"detector output of shape {raw.shape}, expected ({sum(count * count for count in cells)}, 85)")
    score = raw[:, 4] * raw[:, 5 + PERSON]
    keep = np.isfinite(raw[:, :6]).all(1) & (score >= LEAST_SCORE)
    corner, stride = _grid(cells)
    middle = (raw[keep, :2] + corner[keep]) * stride[keep] / scale
    half = np.exp(np.minimum(raw[keep, 2:4], MOST_EXPONENT)) * stride[keep] / scale / 2
    limit = np.array([size[1], size[0]], np.float32)
    low, high = np.clip(middle - half, 0, limit), np.clip(middle + half, 0, limit)
    boxes = np.column_stack([low, high, score[keep]]).astype(np.float32)
    return without_duplicates(boxes[((high - low) >= 1).all(1)])


def _grid(cells: list[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Upper left cell of each prediction (n, 2) x, y, and its stride (n, 1) in pixels."""
    corners = [np.stack(np.meshgrid(np.arange(count), np.arange(count)), -1).reshape(-1, 2) for count in cells]
    strides = [np.full((count * count, 1), stride) for count, stride in zip(cells, STRIDES, strict=True)]
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)


def without_duplicates(boxes: Boxes, same: float = SAME) -> Boxes:
    """Greedy non-maximum suppression; best score first."""
    rest = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    kept: list[NDArray[np.float32]] = []
    while len(rest):
        kept.append(rest[0])
        rest = rest[1:][agreement(rest[0], rest[1:]) <= same]
    return np.asarray(kept, np.float32).reshape(-1, 5)


def agreement(box: NDArray[np.float32], others: Boxes) -> NDArray[np.float32]:
    """Intersection over union of one box with each of (n, 4 or 5) others."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:4], others[:, 2:4])
    shared = np.clip(high - low, 0, None).prod(1)
    union = (box[2:4] - box[:2]).prod() + (others[:, 2:4] - others[:, :2]).prod(1) - shared
    overlap: NDArray[np.float32] = (shared / np.maximum(union, 1e-6)).astype(np.float32)
    return overlap


def box_of_selected(found: Boxes, landmarks_box: Rect[float]) -> NDArray[np.float32]:
    """The found box that agrees best with where the landmarks are; the landmarks' own box when none does.

    Args:
        found: (n, 5).
        landmarks_box: photo pixels.

    Returns:
        (4,) float32 x0, y0, x1, y1.
    """
    at = landmarks_box
    known = np.array([at.left, at.top, at.right, at.bottom], np.float32)
    if len(found):
        like = agreement(known, found)
        if like.max() >= LEAST_AGREEMENT:
            best: NDArray[np.float32] = found[int(like.argmax()), :4]
            return best
    return known
