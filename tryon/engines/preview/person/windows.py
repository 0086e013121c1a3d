"""Rectangles of the canvas: garments are small beside it, so every operation works on the rectangle that it changes."""

from __future__ import annotations

import numpy as np

from pipeline.core.masks import Mask, box_of

Window = tuple[slice, slice]
"""Rows and columns of a rectangle of the canvas; never empty."""
WHOLE: Window = (slice(None), slice(None))
"""All of a picture, whatever its size."""


def window_of(mask: Mask, margin_px: float = 0) -> Window:
    """The rectangle of the True pixels, grown by a margin within the canvas; the whole canvas when there are none."""
    box = box_of(mask)
    if box is None:
        return slice(0, mask.shape[0]), slice(0, mask.shape[1])
    return grown(box.window(mask.shape), margin_px, (mask.shape[0], mask.shape[1]))


def grown(window: Window, margin_px: float, size: tuple[int, int]) -> Window:
    """A window with a margin, clipped to a canvas of `size` (height, width)."""
    margin = int(np.ceil(margin_px))
    rows, columns = (
        slice(max(0, part.start - margin), min(limit, part.stop + margin)) for part, limit in zip(window, size, strict=True)
    )
    return rows, columns
