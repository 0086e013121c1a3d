"""How good a drawn hand is, by the gate's own judgement: what would be flagged is repaired, and taken is what is flagged less."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.hands.same_hand import Cloth, mask_in_square, seen_hand
from pipeline.core.hands.shape import mostly_bare
from pipeline.core.hands.views import HandPlace, ReadHand
from pipeline.core.masks import Mask
from tryon.hands.visible import Hand

Likeness = Callable[[RGB], float]
"""(h, w, 3) uint8 RGB, the whole picture → how much a hand is still the photo's, in [0, 1]."""
Judge = Callable[[Hand], Likeness | None]
"""A hand of the photo → how later pictures of it are judged; None where the photo itself does not show it to the network."""

QUIET_LEVELS = 12.0
"""Mean change outside the mask, grey levels, at which the score is down to 1 / e."""


def judge_by(
    photo: RGB, places: Mapping[str, HandPlace], read: ReadHand, worn: Mask | None = None, bare: Mask | None = None
) -> Judge:
    """The judgement of hands by the photo.

    Args:
        photo: (h, w, 3) uint8 RGB, the canvas before.
        places: where its hands are, by side.
        read: the hand network.
        worn: (h, w) bool, the garment that is replaced; None = unknown.
        bare: (h, w) bool, arms, hands and gloves; None = unknown.
    """

    def judge(hand: Hand) -> Likeness | None:
        place = places.get(hand.side)
        seen = None if place is None else seen_hand(photo, place, read, partial(_cloth, worn))
        if seen is None or (bare is not None and not mostly_bare(seen.points, bare)):
            return None
        return lambda after: seen.likeness_in(after)[1]

    return judge


def _cloth(worn: Mask | None, matrix: NDArray[np.float64], after: RGB) -> Cloth:
    return Cloth(None if worn is None else mask_in_square(worn, matrix))


def stillness(before: RGB, after: RGB, mask: Mask) -> float:
    """In (0, 1]: how little a repainted crop changed outside its mask; what is gained by another picture is no repair."""
    outside = ~mask
    if not outside.any():
        return 1.0
    change = np.abs(before[outside].astype(np.int16) - after[outside].astype(np.int16)).mean()
    return math.exp(-float(change) / QUIET_LEVELS)
