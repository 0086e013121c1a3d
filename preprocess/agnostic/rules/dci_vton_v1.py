"""`dci-vton-v1`: the hole of DCI-VTON's first model, garment and both arms with their hands.

Facts: docs/facts/agnostic_rules.md#dci-vton.

Made at the model's own 512 × 512 pixels and enlarged without smoothing: shrunk again, it is the published loader's to the pixel.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from pipeline.core.arrays import Grey
from pipeline.core.labels import Category
from pipeline.core.masks import Mask
from pipeline.core.parse_hole import parse_hole
from preprocess.agnostic.rules.conditions import Conditions

SIDE = 512
"""Of the square that the model works on, to which pictures are squashed."""


def dci_vton_v1(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint; for upper garments."""
    hole = parse_hole(_nearest(conditions.parse, (SIDE, SIDE)))
    enlarged: Mask = _nearest(hole.astype(np.uint8), conditions.size) > 0
    return enlarged


def _nearest(values: Grey, size: tuple[int, int]) -> Grey:
    return np.asarray(Image.fromarray(values).resize(size[::-1], Image.Resampling.NEAREST))
