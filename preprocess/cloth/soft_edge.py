"""From an outline to a soft edge: how much of each boundary pixel is garment."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.masks import Mask

REACH_PX = 3
"""Half width of the band in which a pixel may be partly garment."""
CLEAR_STEP = 18.0
"""RGB distance between both sides from which colour alone decides; below it, the blurred outline counts too."""


def beside(photo: NDArray[np.float32], region: Mask) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(h, w, 3) float32 mean colour of `region` near each pixel, and (h, w) float32 share of `region` near it."""
    side = (4 * REACH_PX + 1, 4 * REACH_PX + 1)
    weight = region.astype(np.float32)
    near = cv2.blur(weight, side)
    colours = cv2.blur(photo * weight[..., None], side)
    mean: NDArray[np.float32] = colours / np.maximum(near, 1e-4)[..., None]
    return mean, near


def edge_alpha(photo: NDArray[np.uint8], outline: Mask) -> NDArray[np.float32]:
    """Alpha of the boundary pixels by colour: where each colour lies between ground and garment beside it.

    Args:
        photo: (h, w, 3) RGB uint8.
        outline: (h, w) bool, True = garment, accurate to one or two pixels.

    Returns:
        (h, w) float32 in [0, 1].
    """
    rgb = photo.astype(np.float32)
    shape = cv2.GaussianBlur(outline.astype(np.float32), (0, 0), 1.0)
    inside = masks.erode(outline, REACH_PX - 1)
    outside = masks.erode(~outline, REACH_PX - 1)
    (garment, garment_near), (ground, ground_near) = beside(rgb, inside), beside(rgb, outside)
    step = garment - ground
    length = _dot(step, step)
    by_colour = np.clip(_dot(rgb - ground, step) / np.maximum(length, 1), 0, 1)
    known = np.minimum(garment_near, ground_near) > 0.02
    trust = np.clip(np.sqrt(length) / CLEAR_STEP - 0.5, 0, 1) * known
    mixed = trust * np.clip((by_colour - 0.1) / 0.8, 0, 1) + (1 - trust) * shape
    limits = np.clip(_signed_depth(outline) / REACH_PX, -1, 1)
    alpha = np.clip(np.where(limits >= 1, 1, np.where(limits <= -1, 0, mixed)), 0, 1)
    return alpha.astype(np.float32)


def _dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    product = a * b
    total: NDArray[np.float32] = product[..., 0] + product[..., 1] + product[..., 2]
    return total


def _signed_depth(outline: Mask) -> NDArray[np.float32]:
    """Distance to the outline in pixels, positive inside."""
    inside = cv2.distanceTransform(outline.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 5)
    depth: NDArray[np.float32] = inside - outside
    return depth
