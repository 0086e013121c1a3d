"""Whether hands that the photo shows are still whole: no bite of paint, no hole in the cut-out."""

from __future__ import annotations

import numpy as np

from compose.dressed_matte.difference import distance
from compose.gate.garment_colour import palette
from compose.gate.leftovers import LIGHTNESS_HALF, lab_of, nearest
from compose.gate.silhouette import SHOULDERS_PX, Silhouette
from pipeline.core.arrays import RGB, Points
from pipeline.core.hands.shape import beyond_wrist, half_finger, hand_area
from pipeline.core.labels import BARE_LABELS
from pipeline.core.masks import Mask, components, labelled, open_

OTHER_LEVELS, OTHER_DELTA = 24.0, 10.0
"""What differs by more from the pixel before, and from every colour of the hand (L*a*b*, lightness halved), is no skin."""
SOLID = 200
"""Alpha below which a hand is seen through."""
GROW, FROM_WRIST, CUFF = 1.2, 0.1, 0.3
"""How far a hand reaches beyond its key-points, in half a finger's width; where it begins; and how far a cuff may cover it."""
THIN_PX, LEAST_PX = 1.5, 20


def hands_lost(seen: Silhouette) -> float | None:
    """Area of hands that is painted over or see-through, in squares of the shoulders' width; None where no hand is known."""
    if seen.labels is None or not seen.body.hands:
        return None
    return sum(_lost(seen, points) for points in seen.body.hands) / SHOULDERS_PX**2


def _lost(seen: Silhouette, points: Points) -> float:
    """Pixels of one hand; `points` (21, 2) x, y."""
    grow = GROW * half_finger(points)
    size = np.array(seen.after.shape[::-1])
    low, high = (np.clip(each, 0, size).astype(int) for each in (points.min(0) - grow - 2, points.max(0) + grow + 3))
    window, own = (slice(low[1], high[1]), slice(low[0], high[0])), points - low
    assert seen.labels is not None
    if not (high > low).all() or not seen.before[window].any():
        return 0.0
    bare = labelled(np.ascontiguousarray(seen.labels[window]), BARE_LABELS) & seen.before[window]
    hand = bare & hand_area(bare.shape, own, grow, FROM_WRIST)
    gone = open_(hand & ((seen.alpha[window] < SOLID) | _covered(seen.old[window], seen.new[window], hand)), THIN_PX)
    numbers, areas = components(gone)
    beyond = np.bincount(numbers[beyond_wrist(bare.shape, own, CUFF)], minlength=len(areas))
    real = (areas >= LEAST_PX) & (beyond > areas / 2)
    real[0] = False
    return float(areas[real].sum())


def _covered(old: RGB, new: RGB, hand: Mask) -> Mask:
    """(h, w) bool: pixels of a hand that have none of its colours any more; one that was drawn anew in other light has them."""
    skin = palette(old, hand)
    changed = hand & (distance(old, new) > OTHER_LEVELS)
    if skin is not None and changed.any():
        changed[changed] = nearest(lab_of(new[changed]), skin.lab.astype(np.float32) * LIGHTNESS_HALF) > OTHER_DELTA
    return changed
