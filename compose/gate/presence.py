"""Whether the garment is there: on all of the body, on the body alone, and instead of the old one.

Colours alone pass a rectangle of the right colours, half a garment, and one that slipped. Pure functions on the canvas, at the
height at which the gate reads colours.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.gate.garment_colour import TEXTILE_KL, Palette
from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask, box_of, close, dilate, erode
from pipeline.core.pixels.colour import ciede2000, to_lab

CELL = 4.0
"""Side of a cell of L*a*b* in which all pixels count as one colour."""
LIKE = 14.0
"""ΔE with lightness counted half, within which a pixel may be the garment's: folds and the photo's light move it by as much."""
GROUND_LIKE = 7.0
"""Likewise for the background's, which an engine paints as it was."""
BESIDE = 0.02
"""Paint this share of the picture's height away from the person lies beside them."""
LEAST_PX = 60
EDGE_COLUMNS = 4
AGNOSTIC_GREY, GREY_LEVELS = 128, 3
"""The fill of agnostic pictures, and how far it may be off after a network's codec."""
EDGE_PX = 2


def garment_like(picture: RGB, garment: Palette, reach: float = LIKE) -> Mask:
    """(h, w) bool: pixels in one of the garment's colours.

    Args:
        picture: (h, w, 3) uint8 RGB.
        garment: of the garment's photo, or of a background.
        reach: largest ΔE.
    """
    lab = to_lab(picture)
    cells, back = np.unique((lab / CELL).round().astype(np.int16).reshape(-1, 3), axis=0, return_inverse=True)
    near = ciede2000(cells[:, None].astype(np.float64) * CELL, garment.lab[None], TEXTILE_KL).min(1) <= reach
    like: Mask = near[back.ravel()].reshape(picture.shape[:2])
    return like


def old_garment_left(worn: Mask, painted: Mask) -> float | None:
    """Share in [0, 1] of the replaced garment that was not repainted; None when too little is worn to tell.

    Args:
        worn: (h, w) bool, the garment that is replaced.
        painted: (h, w) bool, where the result differs from the photo.
    """
    inside = erode(worn, 1)
    area = np.count_nonzero(inside)
    return None if area < LEAST_PX else float(np.count_nonzero(inside & ~painted) / area)


def painted_beside(person: Mask, paint: Mask, ground: Mask) -> float:
    """Share in [0, 1] of the paint that lies beside the person and is no background painted anew.

    Args:
        person: (h, w) bool, the matte before; what lies between its parts, as a skirt between the legs, is not beside it.
        paint: (h, w) bool, where the result differs clearly from the photo.
        ground: (h, w) bool, where the result has colours of the photo's background.
    """
    beside = paint & ~ground & ~dilate(from_side_to_side(person), BESIDE * len(person))
    return float(np.count_nonzero(beside) / max(1, int(np.count_nonzero(paint))))


def from_side_to_side(person: Mask) -> Mask:
    """(h, w) bool: every row from its first True to its last."""
    begun = np.maximum.accumulate(person, axis=1)
    goes_on = np.maximum.accumulate(person[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(begun & goes_on)


def emptier_side(worn: Mask, like: Mask) -> float | None:
    """The garment's colours on one side of the body against the other, in [0, 1]; None when too little is worn to tell.

    Args:
        worn: (h, w) bool, where the garment belongs.
        like: (h, w) bool, where the result has the garment's colours.
    """
    if np.count_nonzero(worn) < LEAST_PX:
        return None
    filled, found = worn.sum(0), (like & worn).sum(0)
    middle = int(np.searchsorted(np.cumsum(filled), filled.sum() / 2))
    sides = [found[part].sum() / max(1, filled[part].sum()) for part in (slice(0, middle), slice(middle, None))]
    return float(min(sides) / max(*sides, 1e-6))


def grey_left(result: RGB, mask: Mask, own: float = 0.0) -> float:
    """Share in [0, 1] of the mask that has the agnostic picture's own grey: an engine that stopped leaves it.

    Args:
        result: (h, w, 3) uint8 RGB.
        mask: (h, w) bool, True = may be repainted.
        own: share of the garment in this grey, which may show.
    """
    return max(0.0, fill_share(result, mask) - own)


def fill_share(picture: RGB, inside: Mask) -> float:
    """Share in [0, 1] of an area that has the agnostic picture's own grey.

    Args:
        picture: (h, w, 3) uint8 RGB.
        inside: (h, w) bool.
    """
    grey = (np.abs(picture.astype(np.int16) - AGNOSTIC_GREY) <= GREY_LEVELS).all(2)
    return float(np.count_nonzero(grey & inside) / max(1, int(np.count_nonzero(inside))))


def edge_filled(mask: Mask, person: Mask, paint: Mask, ground: Mask) -> float:
    """Share in [0, 1] of the mask's edge beside the person that is painted: a garment has an outline of its own within the mask.

    Args:
        mask: (h, w) bool, True = may be repainted.
        person: (h, w) bool, the matte before.
        paint: (h, w) bool, where the result differs clearly from the photo.
        ground: (h, w) bool, where the result has colours of the photo's background.
    """
    edge = mask & ~erode(mask, EDGE_PX) & ~dilate(person, EDGE_PX)
    edge[-EDGE_PX:] = edge[:, :EDGE_PX] = edge[:, -EDGE_PX:] = False
    return float(np.count_nonzero(edge & paint & ~ground) / max(LEAST_PX, int(np.count_nonzero(edge))))


def straight_edge(paint: Mask, mask: Mask) -> float:
    """The longest exactly upright edge of the paint, as a share in [0, 1] of the mask's height: sides of bodies lean and bend.

    Args:
        paint: (h, w) bool, where the result differs from the photo.
        mask: (h, w) bool, True = may be repainted; its own border is no edge of the paint.
    """
    box = box_of(mask)
    if box is None:
        return 0.0
    solid, inside = close(paint & mask, 2), erode(mask, 1)
    edges = (solid[:, 1:] != solid[:, :-1]) & inside[:, 1:] & inside[:, :-1]
    columns = np.argsort(-edges.sum(0), kind="stable")[:EDGE_COLUMNS]
    joined = cv2.morphologyEx(edges[:, columns].astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 1), np.uint8))
    return max(_longest_run(column) for column in joined.T) / box.height


def _longest_run(column: NDArray[np.uint8]) -> int:
    """The most ones in a row."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], column, [0]])))
    return int((steps[1::2] - steps[::2]).max()) if steps.size else 0
