"""The category that a garment's outline suggests, and the confidence in it: used where the folder does not give the category.

Cautious on purpose: a wrong category masks the wrong part of every person, so a garment counts as upper unless the case is clear.
All measures are taken on the garment's own box (`outline.cropped`): 256 rows, widths as shares of the box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import Category
from pipeline.core.masks import Mask
from preprocess.cloth.outline import aspect, cropped, has_sleeves, leg_rows, runs

SURE = 0.8
"""A guess with less confidence is not used, only reported."""
DRESS_ASPECT = (1.45, 1.95)
"""Height over width: below the first it is hardly a dress; above the second, without legs, hardly anything else."""
LEG_ROWS = (0.25, 0.7)
"""Share of the lower rows that show two legs: sleeves of a long-sleeved top reach the first, short shorts the second."""
LEAST_WAISTBAND = 0.5
"""Least width at the top of trousers; a jumpsuit begins with a neckline."""
SKIRT_FLARE = (1.15, 1.6)
"""Width of the hem over that of the waistband: below the first it is no skirt, above the second it clearly is one."""
WAIST = 0.92
"""A waist has at most this share of the width above and below it."""
CHEST_ROWS, WAIST_ROWS, HIP_ROWS = slice(16, 72), slice(72, 150), slice(150, 240)
TOP_ROWS, HEM_ROWS = slice(3, 15), slice(225, 250)


@dataclass(frozen=True)
class Guess:
    """A category and the confidence in it, in [0, 1]."""

    category: Category
    confidence: float

    @property
    def sure(self) -> bool:
        """Whether the guess may be used."""
        return self.confidence >= SURE


def guess_category(mask: Mask) -> Guess:
    """The likeliest category of a garment laid flat.

    Args:
        mask: (h, w) bool, True = garment.
    """
    scores = {Category.LOWER: max(trousers_score(mask), skirt_score(mask)), Category.DRESS: dress_score(mask)}
    best = max(scores, key=lambda category: scores[category])
    if scores[best] < 0.5:
        return Guess(Category.UPPER, round(1 - scores[best], 2))
    return Guess(best, round(scores[best], 2))


def guess_doubt(mask: Mask, taken_for: Category) -> str:
    """Why a guessed category is doubtful, with the confidence; an empty string when it is not.

    Args:
        mask: (h, w) bool, True = garment.
        taken_for: the category that was used.
    """
    guess = guess_category(mask)
    if guess.category is taken_for and (guess.sure or taken_for is Category.UPPER):
        return ""
    sureness = f"with a confidence of {guess.confidence:.0%}"
    if guess.category is taken_for:
        return f"taken for {taken_for.value} {sureness}: put it into cloth/{taken_for.value} to say so"
    folders = f"cloth/{taken_for.value} or cloth/{guess.category.value}"
    return f"taken for {taken_for.value}, its outline says {guess.category.value} {sureness}: put it into {folders}"


def trousers_score(mask: Mask) -> float:
    """In [0, 1]: two legs in most rows of the lower half, below a part as wide as a waistband."""
    legs = _ramp(leg_rows(mask), *LEG_ROWS)
    waistband = np.median(_widths(mask)[TOP_ROWS])
    return float(legs * (1.0 if waistband >= LEAST_WAISTBAND else 0.6))


def dress_score(mask: Mask) -> float:
    """In [0, 1]: much higher than wide, without legs; higher with a waist, lower with straight sleeves beside the body."""
    tall = _ramp(aspect(mask), *DRESS_ASPECT)
    if leg_rows(mask) > 0.3:
        return 0.0
    widths = _widths(mask)
    waist = widths[WAIST_ROWS].min() <= WAIST * min(widths[CHEST_ROWS].max(), widths[HIP_ROWS].max())
    return float(tall * (1.0 if waist else 0.75))


def skirt_score(mask: Mask) -> float:
    """In [0, 1]: one piece in every row, a straight waistband at the top, wider towards the hem."""
    piece = cropped(mask)
    widths = _widths(mask)
    rows = [len(runs(row, 0.03 * piece.shape[1])) for row in piece[6:250:6]]
    if has_sleeves(mask) or max(rows, default=0) != 1:
        return 0.0
    top, hem = float(np.median(widths[TOP_ROWS])), float(np.median(widths[HEM_ROWS]))
    growing = float(np.mean(np.diff(widths[8:240:8]) > -0.02))
    straight = _ramp(_flatness(piece), 0.75, 0.95)
    return _ramp(hem / max(top, 0.01), *SKIRT_FLARE) * straight * _ramp(growing, 0.8, 0.97) * _ramp(top, 0.25, 0.4)


def _flatness(piece: NDArray[np.uint8]) -> float:
    """Share of the waistband's columns that begin within 4 % of the height from the top."""
    columns = np.flatnonzero(piece[TOP_ROWS].any(0))
    starts = piece[:, columns].argmax(0)
    return float(np.mean(starts <= 0.04 * piece.shape[0])) if columns.size else 0.0


def _widths(mask: Mask) -> NDArray[np.float64]:
    piece = cropped(mask)
    widths: NDArray[np.float64] = piece.sum(1) / piece.shape[1]
    return widths


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))
