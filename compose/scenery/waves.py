"""The look of waves: a texture that lies on its side, from the far shore to the near one."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import Lab

LEAST_ROWS = 20
"""Of the working size; waves of less cannot be told."""
DRAWN_OUT, LEAST_DRAWN_OUT, RIPPLED = 3.5, 2.5, 0.6
"""How much more its brightness changes down than across, as a whole and in two thirds of it, and Lab units that it varies by: a
floor's grain is as wide as high, boards and lanes run through."""


def is_drawn_out(wet: Lab) -> bool:
    """Whether the texture of a stretch of water lies on its side: rows change faster than columns, and no row is of one piece."""
    if len(wet) < LEAST_ROWS:
        return False
    wet = wet[: len(wet) - max(len(wet) // 8, 2)]
    light = wet[..., 0] - np.median(wet[..., 0], axis=1, keepdims=True)
    light = cv2.GaussianBlur(light - cv2.GaussianBlur(light, (0, 0), 10), (0, 0), 1.2)
    parts = np.array_split(light, 3)
    down, across = (np.array([(np.diff(part, axis=axis) ** 2).mean() for part in parts]) + 1e-6 for axis in (0, 1))
    drawn = down.sum() / across.sum() > DRAWN_OUT and np.count_nonzero(down > LEAST_DRAWN_OUT * across) >= 2
    return bool(drawn and light.std() > RIPPLED)
