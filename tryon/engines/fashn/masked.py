"""What is greyed where the network is shown less than the whole photo: the worn garment, and what is no garment.

Facts: docs/facts/fashn_vton.md#masked.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Labels
from pipeline.core.labels import Category, Fashn
from pipeline.core.masks import Mask

GREY = 127
BUFFER, CONTOUR, NEAR, WIDER, TALLER = 4, 18, 100, 33, 16  # pixels in a picture of `HEIGHT` rows
HEIGHT = 864
SMOOTHING = 2.5
"""Radius of the contour over the deviation of its smoothing."""

_TOPS, _BOTTOMS = frozenset({Fashn.TOP, Fashn.DRESS, Fashn.SCARF}), frozenset({Fashn.SKIRT, Fashn.PANTS, Fashn.BELT})
GARMENT = {Category.UPPER: _TOPS, Category.LOWER: _BOTTOMS, Category.DRESS: _TOPS | _BOTTOMS}
"""Labels of a garment by category."""

_BARE_UPPER, _BARE_LOWER = frozenset({Fashn.ARMS, Fashn.TORSO}), frozenset({Fashn.LEGS})
_BARE = {Category.UPPER: _BARE_UPPER, Category.LOWER: _BARE_LOWER, Category.DRESS: _BARE_UPPER | _BARE_LOWER}
_ALWAYS_KEPT = frozenset({Fashn.FACE, Fashn.HAIR, Fashn.JEWELRY, Fashn.BAG, Fashn.GLASSES, Fashn.HAT})
_KEPT = {
    Category.UPPER: _ALWAYS_KEPT | {Fashn.LEGS, Fashn.HANDS},
    Category.LOWER: _ALWAYS_KEPT | {Fashn.ARMS, Fashn.FEET},
    Category.DRESS: _ALWAYS_KEPT | {Fashn.HANDS, Fashn.FEET},
}


def masked_person(picture: RGB, labels: Labels, category: Category) -> RGB:
    """(h, w, 3) uint8 with the area to dress in grey."""
    return np.where(repaint_mask(labels, category)[..., None], np.uint8(GREY), picture)


def garment_alone(picture: RGB, garment: Mask) -> RGB:
    """(h, w, 3) uint8 with everything that is not the garment in grey."""
    return np.where(garment[..., None], picture, np.uint8(GREY))


def repaint_mask(labels: Labels, category: Category) -> Mask:
    """The area to dress.

    Args:
        labels: (h, w) uint8 of `Fashn`.
        category: of the new garment.

    Returns:
        (h, w) bool, True = repaint; nothing where the person wears nothing of that kind.
    """
    scale = labels.shape[0] / HEIGHT
    base = np.isin(labels, list(GARMENT[category] | _BARE[category]))
    if not base.any():
        return base
    side = max(1, int(BUFFER * scale))
    buffer = cv2.dilate(base.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    contour = _contour(base, max(1, int(CONTOUR * scale)))
    hybrid = _box_around(base, contour, scale)
    return np.asarray(buffer | (hybrid & ~np.isin(labels, list(_KEPT[category]))))


def _contour(base: Mask, radius: int) -> Mask:
    """The area grown by a radius, its edge smoothed, its holes filled."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    grown = cv2.dilate(base.astype(np.uint8), kernel)
    outside, inside = (cv2.distanceTransform(part, cv2.DIST_L2, 5) for part in (1 - grown, grown))
    smooth = cv2.GaussianBlur(outside - inside, (0, 0), radius / SMOOTHING, borderType=cv2.BORDER_REPLICATE) <= 0
    return _filled(np.asarray(smooth)) | base


def _filled(area: Mask) -> Mask:
    """What cannot be reached from the first pixel counts as inside, as the published code has it."""
    flooded = area.astype(np.uint8)
    cv2.floodFill(flooded, np.zeros((area.shape[0] + 2, area.shape[1] + 2), np.uint8), (0, 0), 1)
    return np.asarray(area | (flooded == 0))


def _box_around(base: Mask, contour: Mask, scale: float) -> Mask:
    """The bounding box without its far corners, then grown: more to the sides than up and down."""
    rows, columns = np.flatnonzero(base.any(axis=1)), np.flatnonzero(base.any(axis=0))
    box = np.zeros_like(base)
    box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    distance = cv2.distanceTransform((~contour).astype(np.uint8), cv2.DIST_L2, 5)
    hybrid = box & (contour | (distance <= NEAR * scale))
    kernel = np.ones((2 * int(TALLER * scale) + 1, 2 * int(WIDER * scale) + 1), np.uint8)
    return np.asarray(cv2.dilate(hybrid.astype(np.uint8), kernel) > 0)
