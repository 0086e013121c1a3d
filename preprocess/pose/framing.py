"""The 3:4 window of a photo that becomes the canvas; it is never squashed and may extend beyond the photo.

Facts: docs/facts/embedded_methods.md#canvas.
"""

from __future__ import annotations

from pipeline.core.frame import Frame, whole_photo
from pipeline.core.layout import CANVAS
from pipeline.core.rect import Rect

MARGIN = 0.10
"""Margin of the window on each axis, both sides together, as a share of the person's box."""
LEAST_MARGIN = 0.02
SAME_SHAPE = 0.05
"""A photo whose shape differs less than this from 3:4 is kept whole …"""
FILLS = 0.45
"""… unless the person covers less than this share of its height."""
AT_EDGE = 0.01


def person_frame(box: Rect[float], size: tuple[int, int], canvas: tuple[int, int] = CANVAS) -> Frame:
    """The window around a person.

    Args:
        box: where the person is, photo pixels.
        size: (height, width) of the photo.
        canvas: (height, width) of the canvas.
    """
    shape = canvas[1] / canvas[0]
    if abs(size[1] / size[0] / shape - 1) <= SAME_SHAPE and box.height >= FILLS * size[0]:
        return whole_photo(size, canvas)
    needed = max(box.height, box.width / shape)
    # a margin is good, but not where it needs padding beyond the photo
    height = max((1 + LEAST_MARGIN) * needed, min((1 + MARGIN) * needed, size[0], size[1] / shape))
    top = _start(box.top, box.height, height, size[0], hold_end=_cut_at_end(box.top, box.height, size[0]))
    left = _start(box.left, box.width, height * shape, size[1], hold_end=False)
    return Frame(size[0], size[1], top, left, height, canvas[0], canvas[1])


def _cut_at_end(start: float, length: float, limit: int) -> bool:
    return start + length >= (1 - AT_EDGE) * limit


def _start(start: float, length: float, window: float, limit: int, hold_end: bool) -> float:
    """Start of a window on one axis: centred on the person, moved into the photo when it fits, else fixed at the cut end."""
    if window <= limit:
        return min(max(0.0, start + (length - window) / 2), limit - window)
    return limit - window if hold_end else start + (length - window) / 2 if length > limit * 0.999 else (limit - window) / 2
