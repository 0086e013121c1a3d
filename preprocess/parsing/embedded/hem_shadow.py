"""The hem of a top over trousers or a skirt of the same colour: a thin line across the whole body at the height of the hips.

Colours cannot part white from white, but a hem throws a shadow. Folds cross a part of the body, patterns are lines everywhere.
Facts: docs/facts/embedded_methods.md#two-pieces-of-one-colour.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Float, Lab
from pipeline.core.labels import Joint
from pipeline.core.masks import Mask
from preprocess.parsing.embedded.label_places import Regions

FINE, WIDE = 0.006, 0.03
"""Blurs whose difference shows a line, in scales."""
LINE = 1.0
"""Difference in lightness (0..100) from which it is one."""
HALF_WIDTH, COLUMNS = 0.38, 24
"""The middle of the body, in scales, and the number of columns that it is cut into."""
HEIGHTS = np.arange(0.6, 1.41, 0.03)
"""Along the body: 0 neck, 1 hips."""
HIPS = (0.84, 1.25)
BAND = 0.03
ACROSS, ELSEWHERE = 0.95, 0.65
"""Share of the columns that a hem crosses, and the most that lines cross a little above or below it."""
APART = 5
"""Heights between a hem and where there must be no line: 0.15 of the torso."""


def hem_shadow(lab: Lab, worn: Mask, regions: Regions) -> float | None:
    """Where along the body a hem crosses what is worn; None where none does.

    Args:
        lab: (h, w, 3) float32.
        worn: (h, w) bool, everything worn on torso and legs.
        regions: the body's shapes at the same size.
    """
    crossed = crossed_share(lab, worn, regions)
    at_hips = np.flatnonzero((HIPS[0] <= HEIGHTS) & (HIPS[1] >= HEIGHTS))
    best = int(at_hips[np.argmax(crossed[at_hips])])
    around = crossed[[max(0, best - APART), min(len(crossed) - 1, best + APART)]]
    if crossed[best] < ACROSS or around.max() > ELSEWHERE:
        return None
    ties = at_hips[crossed[at_hips] >= crossed[best]]
    return float(HEIGHTS[ties].mean())


def crossed_share(lab: Lab, worn: Mask, regions: Regions) -> Float:
    """(heights,) share of the body's columns in which a line lies at each of `HEIGHTS`; 0 where the body is not seen."""
    scale, body = regions.body.scale, regions.body
    lightness = lab[..., 0]
    fine, wide = (cv2.GaussianBlur(lightness, (0, 0), max(0.8, share * scale)) for share in (FINE, WIDE))
    rows, columns = np.nonzero(worn & (regions.torso | regions.any_leg))
    across = np.array([body.down[1], -body.down[0]], np.float32)
    aside = (np.stack([columns, rows], 1) - body.at(Joint.MID_HIP)) @ across / scale
    middle = np.abs(aside) < HALF_WIDTH
    rows, columns = rows[middle], columns[middle]
    column = ((aside[middle] + HALF_WIDTH) / (2 * HALF_WIDTH) * COLUMNS).astype(np.intp)
    line, along = np.abs(fine - wide)[rows, columns], regions.along[rows, columns]
    return np.array([_crossed(line[near], column[near]) for near in (np.abs(along - height) < BAND for height in HEIGHTS)])


def _crossed(line: Float, column: NDArray[np.intp]) -> float:
    strongest = np.zeros(COLUMNS, np.float32)
    np.maximum.at(strongest, column, line)
    seen = np.bincount(column, minlength=COLUMNS) > 3
    return float((strongest[seen] > LINE).mean()) if np.count_nonzero(seen) > COLUMNS // 3 else 0.0
