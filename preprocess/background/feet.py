"""Shoes: where the floor has their colour, the person model is believed, not the colours.

GrabCut takes a white sole or laces for the light floor, and a mask without soles floats. A shoe is small, so nothing of it lies
deep enough inside the outline to be sure; but the person model sees shoes well (docs/facts/embedded_methods.md#matte).
"""

from __future__ import annotations

import numpy as np

from pipeline.core import masks
from pipeline.core.arrays import Float
from pipeline.core.masks import Mask
from preprocess.person import body_shapes as shapes

FEET = ((25, 27, 29, 31), (26, 28, 30, 32))
"""Knee, ankle, heel and toe of each side in MediaPipe's order."""
VISIBLE = 0.6
ROUND = (0.22, 0.16, 0.24)
"""Radius around ankle, heel and toe, in shin lengths: soles, and trousers over the shoe."""
SHOE_PROBABILITY = 0.45
EDGE = 0.02
"""The outermost part of a shoe, in shin lengths, is left to the colours: the model's outline is a few pixels wide."""


def surely_shoes(body: Float, probability: Float) -> Mask:
    """(h, w) bool: the inside of both shoes, as far as they are in the picture and seen.

    Args:
        body: (33, 4) landmarks in pixels of the picture, and their visibility.
        probability: (h, w) float32 in [0, 1] of the person.
    """
    found = np.zeros(probability.shape, bool)
    size = (probability.shape[0], probability.shape[1])
    for knee, *foot in FEET:
        shin = float(np.hypot(*(body[knee, :2] - body[foot[0], :2])))
        if body[[knee, *foot], 3].min() <= VISIBLE or shin < 1:
            continue
        place = shapes.hull(np.concatenate([shapes.disc(body[i, :2], r * shin) for i, r in zip(foot, ROUND, strict=True)]))
        shoe = masks.erode(probability > SHOE_PROBABILITY, EDGE * shin)
        found |= shapes.painted(size, [place]) & shoe
    return found
