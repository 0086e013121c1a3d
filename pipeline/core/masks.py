"""Operations on masks that more than one room needs. A mask is (h, w) bool, True = repaint / garment / person."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.rect import Rect

Mask = NDArray[np.bool_]
BLANK_SPREAD = 1.5
"""Grey levels: a painted area that varies less shows nothing; the plainest real garment reaches 4."""


def _disc(radius_px: int) -> NDArray[np.uint8]:
    size = 2 * radius_px + 1
    disc: NDArray[np.uint8] = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)).astype(np.uint8)
    return disc


def dilate(mask: Mask, radius_px: float) -> Mask:
    """Grow by a disc."""
    radius = round(radius_px)
    return mask.copy() if radius < 1 else cv2.dilate(mask.astype(np.uint8), _disc(radius)).astype(bool)


def erode(mask: Mask, radius_px: float) -> Mask:
    """Shrink by a disc; beyond the picture's edge counts as inside, so a cut person keeps touching the edge."""
    radius = round(radius_px)
    return mask.copy() if radius < 1 else cv2.erode(mask.astype(np.uint8), _disc(radius)).astype(bool)


def close(mask: Mask, radius_px: float) -> Mask:
    """Fill gaps narrower than twice the radius."""
    return erode(dilate(mask, radius_px), radius_px) | mask


def open_(mask: Mask, radius_px: float) -> Mask:
    """Drop parts thinner than twice the radius."""
    return dilate(erode(mask, radius_px), radius_px) & mask


def components(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Connected parts (8-neighbourhood): (h, w) int32 part numbers, 0 = outside, and (n,) int32 areas in pixels."""
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return numbers, stats[:, cv2.CC_STAT_AREA]


def keep_larger(mask: Mask, min_area_px: float) -> Mask:
    """Drop connected parts smaller than `min_area_px`."""
    numbers, areas = components(mask)
    keep = areas >= min_area_px
    keep[0] = False
    kept: Mask = keep[numbers]
    return kept


def largest(mask: Mask) -> Mask:
    """Only the largest connected part; an empty mask stays empty."""
    numbers, areas = components(mask)
    return mask.copy() if len(areas) < 2 else numbers == 1 + int(np.argmax(areas[1:]))


def fill_holes(mask: Mask, max_area_px: float = float("inf")) -> Mask:
    """Fill enclosed holes up to `max_area_px`; what touches the picture's edge is no hole."""
    numbers, areas = components(~mask)
    edge = np.unique(np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]]))
    fill = areas <= max_area_px
    fill[0] = False
    fill[edge] = False
    filled: Mask = mask | fill[numbers]
    return filled


def tidy(mask: Mask, speck_share: float = 0.002) -> Mask:
    """Drop specks and fill holes smaller than a share of the picture."""
    limit = speck_share * mask.size
    return fill_holes(keep_larger(mask, limit), limit)


def feather(mask: Mask, radius_px: float) -> NDArray[np.float32]:
    """(h, w) float32 in [0, 1]: 1 deep inside, 0 outside; the ramp lies inside the mask, so pixels outside stay untouched."""
    if radius_px <= 0:
        return mask.astype(np.float32)
    inside = cv2.distanceTransform(np.pad(mask, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    ramp = np.clip(inside / radius_px, 0, 1)
    soft: NDArray[np.float32] = (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)
    return soft


def iou(a: Mask, b: Mask) -> float:
    """Intersection over union in [0, 1]; two empty masks agree fully."""
    union = np.count_nonzero(a | b)
    return 1.0 if union == 0 else float(np.count_nonzero(a & b) / union)


def box_of(mask: Mask) -> Rect[int] | None:
    """The smallest rectangle that holds the True pixels, or None when there are none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows.size == 0:
        return None
    return Rect(int(rows[0]), int(columns[0]), int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1))


def painted_spread(picture: NDArray[np.uint8] | NDArray[np.float32], mask: Mask) -> float | None:
    """How much the painted area varies: a network that overflowed writes one value everywhere, or none at all.

    Args:
        picture: (h, w, 3) RGB result, 0..255.
        mask: (h, w) bool, True = may be repainted.

    Returns:
        Standard deviation in grey levels, [0, 127.5], of the channel that varies most; 0 when any painted value is not a finite
        number; None when there was nothing to paint, or picture and mask have different sizes.
    """
    if mask.shape != picture.shape[:2] or not mask.any():
        return None
    _, deviations = cv2.meanStdDev(picture, mask=mask.astype(np.uint8))
    return float(deviations.max()) if np.isfinite(deviations).all() else 0.0


def guided_filter(guide: NDArray[np.uint8], image: NDArray[np.float32], radius_px: int, eps: float) -> NDArray[np.float32]:
    """Edge-preserving smoothing of `image` along the edges of `guide` (He et al. 2010, grey guide).

    Args:
        guide: (h, w) or (h, w, 3) uint8; colour guides are reduced to luminance.
        image: (h, w) float32, any range.
        radius_px: half side of the box window.
        eps: regularisation on 0..255 values squared; larger = smoother.
    """
    grey = (cv2.cvtColor(guide, cv2.COLOR_RGB2GRAY) if guide.ndim == 3 else guide).astype(np.float32)
    side = (2 * radius_px + 1, 2 * radius_px + 1)
    mean_g, mean_i = cv2.blur(grey, side), cv2.blur(image, side)
    variance = cv2.blur(grey * grey, side) - mean_g * mean_g
    slope = (cv2.blur(grey * image, side) - mean_g * mean_i) / (variance + eps)
    offset = mean_i - slope * mean_g
    filtered: NDArray[np.float32] = cv2.blur(slope, side) * grey + cv2.blur(offset, side)
    return filtered
