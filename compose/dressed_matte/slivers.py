"""Slivers: wall that shows between arm and garment where the old, wider garment was, shut in by the new one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.before_after import CLEAR, BeforeAfter
from compose.dressed_matte.difference import distance
from compose.dressed_matte.narrowing import Behind
from pipeline.core.masks import Mask, bytes_of, close, components, dilate

ALIKE, APART = (14.0, 28.0), (28.0, 60.0)
"""Grey levels from the background behind the body up to which a pixel shows it, and from which what is around a sliver does not.

Each pair is tried: an engine draws the wall a little lighter or darker than it was."""
SHARP = 0.75
"""Share of a sliver's border that must be so."""
NEAR = 64.0
"""Pixels of a photo 1024 px long from what was or is wall: slivers lie nearer; farther in are the garment's own colours."""
OWN = 0.01
"""Share of those, and of the whole garment, that may look like the wall: white prints, stripes and rips in jeans do."""
INNER = 0.1
"""Share of the garment that must lie farther in, or its colours are not known."""
THICKEST, LEAST = 12.0, 12.0
"""Most half width, and least area in square pixels, both in a photo 1024 px long; an arm before a wall of its colour is wider."""
LONGISH = 2.0
"""Length by width, as deviations from the middle: the dots, rings and blossoms of a print are as wide as they are long."""
LEAST_SPREAD = 1 / 12
"""Square pixels by which the places of a line one pixel wide vary."""
PARTED = 0.004
"""Share of the body that a sliver must not cut off: a white cuff or collar parts arm or head from the rest."""


def without_slivers(part: BeforeAfter, body: Mask, behind: Behind) -> Mask:
    """The outline without slivers, as far as the garment has not the wall's colour itself.

    Args:
        part: the repainted window.
        body: (h, w) bool, the new body.
        behind: (h, w, 3) float32 and (h, w) bool from `background_behind`.
    """
    colours, smooth = behind
    sigma = max(0.6 * part.unit, 0.5)
    apart = distance(*(cv2.GaussianBlur(each.astype(np.float32), (0, 0), sigma) for each in (part.dressed, colours)))
    near = cv2.distanceTransform(bytes_of((part.alpha > CLEAR) & body), cv2.DIST_L2, 3) < NEAR * part.unit
    garment, may = body & part.changed, part.changed & smooth & near
    inner = garment & ~near
    if np.count_nonzero(inner) < INNER * np.count_nonzero(garment) or not inner.any():
        return body
    for alike, unlike in zip(ALIKE, APART, strict=True):
        if (apart[inner] < unlike).mean() <= OWN and (apart[garment] < alike).mean() <= OWN:
            body = body & ~_slivers(body, may, apart, (alike, unlike), part.unit)
    return body


def _slivers(body: Mask, may: Mask, apart: NDArray[np.float32], bounds: tuple[float, float], unit: float) -> Mask:
    """(h, w) bool: narrow pieces that are alike, in a border that is not; with their rim, which is half wall.

    Args:
        body: the new body.
        may: where slivers may lie.
        apart: grey levels from the wall.
        bounds: grey levels of what is alike and of what is not.
        unit: pixels that are one pixel in a photo 1024 px long.
    """
    alike, unlike = bounds
    like_wall = close(body & may & (apart < alike), unit) & body
    numbers, areas = components(like_wall)
    width = np.zeros(len(areas))
    np.maximum.at(width, numbers[like_wall], cv2.distanceTransform(bytes_of(like_wall), cv2.DIST_L2, 3)[like_wall])
    wanted = (areas >= LEAST * unit**2) & (width <= THICKEST * unit)
    wanted[0] = False
    found, parts = np.zeros(body.shape, bool), _parts(body)
    for number in np.flatnonzero(wanted):
        piece = numbers == number
        if _length_by_width(piece) < LONGISH:
            continue
        ring = dilate(piece, 4 * unit) & ~dilate(piece, 2 * unit) & body
        if ring.any() and (apart[ring] > unlike).mean() >= SHARP and _parts(body & ~dilate(piece, unit)) <= parts:
            found |= piece
    return dilate(found, unit) & may & (apart < 2 * unlike)


def _length_by_width(piece: Mask) -> float:
    """Of an ellipse with a piece's second moments."""
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(np.nonzero(piece))), LEAST_SPREAD))
    return float(spread[1] / spread[0])


def _parts(body: Mask) -> int:
    """How many pieces of some size a body has."""
    _, areas = components(body)
    return int(np.count_nonzero(areas[1:] > PARTED * areas[1:].sum()))
