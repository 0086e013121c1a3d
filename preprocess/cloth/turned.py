"""Is a garment's picture upside down or on its side? By where sleeves, legs and a straight hem are.

All functions take a (h, w) bool mask, True = garment.
"""

from __future__ import annotations

import numpy as np

from pipeline.core.labels import Category
from pipeline.core.masks import Mask
from preprocess.cloth.outline import cropped, has_sleeves, leg_rows, runs, symmetry

STRAIGHT, WITHIN = 0.8, 0.05
"""A hem: this share of the columns of a garment's end begin within the second share of its height."""
STRAIGHTER = 0.08
"""By so much the hem is straighter than the other end: a collar dips, shoulders slope."""
END = 0.1
"""Share of the height in which the width of an end is measured."""
WIDER = 1.25
"""So many times as wide is the hem of a dress as its shoulders, or more, where it tells up from down."""
BODY, STRAPS = 0.4, 0.25
"""Shares of the box's width: the hem of a top is wider than the first, an upper end of straps narrower than the second."""
LEGS, NO_LEGS = 0.6, 0.45
"""Shares of the lower rows that show two legs: trousers upright, and upside down."""
GAPS, MORE_GAPS = 0.6, 0.3
"""Sleeves that hang leave gaps beside the body in the first share of the lower rows, more by the second than of the upper."""
ASIDE = 0.12
"""A garment on its side is by so much more symmetric about the horizontal axis than about the upright one."""
LIKE = 0.85


def turned_by(mask: Mask, category: Category) -> str:
    """How a garment's picture is turned, in words; an empty string where it is upright or that cannot be seen."""
    if _is_upside_down(mask, category):
        return "it is upside down"
    sides = [np.ascontiguousarray(np.rot90(mask, quarter)) for quarter in (1, 3)]
    about = symmetry(sides[0])
    if about < LIKE or about < symmetry(mask) + ASIDE:
        return ""
    return "it lies on its side" if any(_is_upside_down(side, category) for side in sides) else ""


def _is_upside_down(mask: Mask, category: Category) -> bool:
    """Whether it would be upright the other way up."""
    flipped = mask[::-1]
    if category is Category.LOWER:
        return leg_rows(flipped) > LEGS and leg_rows(mask) < NO_LEGS
    above, below = _gap_rows(mask)
    if category is Category.UPPER and max(above, below) > GAPS:
        return above > below + MORE_GAPS
    if _straight_end(mask) < max(STRAIGHT, _straight_end(flipped) + STRAIGHTER):
        return False
    hem, other = _end_width(mask), _end_width(flipped)
    if category is Category.DRESS:
        return hem > WIDER * other
    sleeves_below = has_sleeves(flipped) and not has_sleeves(mask)
    return hem > BODY and (sleeves_below or other < STRAPS)


def _straight_end(mask: Mask) -> float:
    """Share of the upper end's columns that begin close to the top."""
    piece = cropped(mask)
    rows = round(WITHIN * len(piece))
    columns = np.flatnonzero(piece[: 2 * rows].any(0))
    return float(np.mean(piece[:, columns].argmax(0) <= rows)) if columns.size else 0.0


def _end_width(mask: Mask) -> float:
    """The median width of the upper end, as a share of the box's width."""
    piece = cropped(mask)
    return float(np.median(piece[2 : round(END * len(piece))].sum(1)) / piece.shape[1])


def _gap_rows(mask: Mask) -> tuple[float, float]:
    """Shares of the rows of the upper and of the lower half that show three stretches: a body between two sleeves."""
    piece = cropped(mask)
    three = [len(runs(row, 0.05 * piece.shape[1])) == 3 for row in piece[16:240:2]]
    half = len(three) // 2
    return float(np.mean(three[:half])), float(np.mean(three[half:]))
