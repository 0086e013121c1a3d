"""Layers of colour: one blended over another on a window of the canvas, or darkened there."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.masks import Mask, feather
from pipeline.core.rect import Window
from tryon.engines.preview.person.windows import WHOLE

Colour = NDArray[np.float32]
"""(h, w, 3) RGB, 0..255."""
Coverage = NDArray[np.float32]
"""(h, w) in [0, 1]."""
RAMP_PX = 2.0
"""Width of the blend at the edge of the mask, inside it."""


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
    lay(beneath, WHOLE, canvas, ramp)
    blended = cv2.convertScaleAbs(beneath)  # rounds to the nearest value and saturates
    result[window] = cv2.copyTo(blended, (ramp > 0).astype(np.uint8), result[window].copy())
    return result
