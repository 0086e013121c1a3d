"""Does a picture show one whole garment? Several pieces, a garment cut off by the picture's edge, and scraps are named."""

from __future__ import annotations

import numpy as np

from pipeline.core import masks
from pipeline.core.flags import Flag, Notice
from pipeline.core.masks import Mask
from preprocess.cloth.foreign_parts import PIECE

CUT_SHARE = 0.2
"""A garment is cut where it touches the picture's edge along this share of its own width or height."""
CUT_PX = 2


def wholeness_notices(outline: Mask) -> tuple[Notice, ...]:
    """What is wrong with the number and the completeness of the pieces.

    Args:
        outline: (h, w) bool: the garment in its photo, before it is placed on the canvas.
    """
    found = []
    _, areas = masks.components(outline)
    parts = np.sort(areas[1:])[::-1] / max(1, int(areas[1:].max(initial=1)))
    pieces = int(np.count_nonzero(parts >= PIECE))
    scraps = int(np.count_nonzero((parts < PIECE) & (parts > 0.01)))
    if pieces > 1:
        found.append(Notice(Flag.SEVERAL_GARMENTS, f"{pieces} pieces, the second has {parts[1]:.0%} of the first one's area"))
    elif scraps:
        found.append(Notice(Flag.CLOTH_MASK_SUSPECT, f"{scraps} small parts beside the garment"))
    if sides := cut_sides(outline):
        found.append(Notice(Flag.GARMENT_CUT, f"at the picture's {', '.join(sides)}"))
    return tuple(found)


def cut_sides(outline: Mask) -> list[str]:
    """The picture's edges that cut the garment off."""
    box = masks.box_of(outline)
    if box is None:
        return []
    edges = {
        "top": (outline[:CUT_PX].any(0), box.width),
        "bottom": (outline[-CUT_PX:].any(0), box.width),
        "left edge": (outline[:, :CUT_PX].any(1), box.height),
        "right edge": (outline[:, -CUT_PX:].any(1), box.height),
    }
    return [name for name, (touching, extent) in edges.items() if np.count_nonzero(touching) > CUT_SHARE * extent]
