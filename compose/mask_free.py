"""What an engine that uses no mask changed: learned from its picture, so that everything else stays the photo's own.

Such an engine draws the whole picture anew: softer, in slightly other colours, perhaps with another face. Its garment is what
clearly differs and hangs together with the area where a garment of this kind goes; around it the engine's picture fades into the
photo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.difference import distance
from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask, close, components, dilate, erode, fill_holes, open_

BLUR_PX, THIN_PX, GAP_PX = 2.0, 2.0, 6.0
"""Differences are compared blurred; parts thinner than twice `THIN_PX` are displaced edges, gaps up to twice `GAP_PX` cloth."""
FADE_PX = 6.0
"""Width of the soft border around the garment."""
AWAY_PX = 24.0
"""From this distance from the mask on, differences are the engine's way of drawing, not its garment."""
REACH = 0.12
"""How far beyond the mask a garment may reach, as a share of the canvas's height."""
HOLE_SHARE, LEAST_SHARE = 0.01, 2e-4
"""Holes up to this share of the canvas are cloth of the old colour; a part of the garment covers at least so much of the mask."""
BAY = 0.04
"""Bays of the garment up to twice this wide, as a share of the canvas's height, are cloth that has the colours before."""
LEAST_REPLACED = 0.65
"""From this share of the replaced garment on, the rest of it is new cloth of the same colour; below it, the old one is left."""
LEAST_LEVEL, MOST_LEVEL, DEVIATIONS = 6.0, 26.0, 6.0
"""From how many grey levels on a difference is clear: so many deviations above the usual difference, within limits."""
MOST_CAST = 12.0
"""Grey levels: a larger constant difference is no colour cast."""
UNIT_HEIGHT = 1024
"""Lengths are pixels of a canvas of this height."""


@dataclass(frozen=True)
class Places:
    """What is known of the person before, each (h, w) bool on the canvas.

    Args:
        mask: where a garment of this kind goes.
        own: what is always the photo's outside the mask: face, hair, hands.
        person: the person.
        worn: the garment that is replaced.
    """

    mask: Mask
    own: Mask
    person: Mask
    worn: Mask


@dataclass(frozen=True)
class Learned:
    """What is left of an engine's picture.

    Args:
        result: (h, w, 3) uint8, the person before with the engine's garment and its near surroundings.
        mask: (h, w) bool, where that may differ from the person before; the place of the garment is part of it.
    """

    result: RGB
    mask: Mask


def uses_no_mask(recipe: Mapping[str, Any] | None) -> bool:
    """Whether the recipe of a dressed picture says that its engine saw no mask."""
    return bool((recipe or {}).get("mask_free"))


def drawn_size(recipe: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """(height, width) at which the engine drew, where its recipe says so."""
    size = dict((recipe or {}).get("sampling") or {}).get("size")
    return (int(size[0]), int(size[1])) if isinstance(size, list) and len(size) == 2 else None


def softness(canvas: tuple[int, ...], drawn: tuple[int, int] | None) -> float:
    """Canvas pixels per pixel that the engine drew, at least 1; the canvas was fitted into the engine's size."""
    return max(1.0, canvas[0] / drawn[0], canvas[1] / drawn[1]) if drawn else 1.0


def learn(canvas: RGB, result: RGB, places: Places, drawn: tuple[int, int] | None = None) -> Learned:
    """Take the garment out of a picture that was drawn anew as a whole.

    Args:
        canvas: (h, w, 3) uint8, the person before.
        result: (h, w, 3) uint8, the engine's picture.
        places: where what is.
        drawn: (height, width) at which the engine drew; None = at the canvas's.
    """
    unit = canvas.shape[0] / UNIT_HEIGHT
    own, mask = places.own & ~places.mask, places.mask
    away = ~dilate(mask, AWAY_PX * unit)
    before = _as_soft(canvas, softness(canvas.shape, drawn))
    result = _without_cast(before, result, away)
    area = _without_gaps(_garment(_clear(before, result, away, unit), mask, own, unit), places)
    weight = _fading(area, own, unit)
    mixed = canvas + (result.astype(np.float32) - canvas) * weight[..., None]
    learned = np.where(weight[..., None] > 0, np.clip(mixed + 0.5, 0, 255).astype(np.uint8), canvas)
    return Learned(learned, mask | dilate(weight > 0, FADE_PX * unit))


def _as_soft(canvas: RGB, factor: float) -> RGB:
    """As the engine would hand it back if it changed nothing: drawn smaller, and enlarged again."""
    height, width = canvas.shape[:2]
    small = cv2.resize(canvas, (max(1, round(width / factor)), max(1, round(height / factor))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8) if factor > 1 else canvas


def _without_cast(before: RGB, result: RGB, away: Mask) -> RGB:
    """Take out the constant difference in colour where nothing was to change."""
    if not away.any():
        return result
    offset = np.median(before[away].astype(np.int16) - result[away], axis=0)
    if np.abs(offset).max() > MOST_CAST:
        return result
    return np.asarray(np.clip(result + offset, 0, 255), np.uint8)


def _clear(before: RGB, result: RGB, away: Mask, unit: float) -> Mask:
    """(h, w) bool: where the two differ by more than the engine's way of drawing."""
    blurred = (cv2.GaussianBlur(each, (0, 0), BLUR_PX * unit) for each in (before, result))
    apart = distance(*blurred)
    usual = apart[away] if away.any() else apart
    middle = float(np.median(usual))
    deviation = 1.4826 * float(np.median(np.abs(usual - middle)))
    return np.asarray(apart > np.clip(middle + DEVIATIONS * deviation, LEAST_LEVEL, MOST_LEVEL))


def _garment(clear: Mask, mask: Mask, own: Mask, unit: float) -> Mask:
    """The parts that hang together with the mask, as far as a garment reaches beyond it."""
    zone = _grown(mask, REACH * mask.shape[0]) & ~own
    solid = close(open_(clear & zone, THIN_PX * unit), GAP_PX * unit) & zone
    numbers, areas = components(solid)
    within = np.bincount(numbers[mask].ravel(), minlength=len(areas)) >= LEAST_SHARE * mask.size
    within[0] = False
    return fill_holes(within[numbers], HOLE_SHARE * mask.size) & zone


def _without_gaps(area: Mask, places: Places) -> Mask:
    """The garment with its parts that have the colours of before."""
    worn, bay = places.worn & places.mask, BAY * area.shape[0]
    if np.count_nonzero(area & worn) >= max(1.0, LEAST_REPLACED * np.count_nonzero(worn)):
        area = area | worn
    return area | ~_grown(~_grown(area, bay), bay) & places.mask & places.person


def _grown(mask: Mask, radius_px: float) -> Mask:
    """As `dilate`, for large radii in a fraction of its time."""
    if not mask.any():
        return mask
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) <= radius_px)


def _fading(area: Mask, own: Mask, unit: float) -> NDArray[np.float32]:
    """(h, w) float32: 1 on the garment, falling to 0 around it; what is the photo's own is reached by the outer rim alone."""
    away = cv2.distanceTransform((~area).astype(np.uint8), cv2.DIST_L2, 5)
    ramp = np.clip(1 - away / (FADE_PX * unit), 0, 1)
    weight = ramp * ramp * (3 - 2 * ramp)
    weight[erode(own, FADE_PX / 2 * unit)] = 0
    return np.asarray(weight, np.float32)
