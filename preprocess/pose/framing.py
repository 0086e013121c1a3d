"""Which 3:4 window of a photo becomes the canvas; never squashed, it may leave the photo.

Facts: docs/facts/embedded_methods.md#canvas.
"""

from __future__ import annotations

from pipeline.core.frame import Frame, whole_photo
from pipeline.core.layout import CANVAS
from pipeline.core.rect import Rect

ROOM = 0.10
"""Room round the person's box, as a share of it, both sides together on each axis."""
LEAST_ROOM = 0.02
SAME_SHAPE = 0.05
"""A portrait photo this near to 3:4 is kept whole …"""
FILLS = 0.45
"""… unless the person takes less than this share of its height."""
AT_EDGE = 0.01


def person_frame(box: Rect[float], size: tuple[int, int], canvas: tuple[int, int] = CANVAS) -> Frame:
    """The window round a person.

    Args:
        box: where the person is, photo pixels.
        size: (height, width) of the photo.
        canvas: (height, width) of the canvas.
    """
    shape = canvas[1] / canvas[0]
    if abs(size[1] / size[0] / shape - 1) <= SAME_SHAPE and box.height >= FILLS * size[0]:
        return whole_photo(size, canvas)
    needed = max(box.height, box.width / shape)
    # room is worth having, but not at the price of a padded edge
    height = max((1 + LEAST_ROOM) * needed, min((1 + ROOM) * needed, size[0], size[1] / shape))
    top = _start(box.top, box.height, height, size[0], hold_end=_cut_at_end(box.top, box.height, size[0]))
    left = _start(box.left, box.width, height * shape, size[1], hold_end=False)
    return Frame(size[0], size[1], top, left, height, canvas[0], canvas[1])


def _cut_at_end(start: float, length: float, limit: int) -> bool:
    return start + length >= (1 - AT_EDGE) * limit


def _start(start: float, length: float, window: float, limit: int, hold_end: bool) -> float:
    """Where a window begins on one axis: centred on the person, moved into the photo when it fits, else held at the cut end."""
    if window <= limit:
        return min(max(0.0, start + (length - window) / 2), limit - window)
    return limit - window if hold_end else start + (length - window) / 2 if length > limit * 0.999 else (limit - window) / 2
