"""Where a hand is: the hull of its key-points, grown to the skin; and the published stand-in, both whole bare arms."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask, dilate, labelled

ARMS = (Parse.LEFT_ARM, Parse.RIGHT_ARM)
GROW = 0.12
"""Key-points lie in the middle of fingers: the hull grows by this share of the hand's longer side."""


def arm_mask(parse: NDArray[np.uint8]) -> Mask:
    """The published mask: labels of both bare arms, (h, w) uint8 of `Parse` → (h, w) bool.

    Not a hand: the whole bare arm, nothing under a sleeve or a glove, and not grown.
    """
    return labelled(parse, ARMS)


def hull_mask(points: NDArray[np.float32], size: tuple[int, int], grow: float = GROW) -> Mask:
    """The area of one hand.

    Args:
        points: (n, 2) float32 x, y, pixels; may lie outside the picture.
        size: (height, width).
        grow: share of the longer side of the points' box.

    Returns:
        (h, w) bool; empty for fewer than three points.
    """
    area = np.zeros(size, np.uint8)
    if len(points) >= 3:
        hull = cv2.convexHull(np.round(points).astype(np.int32))
        cv2.fillConvexPoly(area, hull, 1)
    side = float((points.max(axis=0) - points.min(axis=0)).max()) if len(points) else 0.0
    return dilate(area.astype(bool), grow * side)


def read_hand_mask(path: Path, size: tuple[int, int]) -> Mask:
    """A mask that somebody gives; soft edges and the noise of a JPEG are cut at one half.

    Args:
        path: a picture, white = hand.
        size: (height, width) that it must have.

    Raises:
        InputError: not a mask, or of another size.
    """
    mask = images.read_mask(path)
    if mask.shape != size:
        raise InputError(
            f"{path}: the hand mask is {mask.shape[0]} × {mask.shape[1]}, its picture {size[0]} × {size[1]} (height × width)",
            "make it again at the picture's size: python run.py hands masks",
        )
    return mask
