"""Hands and bare arms that nobody painted stay as solid as they were: a new edge beside them leaves no thin places in them."""

from __future__ import annotations

import numpy as np

from compose.dressed_matte.before_after import BODY, Alpha, BeforeAfter
from compose.dressed_matte.difference import distance
from pipeline.core.masks import Mask, dilate, erode

DEPTH = 2.0
"""Pixels of a photo 1024 px long: how far inside the parse map's outline of an arm its edge may lie."""
HOLE = 64
"""Alpha below which a place is background: what is seen through a gap between arm and body, whatever the parse map calls it."""
SAME_LEVELS = 4.0
"""Grey levels up to which a pixel is the photo's own."""


def solid_hands(alpha: Alpha, photos: BeforeAfter, bare: Mask) -> Alpha:
    """The matte with whole hands.

    Args:
        alpha: (h, w) uint8 from `dressed_alpha`.
        photos: before and after.
        bare: (h, w) bool, arms, hands and gloves by the parse map.

    Returns:
        (h, w) uint8: 255 well inside them, where the photo's own pixel still shows, the old matte had the person and no
        background is near.
    """
    window = photos.window()
    if window is None:
        return alpha
    part = photos.cut(window)
    inside = erode(bare[window], DEPTH * photos.unit) & (part.alpha >= BODY)
    inside &= ~dilate(alpha[window] < HOLE, DEPTH * photos.unit)
    own = inside & (distance(part.dressed, part.photo) <= SAME_LEVELS)
    whole = alpha.copy()
    whole[window][own] = np.uint8(255)
    return whole
