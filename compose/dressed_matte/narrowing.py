"""Where a garment became narrower: former body that shows the background now."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.before_after import BODY, CLEAR, Alpha, BeforeAfter
from compose.dressed_matte.difference import distance
from pipeline.core.masks import Mask, close, components, dilate, open_

Behind = tuple[NDArray[np.float32], Mask]
"""The background behind the body, and where it is smooth enough to trust that."""
REVEALED_LEVELS = 14.0
"""A former body pixel this near to the colour of the background behind it shows background now..."""
BUSY_REVEALED_LEVELS = 9.0
"""...or this near where the background around is busy, so that its colour behind the body is a guess..."""
ASKING_LEVELS = 55.0
"""...or this near, if a backend says so too..."""
REVEALED_DEPTH = 0.09
"""...if it lies no deeper inside the old outline than this share of the photo's longer side..."""
NEARER_LEVELS = 8.0
"""...and has come nearer to the background's colour than it was by this much."""
SMOOTH_LEVELS = 14.0
THINNEST = 4.0
"""Half width, in pixels of a photo 1024 px long; narrower stripes of background colour are a pattern of the garment."""
RIM = 7.0
LEAST_RIM = 150.0
"""Along the old outline narrower strips count, up to this depth, if they are larger than the end of a stripe."""
LEAST_REVEALED = 1.5e-4
"""Share of the photo; smaller revealed areas are colour accidents inside the garment."""
EXACT_LEVELS = 6.0
VARIED_LEVELS = 7.0
"""A background that varies by this much (standard deviation) is not met to within `EXACT_LEVELS` by chance, at any depth."""
WORK_SIDE_PX = 480
"""Long side at which the background is continued behind the body; its colours vary slowly."""


class Narrowing:
    """Former body that may show background now.

    Args:
        part: the repainted window.
        behind: (h, w, 3) float32 and (h, w) bool from `background_behind`.
    """

    def __init__(self, part: BeforeAfter, behind: Behind) -> None:
        self._unit = unit = part.unit
        self._inside = part.alpha >= BODY
        self._outside = dilate(part.alpha < BODY, 2 * unit)
        colours, self._smooth = behind
        self._behind = colours.mean(2)
        sigma = max(unit, 0.5)
        ground = cv2.GaussianBlur(colours, (0, 0), sigma)
        self._distance, before = (
            distance(cv2.GaussianBlur(each.astype(np.float32), (0, 0), sigma), ground) for each in (part.dressed, part.photo)
        )
        self._depth = cv2.distanceTransform(self._inside.astype(np.uint8), cv2.DIST_L2, 3)
        self._nearer = part.changed & self._inside & (self._distance + NEARER_LEVELS < before)
        self._candidate = self._nearer & (self._depth < REVEALED_DEPTH * 1024 * unit)

    @property
    def possible(self) -> Mask:
        """(h, w) bool: what a backend should decide, because colours do not."""
        return self._connected(self._candidate & (self._distance < ASKING_LEVELS)) & ~self._by_colours

    def revealed(self, matte: Alpha | None = None) -> Mask:
        """(h, w) bool: what shows background now, by colours and, where given, by a backend's matte of the dressed picture."""
        if matte is None:
            return self._by_colours
        alike = (self._alike | (self._distance < ASKING_LEVELS)) & (matte < BODY)
        return self._connected(self._candidate & alike) | self._exact

    @cached_property
    def _alike(self) -> Mask:
        """As near to the background's colour as that can be trusted."""
        near: Mask = self._distance < np.where(self._smooth, REVEALED_LEVELS, BUSY_REVEALED_LEVELS)
        return near

    @cached_property
    def _by_colours(self) -> Mask:
        """What shows background by colours alone."""
        return self._connected(self._candidate & self._alike) | self._exact

    @cached_property
    def _exact(self) -> Mask:
        """Parts that repeat a varied background too well to be anything else, whatever a backend says."""
        met = open_(self._nearer & (self._distance < EXACT_LEVELS), THINNEST * self._unit)
        parts = touching(met, self._outside, LEAST_REVEALED * (1024 * self._unit) ** 2)
        numbers, areas = components(parts)
        grey, places = self._behind[parts], numbers[parts]
        mean = np.bincount(places, grey, len(areas)) / areas
        spread = np.sqrt(np.bincount(places, (grey - mean[places]) ** 2, len(areas)) / areas)
        varied: Mask = parts & (spread > VARIED_LEVELS)[numbers]
        return varied

    def _connected(self, mask: Mask) -> Mask:
        """Parts of some size that are connected with the background."""
        broad = open_(close(mask, self._unit), THINNEST * self._unit)
        parts = touching(broad, self._outside, LEAST_REVEALED * (1024 * self._unit) ** 2) & self._candidate
        rim = touching(mask & (self._depth < RIM * self._unit), self._outside, LEAST_RIM * self._unit**2)
        revealed: Mask = parts | rim
        return revealed


def background_behind(part: BeforeAfter) -> Behind:
    """(h, w, 3) float32: the background continued behind the body, and (h, w) bool: where it is smooth enough to trust that."""
    clear = part.alpha <= CLEAR
    height, width = clear.shape
    factor = min(1.0, WORK_SIDE_PX / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    share = cv2.resize(clear.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    known = cv2.resize(part.photo * clear[..., None].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    continued = _continue(known, share)
    grey = continued.mean(2)
    spread = np.sqrt(np.maximum(cv2.blur(grey * grey, (15, 15)) - cv2.blur(grey, (15, 15)) ** 2, 0))
    behind = cv2.resize(continued, (width, height), interpolation=cv2.INTER_LINEAR)
    smooth = cv2.resize(spread, (width, height), interpolation=cv2.INTER_LINEAR) < SMOOTH_LEVELS
    return np.where(clear[..., None], part.photo, behind).astype(np.float32), smooth


def _continue(known: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill what is unknown from the nearest known colours: a pyramid of averages, read from coarse to fine (Gortler et al. 1996).

    Args:
        known: (h, w, 3) float32, colours multiplied by `share`.
        share: (h, w) float32 in [0, 1], 1 = known.
    """
    levels = [(known, share)]
    while min(levels[-1][1].shape) > 2:
        height, width = levels[-1][1].shape
        half = ((width + 1) // 2, (height + 1) // 2)
        colour, weight = (cv2.resize(each, half, interpolation=cv2.INTER_AREA) for each in levels[-1])
        fuller = np.minimum(1, 2 * weight) / np.maximum(weight, 1e-6)  # half known counts as known, else the far colours win
        levels.append((colour * fuller[..., None], weight * fuller))
    coarsest: NDArray[np.float32] = np.maximum(levels[-1][1], 1e-6)
    filled = levels[-1][0] / coarsest[..., None]
    for colour, weight in levels[-2::-1]:
        coarse = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        filled = colour + (1 - weight)[..., None] * coarse
    result: NDArray[np.float32] = filled
    return result


def touching(mask: Mask, other: Mask, least_px: float) -> Mask:
    """The connected parts of at least `least_px` that touch another mask."""
    numbers, areas = components(mask)
    keep = (np.bincount(numbers[other], minlength=len(areas)) > 0) & (areas >= least_px)
    keep[0] = False
    found: Mask = keep[numbers]
    return found
