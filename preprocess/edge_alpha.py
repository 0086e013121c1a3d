"""From an outline to a soft edge: how much of each boundary pixel is garment, and what colour that part has."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.masks import Mask

REACH_PX = 3
"""Half width of the band in which a pixel may be shared."""
CLEAR_STEP = 18.0
"""RGB distance between both sides above which colour alone decides; below, the outline's own shape joins in."""


def beside(photo: NDArray[np.float32], region: Mask, sigma_px: float) -> NDArray[np.float32]:
    """(h, w, 3) float32: at every pixel the mean colour of the nearby part of `region` (normalised convolution)."""
    weight = region.astype(np.float32)
    total = cv2.GaussianBlur(weight, (0, 0), sigma_px)
    colours = cv2.GaussianBlur(photo * weight[..., None], (0, 0), sigma_px)
    mean: NDArray[np.float32] = colours / np.maximum(total, 1e-4)[..., None]
    return mean


def edge_alpha(photo: NDArray[np.uint8], outline: Mask) -> NDArray[np.float32]:
    """Share the boundary pixels by colour: alpha = where the colour lies between ground and garment just beside it.

    Args:
        photo: (h, w, 3) RGB uint8.
        outline: (h, w) bool, True = garment, right to a pixel or two.

    Returns:
        (h, w) float32 in [0, 1].
    """
    rgb = photo.astype(np.float32)
    shape = cv2.GaussianBlur(outline.astype(np.float32), (0, 0), 1.0)
    inside = masks.erode(outline, REACH_PX - 1)
    outside = masks.erode(~outline, REACH_PX - 1)
    garment, ground = beside(rgb, inside, REACH_PX), beside(rgb, outside, REACH_PX)
    step = garment - ground
    length = np.einsum("ijk,ijk->ij", step, step)
    by_colour = np.clip(np.einsum("ijk,ijk->ij", rgb - ground, step) / np.maximum(length, 1), 0, 1)
    known = np.minimum(cv2.GaussianBlur(inside.astype(np.float32), (0, 0), REACH_PX),
                       cv2.GaussianBlur(outside.astype(np.float32), (0, 0), REACH_PX)) > 0.02  # fmt: skip
    trust = np.clip(np.sqrt(length) / CLEAR_STEP - 0.5, 0, 1) * known
    mixed = trust * np.clip((by_colour - 0.1) / 0.8, 0, 1) + (1 - trust) * shape
    limits = np.clip(_signed_depth(outline) / REACH_PX, -1, 1)
    alpha = np.clip(np.where(limits >= 1, 1, np.where(limits <= -1, 0, mixed)), 0, 1)
    return alpha.astype(np.float32)


def _signed_depth(outline: Mask) -> NDArray[np.float32]:
    """Distance to the outline in pixels, positive inside."""
    inside = cv2.distanceTransform(outline.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 5)
    depth: NDArray[np.float32] = inside - outside
    return depth


def edge_colours(photo: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """The garment's own colour in shared pixels: the ground's part is taken out, limited to what the garment shows beside it.

    Args:
        photo: (h, w, 3) RGB uint8.
        alpha: (h, w) float32 in [0, 1].

    Returns:
        (h, w, 3) float32 0..255; equal to `photo` where alpha is 1.
    """
    rgb = photo.astype(np.float32)
    clean = beside(rgb, alpha > 0.97, REACH_PX)
    ground = beside(rgb, alpha < 0.03, REACH_PX)
    share = alpha[..., None]
    solved = (rgb - (1 - share) * ground) / np.maximum(share, 0.25)
    sure = np.clip((share - 0.5) * 2, 0, 1)
    mixed = np.clip(sure * solved + (1 - sure) * clean, clean - 40, clean + 40)
    colours: NDArray[np.float32] = np.where(share >= 0.995, rgb, np.clip(mixed, 0, 255)).astype(np.float32)
    return colours
