"""Where DCI-VTON's first model paints, by the parse map: its mask rule draws it, its training makes it of other people's trees.

Facts: docs/facts/dci_vton.md#first-model.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import Labels
from pipeline.core.labels import ARM_LABELS, UPPER_LABELS
from pipeline.core.masks import Mask

SQUARE_PX, GROWN, SHRUNK = 10, 3, 1
"""The side of the square, in pixels of the model's own size, and how often it grows and shrinks the labels."""


def parse_hole(parse: Labels) -> Mask:
    """(side, side) uint8 of `Parse` → bool: upper garment and arms, closed and grown by a square."""
    square = np.ones((SQUARE_PX, SQUARE_PX), np.uint8)
    worn = np.isin(parse, (*UPPER_LABELS, *ARM_LABELS)).astype(np.uint8)
    grown = cv2.dilate(worn, square, iterations=GROWN)
    hole: Mask = cv2.erode(grown, square, iterations=SHRUNK).astype(bool)
    return hole
