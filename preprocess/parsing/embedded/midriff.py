"""A bare midriff: skin across the middle of the torso with a garment above it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import Joint
from pipeline.core.masks import Mask
from preprocess.parsing.embedded.label_places import Regions, distance_from

STEP = 0.03
"""Height of a row band, in torso lengths."""
CENTRE = 0.16
"""Half width of the column that must be skin, in scales: an open coat in the colour of skin shows its lining or a shirt there."""
SKIN_SHARE = 0.6
LEAST_BANDS = 3
CHEST_IS_SKIN = 0.5
"""With a larger share of skin colour on the chest, the garment itself has that colour."""


def bare_midriff(regions: Regions, skin: Mask) -> Mask:
    """Where the midriff is bare.

    Args:
        regions: the body's shapes.
        skin: (h, w) bool, True = in the colour of this person's skin.

    Returns:
        (h, w) bool: the bare rows of the torso; empty when the midriff is covered.
    """
    bands = np.arange(0.4, 1.15, STEP)
    centre = central_column(regions)
    chest = centre & (regions.along > 0.2) & (regions.along < 0.4)
    if not chest.any() or skin[chest].mean() > CHEST_IS_SKIN:
        return np.zeros(skin.shape, bool)
    along, is_skin = regions.along[centre], skin[centre]
    bare = [_share(is_skin[np.abs(along - band) < STEP / 2]) > SKIN_SHARE for band in bands]
    if sum(bare) < LEAST_BANDS:
        return np.zeros(skin.shape, bool)
    first, last = bands[bare.index(True)], bands[len(bare) - 1 - bare[::-1].index(True)]
    rows = (regions.along > first - 2 * STEP) & (regions.along < last + 2 * STEP)
    midriff: Mask = (distance_from(regions.torso, 1.0) < 0.05 * regions.body.scale) & rows & ~regions.any_arm
    return midriff


def central_column(regions: Regions, half_width: float = CENTRE) -> Mask:
    """(h, w) bool: the torso along its axis, `half_width` scales to both sides, without arms in front of it."""
    body = regions.body
    start, end = body.at(Joint.NECK), body.at(Joint.MID_HIP)
    rows, columns = np.indices(regions.torso.shape, np.float32)
    axis = (end - start) / max(body.torso_length, 1.0)
    beside = (columns - start[0]) * axis[1] - (rows - start[1]) * axis[0]
    column: Mask = regions.torso & (np.abs(beside) < half_width * body.scale) & ~regions.any_arm
    return column


def _share(skin: NDArray[np.bool_]) -> float:
    return float(skin.mean()) if skin.size else 0.0
