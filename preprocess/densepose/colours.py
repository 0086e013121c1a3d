"""Body-part index ↔ the colours of `image-densepose`: exact table, black background, written 4:4:4.

Facts: docs/facts/densepose_picture.md#colours.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import DENSEPOSE_COLOURS

TOLERANCE = 24
"""Largest L1 distance in RGB at which a JPEG's colour counts as one of the table."""
NOT_BLACK = 60
"""Sum of RGB above which a pixel without a colour of the table is a blend at a part's edge, not background."""

_TABLE = np.asarray(DENSEPOSE_COLOURS, np.uint8)
_BLEND = 255


def render(index: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w) uint8 of `BodyPart` 0..24 → (h, w, 3) uint8 RGB in VITON-HD's colours.

    Raises:
        ValueError: an index above 24.
    """
    if index.size and int(index.max()) >= len(_TABLE):
        raise ValueError(f"body-part index {int(index.max())}, allowed are 0..{len(_TABLE) - 1}")
    coloured: NDArray[np.uint8] = _TABLE[index]
    return coloured


def decode(picture: NDArray[np.uint8], tolerance: int = TOLERANCE) -> NDArray[np.uint8]:
    """Read the indices back from a picture, JPEG noise allowed.

    Args:
        picture: (h, w, 3) uint8 RGB.
        tolerance: largest L1 distance to a colour of the table.

    Returns:
        (h, w) uint8 of `BodyPart`; blends at edges take the index of the nearest sure pixel.
    """
    packed = _packed(picture)
    classes = np.zeros(1 << 24, np.uint8)  # by colour: takes an eighth of the time of sorting the pixels
    classes[packed] = 1
    colours = np.flatnonzero(classes)
    classes[colours] = _classes(colours, tolerance)
    found = classes[packed].reshape(picture.shape[:2])
    return _settle_blends(np.where(found == _BLEND, np.uint8(0), found), found == _BLEND)


def _classes(colours: NDArray[np.int64], tolerance: int) -> NDArray[np.uint8]:
    """(n,) packed colours → (n,) uint8: the index, 0 for background, `_BLEND` for a mixture of two parts."""
    rgb = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], 1).astype(np.int16)
    apart = np.abs(rgb[:, None, :] - _TABLE[None].astype(np.int16)).sum(2)
    sure = apart.min(1) <= tolerance
    unsure = np.where(rgb.sum(1) > NOT_BLACK, _BLEND, 0)
    return np.where(sure, apart.argmin(1), unsure).astype(np.uint8)


def _packed(picture: NDArray[np.uint8]) -> NDArray[np.int32]:
    wide = picture.astype(np.int32)
    packed: NDArray[np.int32] = (wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]).ravel()
    return packed


def _settle_blends(index: NDArray[np.uint8], blend: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Give each blended pixel the index of the nearest sure pixel."""
    if not blend.any() or blend.all():
        return index
    _, nearest = cv2.distanceTransformWithLabels(blend.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    lookup = np.zeros(int(nearest.max()) + 1, np.uint8)
    lookup[nearest[~blend]] = index[~blend]
    settled: NDArray[np.uint8] = np.where(blend, lookup[nearest], index)
    return settled
