"""Laying one thing over another: every operation works on the rectangle it changes, because pieces are small beside a canvas."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.masks import Mask, box_of, feather

Colour = NDArray[np.float32]
"""(h, w, 3) RGB, 0..255."""
Coverage = NDArray[np.float32]
"""(h, w) in [0, 1]."""
Window = tuple[slice, slice]
"""Rows and columns of a rectangle of the canvas; never empty."""
RAMP_PX = 2.0
"""Width of the blend at the edge of the mask, inside it."""


def window_of(mask: Mask, margin_px: float = 0) -> Window:
    """The rectangle of the True pixels, grown by a margin within the canvas; the whole canvas when there are none."""
    box = box_of(mask)
    if box is None:
        return slice(0, mask.shape[0]), slice(0, mask.shape[1])
    top, left, height, width = box
    return grown((slice(top, top + height), slice(left, left + width)), margin_px, (mask.shape[0], mask.shape[1]))


def grown(window: Window, margin_px: float, size: tuple[int, int]) -> Window:
    """A window with a margin, clipped to a canvas of `size` (height, width)."""
    margin = int(np.ceil(margin_px))
    rows, columns = (
        slice(max(0, part.start - margin), min(limit, part.stop + margin)) for part, limit in zip(window, size, strict=True)
    )
    return rows, columns


def lay(canvas: Colour, window: Window, colour: Colour | NDArray[np.uint8], alpha: Coverage) -> None:
    """Blend `colour` into a window of `canvas`, in place; colour and coverage have the window's size."""
    view = canvas[window]
    change = cv2.subtract(colour, view, dtype=cv2.CV_32F)
    view += cv2.multiply(change, triple(alpha), dst=change)


def darken(canvas: Colour, window: Window, factor: Coverage) -> None:
    """Multiply a window of `canvas` by a brightness factor, in place."""
    view = canvas[window]
    view *= triple(factor)


def triple(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w) → (h, w, 3), one copy for each colour: several times faster than broadcasting over three values."""
    tripled: NDArray[np.float32] = cv2.merge([values, values, values])
    return tripled


def soft(mask: Mask, sigma_px: float = 1.2) -> Coverage:
    """A mask with a soft edge."""
    edge: Coverage = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma_px)
    return edge


def edge_ramp(mask: Mask) -> Coverage:
    """How much of a new picture is seen: rises inside the mask, 0 outside."""
    return feather(mask, RAMP_PX)


def blend_into(image: NDArray[np.uint8], canvas: Colour, ramp: Coverage, window: Window) -> NDArray[np.uint8]:
    """A copy of the photo with the canvas in one window of it; pixels where `ramp` is 0 stay bit-identical.

    Args:
        image: (h, w, 3) RGB uint8 photo.
        canvas: (window height, window width, 3).
        ramp: (window height, window width), see `edge_ramp`.
        window: where the canvas lies in the photo.
    """
    result, beneath = image.copy(), image[window].astype(np.float32)
    lay(beneath, (slice(None), slice(None)), canvas, ramp)
    blended = cv2.convertScaleAbs(beneath)  # rounds to the nearest value and saturates
    result[window] = cv2.copyTo(blended, (ramp > 0).astype(np.uint8), result[window].copy())
    return result
