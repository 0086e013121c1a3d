"""How good a drawn hand is: whether the hand network finds it, how sure it is, and whether it lies as the photo's hand does."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask
from pipeline.core.people_networks import people_networks

Points = NDArray[np.float32]
See = Callable[[RGB], Points | None]
"""(h, w, 3) uint8 RGB → (21, 3) float32 of x, y in its pixels and score, or None: what the hand network answers."""

NEAR = 0.15
"""Mean distance of key-points from the photo's, in hand sizes, at which the score is down to 1 / e."""
QUIET_LEVELS = 12.0
"""Mean change outside the mask, grey levels, at which the score is down to 1 / e."""


def seen_hand(crop: RGB) -> Points | None:
    """Ask the hand network."""
    return people_networks().hand(crop)


def hand_score(found: Points | None, wanted: Points) -> float:
    """In [0, 1]: the network's sureness times how near its key-points are to the photo's.

    Args:
        found: (21, 3), or None = no hand there.
        wanted: (21, 3) of the photo's hand in the same pixels; rows of confidence 0 count for nothing.
    """
    if found is None:
        return 0.0
    known = wanted[:, 2] > 0
    size = float(np.ptp(wanted[known, :2], axis=0).max())
    away = float(np.linalg.norm(found[known, :2] - wanted[known, :2], axis=1).mean()) / max(size, 1.0)
    return float(found[:, 2].mean()) * math.exp(-away / NEAR)


def stillness(before: RGB, after: RGB, mask: Mask) -> float:
    """In (0, 1]: how little a repainted crop changed outside its mask; what is gained by another picture is no repair."""
    outside = ~mask
    if not outside.any():
        return 1.0
    change = np.abs(before[outside].astype(np.int16) - after[outside].astype(np.int16)).mean()
    return math.exp(-float(change) / QUIET_LEVELS)
