"""What can be measured about one dressed picture: one pure function per measure.

Colours are in `garment_colour.py`, the outline in `halo.py`, the face in `faces.py`; the thresholds in
`scores.py`.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask

BLOCK_PX = 8
"""Side of the squares whose mean counts: a single re-encoded pixel is no change, a strip of a finger's width is."""


def outside_change(before: RGB, after: RGB, allowed: Mask) -> float:
    """Largest change where nothing may change.

    Args:
        before, after: (h, w, 3) uint8 RGB, the photo and the finished picture.
        allowed: (m, n) bool of the same view at any size, True = may change; blocks beside it are left out.

    Returns:
        Grey levels in [0, 255]: of the blocks outside, the largest mean absolute difference of a channel. 0 when there are none.
    """
    height, width = before.shape[:2]
    grid = (max(1, width // BLOCK_PX), max(1, height // BLOCK_PX))
    difference = cv2.resize(cv2.absdiff(before, after), grid, interpolation=cv2.INTER_AREA)
    share = cv2.resize(allowed.astype(np.uint8) * 255, grid, interpolation=cv2.INTER_AREA)
    near = cv2.dilate(share, np.ones((3, 3), np.uint8))
    outside = difference[near == 0]
    return float(outside.max()) if outside.size else 0.0


def mask_coverage(painted: Mask, mask: Mask) -> float:
    """How much of the area to repaint was repainted.

    Args:
        painted: (h, w) bool, where the picture differs from the one before.
        mask: (h, w) bool, True = may be repainted.

    Returns:
        Share in [0, 1]; 1 when there was nothing to repaint.
    """
    area = np.count_nonzero(mask)
    return float(np.count_nonzero(painted & mask) / area) if area else 1.0
