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
    inside_px: float = 4.0  # deeper inside the mask than this, below the mouth, ...
    inside_probability: float = 0.97  # ... what is this likely is the person: a neck's shine has the wall's colour
    misfit: float = 24.0  # standard deviation of the trust by distance from the line between the means


@dataclass(frozen=True)
class _Side:
    """Local colour of person or background in the band's n pixels: mean (n, 3), spread (n,) as a variance, known (n,) bool."""

    mean: Float
    spread: Float
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class _Half:
    """The photo at half size, where local colours are averaged: (h, w, 3) float32, and (h, w) its squared length."""

    colour: Float
    square: Float


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
    band = np.flatnonzero(~(inner | outer))
    if band.size == 0:
        return refined
    half = _half(photo)
    person, ground = (_local_colour(half, side, config.reach_px * k, band) for side in (inner, outer))
    colour = photo.reshape(-1, 3)[band].astype(np.float32)
    share, trust = _share_by_colour(colour, person.mean, ground.mean, person.spread + ground.spread, config)
    trust *= person.known & ground.known
    values = refined.ravel()
    values[band] += trust * (share - values[band])
    return refined


def sure_inside(mask: NDArray[np.bool_], probability: Float, mouth_row: float, config: EdgeConfig) -> Float:
    """Where the person surely is, whatever their colours: what shines along skin and cloth is no wall, but hair lets it through.

    Args:
        mask: (h, w) bool, True = person.
        probability: (h, w) float32 in [0, 1] of the person.
        mouth_row: row above which there may be hair.
        config: constants.

    Returns:
        (h, w) float32 in [0, 1], with a soft border; 0 outside the mask.
    """
    k = max(mask.shape) / 1024
    sure = masks.erode(mask, config.inside_px * k) & (probability > config.inside_probability)
    sure[: max(0, round(mouth_row))] = False
    soft: Float = np.where(mask, cv2.GaussianBlur(sure.astype(np.float32), (0, 0), max(1.5 * k, 0.3)), np.float32(0))
    return soft


def _share_by_colour(colour: Float, fore: Float, back: Float, spread: Float, config: EdgeConfig) -> tuple[Float, Float]:
    """(n,) share of the person in each colour, and (n,) trust in it, both in [0, 1]."""
    line, beyond = fore - back, colour - back
    length = np.maximum(_dot(line, line), 1e-3)
    share = np.clip(_dot(beyond, line) / length, 0, 1)
    rest = beyond - share[:, None] * line
    misfit = _dot(rest, rest)
    plain = np.clip((length - config.contrast**2) / (length + config.spread_weight * spread), 0, 1)
    trust = plain * np.exp(-misfit / (2 * config.misfit**2))
    return share.astype(np.float32), trust.astype(np.float32)


def _dot(a: Float, b: Float) -> Float:
    """(..., 3) and (..., 3) → (...); numpy's sum over an axis of three takes several times as long."""
    product = a * b
    dot: Float = product[..., 0] + product[..., 1] + product[..., 2]
    return dot


def _half(photo: RGB) -> _Half:
    size = (max(1, photo.shape[1] // 2), max(1, photo.shape[0] // 2))
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return _Half(small, _dot(small, small))


def _local_colour(half: _Half, where: NDArray[np.bool_], reach_px: float, band: NDArray[np.intp]) -> _Side:
    """Means over a box window of the pixels in `where`, at half size, because they vary slowly.

    Args:
        half: the photo.
        where: (h, w) bool at full size.
        reach_px: half width of the window at full size.
        band: (n,) flat places at full size at which the means are wanted.
    """
    height, width = where.shape
    weight = cv2.resize(where.astype(np.float32), half.square.shape[::-1], interpolation=cv2.INTER_AREA)
    side = (2 * max(1, round(reach_px / 2)) + 1,) * 2
    total = cv2.blur(weight, side)
    safe = np.maximum(total, 1e-4)
    mean = cv2.blur(half.colour * weight[..., None], side) / safe[..., None]
    square = cv2.blur(half.square * weight, side) / safe
    spread = np.maximum(square - _dot(mean, mean), 0)
    means, spreads, totals = (cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR) for each in (mean, spread, total))
    return _Side(means.reshape(-1, 3)[band], spreads.ravel()[band], totals.ravel()[band] > 0.01)
