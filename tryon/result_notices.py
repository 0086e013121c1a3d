"""What an engine's picture shows at a glance: that it is a preview, or that it shows nothing at all."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.engine import EngineCard
from pipeline.core.flags import Flag, Notice
from pipeline.core.masks import Mask

BLANK_SPREAD = 1.5
"""Grey levels: a painted area whose standard deviation stays below this shows nothing; the plainest real garment reaches 4."""


def result_notices(card: EngineCard, picture: NDArray[np.uint8], mask: Mask) -> tuple[Notice, ...]:
    """Flags of one result.

    Args:
        card: the engine's.
        picture: (h, w, 3) RGB uint8 result.
        mask: (h, w) bool, True = repaint.
    """
    notices = [Notice(Flag.PREVIEW_ONLY, f"engine {card.name}")] if card.approximate else []
    spread = painted_spread(picture, mask)
    if spread is not None and spread < BLANK_SPREAD:
        notices.append(Notice(Flag.RESULT_BLANK, f"the painted area varies by {spread:.1f} grey levels"))
    return tuple(notices)


def painted_spread(picture: NDArray[np.uint8], mask: Mask) -> float | None:
    """Standard deviation in grey levels of the painted area, channel by channel, the largest; None when nothing was to paint.

    A network that overflowed writes one value everywhere (usually black), so a spread near zero covers every kind of blank.
    """
    if mask.shape != picture.shape[:2] or not mask.any():
        return None
    _, deviations = cv2.meanStdDev(picture, mask=mask.astype(np.uint8))
    return float(deviations.max())
