"""See-through garments in pictures with transparency: drawn opaque in their own colours, because a mask knows only yes and no."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks

Alpha = NDArray[np.uint8]

SEEN = 24
"""Alpha from which a pixel belongs to the garment."""
OPAQUE = 220
EDGE_PX = 3
"""Width of the soft edge, which is no see-through cloth."""
LEAST_SHARE = 0.05
"""With less see-through cloth than this share, a garment counts as opaque."""


def sheer_share(alpha: Alpha) -> float:
    """Share of a garment's inside that is see-through, in [0, 1]; 0 when hardly anything is.

    Args:
        alpha: (h, w) uint8, 255 = garment.
    """
    inside = masks.erode(alpha > SEEN, EDGE_PX)
    share = float(np.count_nonzero(inside & (alpha < OPAQUE)) / max(1, int(np.count_nonzero(inside))))
    return share if share > LEAST_SHARE else 0.0


def made_opaque(alpha: Alpha) -> Alpha:
    """(h, w) uint8: the same outline and soft edge, without see-through places."""
    side = 4 * EDGE_PX + 1
    strongest = cv2.dilate(alpha, np.ones((side, side), np.uint8)).astype(np.float32)
    edge = np.clip(alpha * (255 / np.maximum(strongest, 1)), 0, 255)
    solid: Alpha = np.where(masks.erode(alpha > SEEN, EDGE_PX), 255, np.where(alpha > SEEN, edge, alpha)).astype(np.uint8)
    return solid
