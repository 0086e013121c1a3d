"""A flow as a picture: hue says in which direction a place looks on the flat garment, strength how far away."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Float

FARTHEST = 0.5
"""Shift, as a share of the picture's half height, from which colours are at full strength."""
FAINT = 0.25
"""How much of its strength a colour keeps outside the garment."""


def flow_picture(grid: Float, mask: Float) -> RGB:
    """Draw a flow.

    Args:
        grid: (2, h, w), where each place looks, -1 … 1, x before y.
        mask: (h, w) in [0, 1], where the garment is.

    Returns:
        (h, w, 3) uint8 RGB: white = looks at its own place.
    """
    height, width = mask.shape
    rows, columns = (2 * np.arange(height) + 1) / height - 1, (2 * np.arange(width) + 1) / width - 1
    x, y = (grid[0] - columns) * (width / height), grid[1] - rows[:, None]
    hue = np.degrees(np.arctan2(y, x)) % 360
    strength = np.clip(np.hypot(x, y) / FARTHEST, 0, 1) * (FAINT + (1 - FAINT) * mask)
    colours = np.stack([hue, strength, np.ones_like(hue)], axis=2).astype(np.float32)
    picture: RGB = np.round(cv2.cvtColor(colours, cv2.COLOR_HSV2RGB) * 255).astype(np.uint8)
    return picture
