"""DensePose's body parts, read back from the picture that shows them in colours."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Labels
from pipeline.core.labels import DENSEPOSE_COLOURS


def read_body_parts(densepose: RGB) -> Labels:
    """Read body parts from VITON-HD's colours.

    Args:
        densepose: (h, w, 3) RGB uint8; may have been a JPEG.

    Returns:
        (h, w) uint8 of `BodyPart`: the part with the nearest colour, to within two levels; read on every second pixel.
    """
    small = densepose[::2, ::2] >> 2
    parts = _nearest_parts()[small[..., 0], small[..., 1], small[..., 2]]
    full: Labels = cv2.resize(parts, densepose.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return full


@lru_cache(maxsize=1)
def _nearest_parts() -> NDArray[np.uint8]:
    """(64, 64, 64) uint8: the part whose colour is nearest to the middle of each cell of the colour cube; 0 where it is dark."""
    levels = np.arange(64, dtype=np.int16) * 4 + 2
    nearest, least = np.zeros((64, 64, 64), np.uint8), np.full((64, 64, 64), 999, np.int16)
    for part, colour in enumerate(DENSEPOSE_COLOURS):
        red, green, blue = (np.abs(levels - value) for value in colour)
        distance = red[:, None, None] + green[None, :, None] + blue[None, None]
        nearest[distance < least] = part
        np.minimum(least, distance, out=least)
    lit = (levels[:, None, None] > 24) | (levels[None, :, None] > 24) | (levels[None, None] > 24)
    return np.where(lit, nearest, np.uint8(0))
