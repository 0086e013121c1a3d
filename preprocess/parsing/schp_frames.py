"""SCHP's input (Li et al. 2020): the whole frame in a square with black borders, and the way back. Pure functions.

Facts: docs/facts/parsing_networks.md#schp.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import Float, Labels
from pipeline.core.labels import Atr, Lip
from pipeline.core.masks import Mask

MEAN = (0.406, 0.456, 0.485)
STD = (0.225, 0.224, 0.229)
"""Blue, green, red, on 0..1."""
CLOTHED = (Atr.UPPER_CLOTHES, Atr.LEFT_ARM, Atr.RIGHT_ARM)
"""What encloses a hole."""
HOLE_PX = 2000
"""Largest hole in upper clothes that is filled, by the area inside its outline, at 512 px height."""


def frame_matrix(size: tuple[int, ...], side_px: int) -> NDArray[np.float64]:
    """(2, 3) affine from the frame to the square: corner pixel on corner pixel along the frame's longer side, both centred.

    Args:
        size: (height, width) of the frame.
        side_px: side of the square.
    """
    scale = (side_px - 1) / max(size[0] - 1, size[1] - 1, 1)
    half = (side_px - 1) / 2
    return np.array([[scale, 0, half - scale * (size[1] - 1) / 2], [0, scale, half - scale * (size[0] - 1) / 2]])


def network_input(image: NDArray[np.uint8], side_px: int) -> Float:
    """(h, w, 3) RGB uint8 → (1, 3, side, side) float32, blue first, normalised; black around the frame."""
    square = cv2.warpAffine(image, frame_matrix(image.shape, side_px), (side_px, side_px), flags=cv2.INTER_LINEAR)
    normal = (square[..., ::-1].astype(np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1)[None], np.float32)


def labels_from(scores: Float, side_px: int, size: tuple[int, int]) -> Labels:
    """The best class of every pixel of the frame: scores are enlarged to the square, warped back, then compared.

    Args:
        scores: (classes, h, w) float32, a quarter of the square.
        side_px: side of the square.
        size: (height, width) of the frame.

    Returns:
        (height, width) uint8.
    """
    matrix = frame_matrix(size, side_px)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    best, labels = np.full(size, -np.inf, np.float32), np.zeros(size, np.uint8)
    down, across = _corner_weights(scores.shape[1], side_px), _corner_weights(scores.shape[2], side_px)
    for number, channel in enumerate(scores):
        large = np.ascontiguousarray(down @ channel @ across.T)
        back = cv2.warpAffine(large, matrix, size[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
        better = back > best
        best[better], labels[better] = back[better], number
    return labels


def _corner_weights(source: int, target: int) -> Float:
    """(target, source) float32 weights of a bilinear enlargement with aligned corners, as in SCHP's training."""
    place = np.linspace(0, source - 1, target)
    low = np.minimum(place.astype(np.int64), max(0, source - 2))
    weights = np.zeros((target, source), np.float32)
    rows = np.arange(target)
    weights[rows, low] = 1 - (place - low)
    if source > 1:
        weights[rows, low + 1] = place - low
    return weights


def hybrid(atr: Labels, lip: Labels) -> Labels:
    """ATR's garments with the neck that LIP does not call face (docs/facts/label_lists.md#hybrid).

    Args:
        atr: (h, w) uint8 of `Atr`.
        lip: (h, w) uint8 of `Lip`, the same frame.

    Returns:
        (h, w) uint8 of `Atr` with `NECK`; small holes in upper clothes and arms are filled with upper clothes.
    """
    result = atr.copy()
    limit = HOLE_PX * (atr.shape[0] / 512) ** 2
    result[_small_holes(masks.labelled(atr, CLOTHED), limit)] = Atr.UPPER_CLOTHES
    result[(result == Atr.FACE) & (lip != Lip.FACE)] = Atr.NECK
    return result


def _small_holes(solid: Mask, limit_px: float) -> Mask:
    """(h, w) bool: holes of `solid` with no outline that encloses more than `limit_px`.

    A gap that opens only across a corner does not open a hole. What lies inside the outline of a larger hole is kept with it.
    """
    outside = np.pad(masks.bytes_of(solid), 1)
    cv2.floodFill(outside, None, (0, 0), 1)
    holes = 1 - outside
    # Of int32, as in the published code: OpenCV then also finds the outline that runs round a hole, one pixel further out.
    contours, _ = cv2.findContours(holes.astype(np.int32), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_TC89_L1)
    kept = np.zeros_like(holes)
    for number in [number for number, contour in enumerate(contours) if cv2.contourArea(contour) > limit_px]:
        cv2.drawContours(kept, contours, number, 1, -1)
    small: Mask = (holes > kept)[1:-1, 1:-1]
    return small
