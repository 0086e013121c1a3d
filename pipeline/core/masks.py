"""Operations on masks that more than one room needs. A mask is (h, w) bool, True = repaint / garment / person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import REPLACED_LABELS, Category, Parse
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
    return _by_disc(cv2.dilate, mask, radius_px)


def erode(mask: Mask, radius_px: float) -> Mask:
    """Shrink by a disc; beyond the picture's edge counts as inside, so a cut person keeps touching the edge."""
    return _by_disc(cv2.erode, mask, radius_px)


def _by_disc(morphology: Callable[..., Any], mask: Mask, radius_px: float) -> Mask:
    """Grow or shrink by a disc, in the window that it can change: what lies further out stays False."""
    radius = round(radius_px)
    box = box_of(mask)
    if radius < 1 or box is None:
        return mask.copy()
    window = box.window(mask.shape, radius)
    changed = np.zeros(mask.shape, bool)
    changed[window] = morphology(bytes_of(mask[window]), _disc(radius)).view(bool)
    return changed


def close(mask: Mask, radius_px: float) -> Mask:
    """Fill gaps narrower than twice the radius."""
    return erode(dilate(mask, radius_px), radius_px) | mask


def open_(mask: Mask, radius_px: float) -> Mask:
    """Drop parts thinner than twice the radius."""
    return dilate(erode(mask, radius_px), radius_px) & mask


def components(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Connected parts (8-neighbourhood): (h, w) int32 part numbers, 0 = outside, and (n,) areas in pixels."""
    count, numbers = cv2.connectedComponents(bytes_of(mask), connectivity=8)
    return numbers, np.bincount(numbers.ravel(), minlength=count)


def keep_larger(mask: Mask, min_area_px: float) -> Mask:
    """Drop connected parts smaller than `min_area_px`."""
    kept = np.zeros(mask.shape, bool)
    box = box_of(mask)
    if box is not None:
        window = box.window(mask.shape)
        numbers, areas = components(mask[window])
        keep = areas >= min_area_px
        keep[0] = False
        kept[window] = keep[numbers]
    return kept


def largest(mask: Mask) -> Mask:
    """Only the largest connected part; an empty mask stays empty."""
    numbers, areas = components(mask)
    return mask.copy() if len(areas) < 2 else numbers == 1 + int(np.argmax(areas[1:]))


def fill_holes(mask: Mask, max_area_px: float = float("inf")) -> Mask:
    """Fill enclosed holes up to `max_area_px`; what touches the picture's edge is no hole."""
    filled = mask.copy()
    box = box_of(mask)
    if box is not None:
        window = box.window(mask.shape, 1)  # a hole does not touch the rim around the mask, which belongs to the outside
        numbers, areas = components(~mask[window])
        fill = areas <= max_area_px
        fill[0] = False
        for edge in (numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]):
            fill[edge] = False
        if fill.any():
            filled[window] |= fill[numbers]
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
    left, top, width, height = cv2.boundingRect(bytes_of(mask))
    return Rect(top, left, height, width) if width else None


def bytes_of(mask: Mask) -> NDArray[np.uint8]:
    """The same (h, w) as uint8 0 and 1 for OpenCV; the values are shared with the mask where they lie together."""
    return np.ascontiguousarray(mask, bool).view(np.uint8)


def labelled(labels: NDArray[np.uint8], wanted: Iterable[int]) -> Mask:
    """(h, w) bool: where a label map has one of the wanted labels; `np.isin` takes several times as long."""
    table = np.zeros(256, np.uint8)
    table[list(wanted)] = 1
    found: Mask = cv2.LUT(labels, table).view(bool)
    return found


def worn_under(parse: NDArray[np.uint8], category: Category, mask: Mask) -> Mask:
    """(h, w) bool: what a garment of a category replaces; of a dress what the mask covers, under a top the upper half of that.

    How far down a top reaches is its own affair: below it the dress shows as a skirt.

    Args:
        parse: (h, w) uint8 of `Parse`.
        category: of the new garment.
        mask: (h, w) bool, the area to repaint.
    """
    dress = (parse == Parse.DRESS) & mask
    if category is Category.UPPER and (box := box_of(dress)) is not None:
        dress[box.top + box.height // 2 :] = False
    worn: Mask = labelled(parse, REPLACED_LABELS[category]) | dress
    return worn


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
    return GuidedFilter(guide, radius_px, eps)(image)


class GuidedFilter:
    """`guided_filter` for several images along the same guide; arguments as there."""

    def __init__(self, guide: NDArray[np.uint8], radius_px: int, eps: float) -> None:
        self._grey = (cv2.cvtColor(guide, cv2.COLOR_RGB2GRAY) if guide.ndim == 3 else guide).astype(np.float32)
        self._side = (2 * radius_px + 1, 2 * radius_px + 1)
        self._mean = cv2.blur(self._grey, self._side)
        self._spread = cv2.blur(self._grey * self._grey, self._side) - self._mean * self._mean + eps

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w) float32 → the same, smoothed."""
        mean = cv2.blur(image, self._side)
        slope = (cv2.blur(self._grey * image, self._side) - self._mean * mean) / self._spread
        offset = mean - slope * self._mean
        filtered: NDArray[np.float32] = cv2.blur(slope, self._side) * self._grey + cv2.blur(offset, self._side)
        return filtered
