"""Parts of a cut-out that are no garment: a hanger, whose wire and hook are taken away, and a mannequin's neck, which is named.

Straps are thin too. A hanger differs from the garment in colour, crosses its middle, and stands out above it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import RGB, Lab
from pipeline.core.colour import to_lab
from pipeline.core.flags import Flag, Notice
from pipeline.core.masks import Mask
from pipeline.core.rect import Rect
from preprocess.cloth.ground_colour import size_of

Alpha = NDArray[np.uint8]

THIN = 0.018
"""Half the width of the thickest bar of a hanger, as a share of the garment's height."""
UPPER_PART = 0.4
"""A hanger's parts lie in this share of the garment's height, from the top."""
OTHER_COLOUR = 14.0
"""Least Lab distance between the garment's colours and something that is none of it."""
MIDDLE = 0.08
"""Half width of the middle as a share of the garment's width."""
ABOVE = 0.03
"""As a share of the garment's height: how far a hook stands out above the garment."""
NECK_WIDTH = (0.06, 0.4)
"""A mannequin's neck is this share of the garment's width."""
NECK_HEIGHT = 0.04


@dataclass(frozen=True)
class ForeignParts:
    """What was found on a cut-out.

    Args:
        alpha: (h, w) uint8 without the hanger.
        hanger: whether there was one.
        neck: whether something like a mannequin's neck stands in the collar.
    """

    alpha: Alpha
    hanger: bool
    neck: bool

    @property
    def notices(self) -> tuple[Notice, ...]:
        """A flag for each."""
        flags = (Flag.HANGER_REMOVED, self.hanger), (Flag.MANNEQUIN_SEEN, self.neck)
        return tuple(Notice(flag) for flag, found in flags if found)


def without_foreign_parts(rgb: RGB, alpha: Alpha) -> ForeignParts:
    """Take a hanger away and look for a neck.

    Args:
        rgb: (h, w, 3) uint8.
        alpha: (h, w) uint8, 255 = garment; not empty.
    """
    mask = alpha > 127
    box = masks.box_of(mask)
    if box is None:
        return ForeignParts(alpha, False, False)
    window = box.window(mask.shape)
    foreign = _unlike_the_garment(to_lab(rgb[window]), mask[window])
    wire = _hanger(mask[window], foreign)
    if not wire.any():
        return ForeignParts(alpha, False, _has_neck(mask[window], foreign))
    cleaned = alpha.copy()
    cleaned[window][masks.dilate(wire, 2)] = 0
    kept = masks.dilate(masks.largest(cleaned > 127), 3)
    cleaned[~kept] = 0
    return ForeignParts(cleaned, True, False)


def _unlike_the_garment(lab: Lab, mask: Mask) -> Mask:
    """(h, w) bool: where the colour is none of those in the garment's lower part, which no hanger and no neck reaches."""
    rows = np.arange(mask.shape[0])[:, None]
    body = lab[masks.erode(mask, 3) & (rows > UPPER_PART * mask.shape[0])]
    if len(body) < 50:
        return np.zeros(mask.shape, bool)
    samples = body[:: max(1, len(body) // 4000)].astype(np.float32)
    _, _, centres = cv2.kmeans(samples, 5, np.empty(0), (cv2.TERM_CRITERIA_MAX_ITER, 10, 0), 1, cv2.KMEANS_PP_CENTERS)
    nearest = np.min([size_of(lab - centre) for centre in centres], axis=0)
    unlike: Mask = mask & (nearest > OTHER_COLOUR)
    return unlike


def _hanger(mask: Mask, foreign: Mask) -> Mask:
    """(h, w) bool: wire, bar and hook; empty when there is no hook above the middle."""
    height, width = mask.shape
    reach = max(2, round(THIN * height))
    padded = np.pad(mask, 2 * reach)
    solid = masks.open_(padded, reach)[2 * reach : -2 * reach, 2 * reach : -2 * reach]
    thin = mask & ~solid & (np.arange(height)[:, None] < UPPER_PART * height)
    numbers, areas = masks.components(thin)
    share = np.bincount(numbers[foreign], minlength=len(areas)) / np.maximum(areas, 1)
    parts = (share > 0.5) & (areas > 20)
    parts[0] = False
    wire: Mask = parts[numbers]
    left = mask & ~wire
    if not wire.any() or not left.any():
        return np.zeros(mask.shape, bool)
    top = _rows(masks.largest(left))[0]
    middle = np.abs(np.arange(width) - width / 2) < MIDDLE * width
    hook = wire & middle[None, :]
    return wire if hook.any() and _rows(hook)[0] < top - ABOVE * height else np.zeros(mask.shape, bool)


def _has_neck(mask: Mask, foreign: Mask) -> bool:
    """Whether something thicker than wire, and unlike the garment, stands in the middle at its upper end."""
    height, width = mask.shape
    part = masks.open_(foreign & (np.arange(height)[:, None] < UPPER_PART * height), max(1, round(0.01 * height)))
    numbers, areas = masks.components(part)
    for number in np.flatnonzero(areas > 0.002 * np.count_nonzero(mask)):
        box = masks.box_of(numbers == number) if number else None
        if box is not None and _is_neck(box, height, width):
            return True
    return False


def _is_neck(box: Rect[int], height: int, width: int) -> bool:
    middle = abs(box.left + box.width / 2 - width / 2) < MIDDLE * width
    fits = NECK_WIDTH[0] * width < box.width < NECK_WIDTH[1] * width and box.height > NECK_HEIGHT * height
    return middle and fits and box.top <= 0.01 * height


def _rows(mask: Mask) -> NDArray[np.intp]:
    return np.flatnonzero(mask.any(1))
