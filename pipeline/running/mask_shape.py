"""The shape of a given agnostic mask: a plain box, or the worn garment alone, which no mask rule draws. Pure functions."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.labels import ARM_LABELS, LEG_LABELS, Category, Parse
from pipeline.core.mask_polarity import LEAST, WORN
from pipeline.core.masks import Mask

RIM = 0.03
"""Width of the rim round a worn garment, as a share of its size (the root of its area); every rule covers more."""
LEAST_RIM_PX = 2
BESIDE_GARMENT: dict[Category, tuple[Parse, ...]] = {
    Category.UPPER: (Parse.BACKGROUND, Parse.NECK, *ARM_LABELS),
    Category.LOWER: (Parse.BACKGROUND, *LEG_LABELS),
    Category.DRESS: (Parse.BACKGROUND, Parse.NECK, *ARM_LABELS, *LEG_LABELS),
}
"""What a mask covers beside the garment; hair, face and other garments it may leave out."""


def box_likeness(mask: Mask) -> float:
    """Share in [0, 1] of the smallest rectangle round a mask, upright or tilted, that the mask fills.

    Args:
        mask: (h, w) bool, True = repaint; 0 is returned where it is empty.
    """
    places = cv2.findNonZero(mask.astype(np.uint8))
    if places is None:
        return 0.0
    _, (side, other), _ = cv2.minAreaRect(places)
    return float(mask.sum() / ((side + 1) * (other + 1)))


def rim_covered(mask: Mask, category: Category, parse: NDArray[np.uint8]) -> float | None:
    """Share in [0, 1] of a rim round the worn garment, on skin and background, that a mask covers.

    Args:
        mask: (h, w) bool, True = repaint.
        category: of the garment.
        parse: (h, w) uint8 of `Parse`; None is returned where hardly anything is worn.
    """
    worn = masks.keep_larger(masks.labelled(parse, WORN[category]), LEAST * parse.size)
    if not worn.any():
        return None
    around = masks.dilate(worn, max(LEAST_RIM_PX, RIM * float(np.sqrt(worn.sum())))) & ~worn
    rim = around & masks.labelled(parse, BESIDE_GARMENT[category])
    return float(mask[rim].mean()) if rim.any() else None
