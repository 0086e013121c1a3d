"""Windows of the canvas: garments are small beside it, so every operation works on the rectangle that it changes."""

from __future__ import annotations

import numpy as np

from pipeline.core.arrays import Float, Points64
from pipeline.core.masks import Mask, box_of
from pipeline.core.rect import Window

WHOLE: Window = (slice(None), slice(None))
"""All of a picture, whatever its size."""


def window_of(mask: Mask, margin_px: float = 0) -> Window:
    """The rectangle of the True pixels, grown by a margin within the canvas; the whole canvas when there are none."""
    box = box_of(mask)
    if box is None:
        return slice(0, mask.shape[0]), slice(0, mask.shape[1])
    return box.window(mask.shape, int(np.ceil(margin_px)))


def window_around(points: Points64, size: tuple[int, int], margin_px: int = 2) -> Window | None:
    """The rectangle around (n, 2) points, clipped to a canvas of `size` (height, width); None when hardly any of it is left."""
    low = np.maximum(np.floor(points.min(0)).astype(int) - margin_px, 0)
    high = np.minimum(np.ceil(points.max(0)).astype(int) + margin_px + 1, [size[1], size[0]])
    if np.any(high - low < 3):
        return None
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def grown(window: Window, margin_px: float, size: tuple[int, int]) -> Window:
    """A window with a margin, clipped to a canvas of `size` (height, width)."""
    margin = int(np.ceil(margin_px))
    rows, columns = (
        slice(max(0, part.start - margin), min(limit, part.stop + margin)) for part, limit in zip(window, size, strict=True)
    )
    return rows, columns


def size_of(window: Window) -> tuple[int, int]:
    """(height, width) in pixels."""
    rows, columns = window
    return rows.stop - rows.start, columns.stop - columns.start


def pixels_of(window: Window) -> tuple[Float, Float]:
    """Rows (h, 1) and columns (w,) of the canvas in a window: they broadcast to (h, w)."""
    rows, columns = (np.arange(part.start, part.stop, dtype=np.float32) for part in window)
    return rows[:, None], columns


def overlap(one: Window, other: Window) -> tuple[Window, Window]:
    """The common part of two windows, counted from the corner of either; empty slices when they have nothing in common."""
    starts = [max(a.start, b.start) for a, b in zip(one, other, strict=True)]
    stops = [max(min(a.stop, b.stop), start) for a, b, start in zip(one, other, starts, strict=True)]
    (rows, columns), (others, across) = (
        [slice(start - part.start, stop - part.start) for start, stop, part in zip(starts, stops, window, strict=True)]
        for window in (one, other)
    )
    return (rows, columns), (others, across)
