"""A mask refined by colour near its outline: hair, and gaps between arm and body, in front of a plain background.

In a band along the mask's edge, each pixel's colour is placed between the local mean colours of person and background. Where both
are plain and far apart, that share replaces the mask; where they are patterned or alike, the mask stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import RGB, Float


@dataclass(frozen=True, kw_only=True)
class EdgeConfig:
    """Constants, in pixels of a person's window of 1024 px and grey levels of 0..255."""

    band_px: float = 14.0  # half width of the band in which the mask may be wrong
    reach_px: float = 56.0  # half width of the windows over which colours are averaged
    contrast: float = 45.0  # distance of the two means below which colour is not used
    spread_weight: float = 6.0  # how much patterned surroundings reduce the trust in colour
    misfit: float = 24.0  # standard deviation of the trust by distance from the line between the means


@dataclass(frozen=True)
class _Side:
    """Local colour of person or background: mean (h, w, 3), spread (h, w) as a variance, known (h, w) bool."""

    mean: Float
    spread: Float
    known: NDArray[np.bool_]


def refine_band(photo: RGB, mask: NDArray[np.bool_], config: EdgeConfig) -> Float:
    """A mask with soft values by colour in a band along its edge.

    Args:
        photo: (h, w, 3) uint8 RGB.
        mask: (h, w) bool, True = person.
        config: constants.

    Returns:
        (h, w) float32 in [0, 1]; equal to the mask outside the band.
    """
    k = max(mask.shape) / 1024
    inner, outer = masks.erode(mask, config.band_px * k), ~masks.dilate(mask, config.band_px * k)
    refined = mask.astype(np.float32)
    rows, columns = np.nonzero(~inner & ~outer)
    if rows.size == 0:
        return refined
    person, ground = (_local_colour(photo, side, config.reach_px * k) for side in (inner, outer))
    colour = photo[rows, columns].astype(np.float32)
    fore, back = person.mean[rows, columns], ground.mean[rows, columns]
    share, trust = _share_by_colour(colour, fore, back, person.spread[rows, columns] + ground.spread[rows, columns], config)
    trust *= person.known[rows, columns] & ground.known[rows, columns]
    refined[rows, columns] += trust * (share - refined[rows, columns])
    return refined


def _share_by_colour(colour: Float, fore: Float, back: Float, spread: Float, config: EdgeConfig) -> tuple[Float, Float]:
    """(n,) share of the person in each colour, and (n,) trust in it, both in [0, 1]."""
    line = fore - back
    length = np.maximum((line * line).sum(1), 1e-3)
    share = np.clip(((colour - back) * line).sum(1) / length, 0, 1)
    misfit = ((colour - back - share[:, None] * line) ** 2).sum(1)
    plain = np.clip((length - config.contrast**2) / (length + config.spread_weight * spread), 0, 1)
    trust = plain * np.exp(-misfit / (2 * config.misfit**2))
    return share.astype(np.float32), trust.astype(np.float32)


def _local_colour(photo: RGB, where: NDArray[np.bool_], reach_px: float) -> _Side:
    """Means over a box window of the pixels in `where`; at half size, because they vary slowly."""
    height, width = where.shape
    half = (max(1, width // 2), max(1, height // 2))
    small = cv2.resize(photo, half, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = cv2.resize(where.astype(np.float32), half, interpolation=cv2.INTER_AREA)
    side = (2 * max(1, round(reach_px / 2)) + 1,) * 2
    total = cv2.blur(weight, side)
    safe = np.maximum(total, 1e-4)
    mean = cv2.blur(small * weight[..., None], side) / safe[..., None]
    square = cv2.blur((small * small).sum(2) * weight, side) / safe
    spread = np.maximum(square - (mean * mean).sum(2), 0)
    full = [cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR) for each in (mean, spread, total)]
    return _Side(full[0], full[1], full[2] > 0.01)
