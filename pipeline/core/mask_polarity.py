"""Does white mean yes in a mask that somebody gave? By what lies under it (docs/facts/given_masks.md#polarity)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.labels import Category, Parse
from pipeline.core.masks import Mask

RING = 0.015
"""Width of the ring along a picture's edge, as a share of its height."""
FULL, FEW = 0.97, 0.3
"""White shares of that ring: a garment never fills it; a right cloth mask fills at most the second."""
HEAD_ROWS = 0.2
"""The top of the sides of a person's picture, which no agnostic mask reaches on both sides."""
ALL, NONE = 0.9, 0.1
"""Shares of a region that count as the whole of it and as nothing of it."""
STANDS_OUT = 0.05
"""With a smaller share of a garment picture unlike its ground, the garment has the ground's colour."""
LEAST = 0.002
"""A smaller region, as a share of the picture, shows nothing."""

WORN = {
    Category.UPPER: (Parse.UPPER_CLOTHES, Parse.COAT, Parse.DRESS),
    Category.LOWER: (Parse.PANTS, Parse.SKIRT),
    Category.DRESS: (Parse.UPPER_CLOTHES, Parse.DRESS, Parse.COAT, Parse.PANTS, Parse.SKIRT),
}


class Polarity(StrEnum):
    """What white means in a mask."""

    RIGHT = "white = yes"
    INVERTED = "black = yes"
    UNKNOWN = "cannot be seen"
    CONTRADICTORY = "what lies under it contradicts itself"


def agnostic_polarity(
    mask: Mask,
    category: Category,
    parse: Callable[[], NDArray[np.uint8] | None] = lambda: None,
    grey: Callable[[], Mask | None] = lambda: None,
) -> Polarity:
    """Whether True is the area to repaint; the picture's edge decides where it can, and nothing else is then read.

    Args:
        mask: (h, w) bool.
        category: of the garment to replace.
        parse: reads (h, w) uint8 of `Parse`; None = not known.
        grey: reads (h, w) bool, the grey area of the agnostic picture; None = not known.
    """
    if mask.all() or not mask.any():
        return Polarity.UNKNOWN
    verdicts = {_by_edge(mask)}
    if Polarity.RIGHT in verdicts:
        return Polarity.RIGHT
    if (covered := grey()) is not None and covered.shape == mask.shape and covered.mean() > LEAST:
        verdicts.add(_closer(masks.iou(mask, covered), masks.iou(~mask, covered)))
    if (labels := parse()) is not None and labels.shape == mask.shape:
        verdicts.add(_by_labels(mask, category, labels))
    return _agreed(verdicts)


def cloth_polarity(mask: Mask, cloth: Callable[[], NDArray[np.uint8]]) -> Polarity:
    """Whether True is the garment; the picture's edge decides where it can, and the picture is then not read.

    Args:
        mask: (h, w) bool.
        cloth: reads the garment picture, (h, w, 3) uint8 RGB.
    """
    if mask.all() or not mask.any():
        return Polarity.UNKNOWN
    edge = float(mask[_ring(mask)].mean())
    if edge <= FEW:
        return Polarity.RIGHT
    verdicts = {Polarity.INVERTED if edge >= FULL else Polarity.UNKNOWN}
    if (picture := cloth()).shape[:2] == mask.shape:
        unlike = _unlike_ground(picture)
        if unlike.mean() > 5 * LEAST:
            verdicts.add(_sides(float(mask[unlike].mean()), float(mask[~unlike].mean())))
    return _agreed(verdicts)


def covered_share(mask: Mask, labels: Sequence[Parse], parse: NDArray[np.uint8]) -> float | None:
    """The share of some labels' area that a mask covers; None where there is hardly anything of them."""
    there = masks.labelled(parse, labels)
    return float(mask[there].mean()) if there.mean() > LEAST else None


def left_outside(mask: Mask, picture: NDArray[np.uint8]) -> float:
    """The share of what stands out from the ground of a garment picture that lies outside its mask, in [0, 1].

    Args:
        mask: (h, w) bool, True = garment.
        picture: (h, w, 3) uint8 RGB; 0 is returned where hardly anything stands out: a white garment on white.
    """
    unlike = _unlike_ground(picture)
    beyond = unlike & ~masks.dilate(mask, RING * len(mask))
    return float(beyond.sum() / unlike.sum()) if unlike.mean() > STANDS_OUT else 0.0


def _unlike_ground(picture: NDArray[np.uint8]) -> Mask:
    ground = np.median(picture[_ring(picture[..., 0] > 0)], axis=0)
    unlike: Mask = np.abs(picture.astype(np.int16) - ground).max(2) > 24
    return unlike


def _by_edge(mask: Mask) -> Polarity:
    """By the upper edge and the upper parts of both sides, where a person's picture shows what is behind them."""
    rows = max(1, round(HEAD_ROWS * len(mask)))
    edge = float(np.concatenate([mask[0], mask[:rows, 0], mask[:rows, -1]]).mean())
    return Polarity.INVERTED if edge >= 0.98 else Polarity.RIGHT if edge <= 0.02 else Polarity.UNKNOWN


def _by_labels(mask: Mask, category: Category, parse: NDArray[np.uint8]) -> Polarity:
    worn, face = masks.labelled(parse, WORN[category]), parse == Parse.FACE
    if worn.mean() <= LEAST or face.mean() <= LEAST / 4:
        return Polarity.UNKNOWN
    return _sides(float(mask[worn].mean()), float(mask[face].mean()))


def _sides(inside: float, outside: float) -> Polarity:
    """By the white shares of what must be white and of what must be black."""
    if inside >= ALL and outside <= NONE:
        return Polarity.RIGHT
    return Polarity.INVERTED if inside <= NONE and outside >= ALL else Polarity.UNKNOWN


def _closer(right: float, inverted: float) -> Polarity:
    if max(right, inverted) < ALL:
        return Polarity.UNKNOWN
    return Polarity.RIGHT if right > inverted else Polarity.INVERTED


def _agreed(verdicts: set[Polarity]) -> Polarity:
    """The verdict of all signs that say something, if they agree."""
    said = verdicts - {Polarity.UNKNOWN}
    if len(said) > 1:
        return Polarity.CONTRADICTORY
    return said.pop() if said else Polarity.UNKNOWN


def _ring(mask: Mask) -> Mask:
    width = max(1, round(RING * len(mask)))
    ring = np.ones(mask.shape, bool)
    ring[width:-width, width:-width] = False
    return ring
