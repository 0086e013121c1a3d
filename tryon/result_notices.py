"""What an engine's picture shows at a glance: that it is a preview, or that it shows nothing at all."""

from __future__ import annotations

from pipeline.core.arrays import RGB
from pipeline.core.engine import EngineCard
from pipeline.core.flags import Flag, Notice
from pipeline.core.masks import BLANK_SPREAD, Mask, painted_spread


def result_notices(card: EngineCard, picture: RGB, mask: Mask) -> tuple[Notice, ...]:
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
