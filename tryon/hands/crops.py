"""A square around a hand, out of a picture and back in."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.rect import Rect

FACTOR = 2.25
"""Side of the square over the longer side of the hand's box: the wrist and some sleeve show what the hand belongs to."""
SIDE = 512
"""Pixels that Stable Diffusion 1.5 works at."""


def square_around(points: NDArray[np.float32], size: tuple[int, int], factor: float = FACTOR) -> Rect[int]:
    """The square, moved and if need be shrunk to lie inside the picture.

    Args:
        points: (n, 2) float32 x, y, n ≥ 1.
        size: (height, width) of the picture.
        factor: side over the longer side of the points' box.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    side = int(min(max(round(float((high - low).max()) * factor), 8), *size))
    left, top = (round(float(each) - side / 2) for each in (low + high) / 2)
    return Rect(min(max(top, 0), size[0] - side), min(max(left, 0), size[1] - side), side, side)


def cut(picture: NDArray[np.uint8], square: Rect[int], side: int = SIDE) -> NDArray[np.uint8]:
    """(side, side, …) uint8: the square of a picture, enlarged by cubic curves or shrunk by areas; a mask (h, w) stays hard."""
    part = picture[square.window(picture.shape)]
    if picture.ndim == 2:
        soft = cv2.resize(part, (side, side), interpolation=cv2.INTER_LINEAR)
        return np.where(soft >= 128, np.uint8(255), np.uint8(0))
    enlarge = side > square.height
    return np.asarray(cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC if enlarge else cv2.INTER_AREA), np.uint8)


def back(crop: NDArray[np.uint8], square: Rect[int]) -> NDArray[np.uint8]:
    """The crop at the size of its square."""
    shrink = crop.shape[0] > square.height
    size = (square.width, square.height)
    return np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC), np.uint8)
