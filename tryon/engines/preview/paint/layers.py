"""Layers of colour: one is blended over another, or multiplied by a brightness, on a window of the canvas."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask, feather
from pipeline.core.rect import Window
from tryon.engines.preview.person.windows import WHOLE

FloatRGB = NDArray[np.float32]
"""(h, w, 3) float32: red, green, blue in sRGB, 0..255."""
Coverage = NDArray[np.float32]
"""(h, w) float32 in [0, 1]: how much of each pixel something covers."""
Brightness = NDArray[np.float32]
"""(h, w) float32 factors that colours are multiplied by; 1 = unchanged."""
RAMP_PX = 2.0
"""Width of the blend at the edge of the mask, inside it."""


def blend(canvas: FloatRGB, window: Window, colour: FloatRGB | RGB, alpha: Coverage) -> None:
    """Blend `colour` into a window of `canvas`, in place; colour and coverage have the window's size."""
    view = canvas[window]
    change = cv2.subtract(colour, view, dtype=cv2.CV_32F)
    view += cv2.multiply(change, three_channels(alpha), dst=change)


def multiply(canvas: FloatRGB, window: Window, factor: Brightness) -> None:
    """Multiply a window of `canvas` by brightness factors, in place."""
    view = canvas[window]
    view *= three_channels(factor)


def three_channels(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w) → (h, w, 3), one copy for each colour: several times faster than broadcasting over three values."""
    repeated: NDArray[np.float32] = cv2.merge([values, values, values])
    return repeated


def soften(mask: Mask, sigma_px: float = 1.2) -> Coverage:
    """A mask with a soft edge."""
    edge: Coverage = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma_px)
    return edge


def edge_ramp(mask: Mask) -> Coverage:
    """How much of a new picture is shown: 0 outside the mask, rising to 1 inside it."""
    return feather(mask, RAMP_PX)


def composite(image: RGB, canvas: FloatRGB, ramp: Coverage, window: Window) -> RGB:
    """A copy of the photo with the canvas in one window of it; pixels where `ramp` is 0 stay bit-identical.

    Args:
        image: (h, w, 3) RGB uint8 photo.
        canvas: (window height, window width, 3) RGB float32, 0..255.
        ramp: (window height, window width), see `edge_ramp`.
        window: where the canvas lies in the photo.

    Returns:
        (h, w, 3) RGB uint8.
    """
    result, beneath = image.copy(), image[window].astype(np.float32)
    blend(beneath, WHOLE, canvas, ramp)
    blended = cv2.convertScaleAbs(beneath)  # rounds to the nearest value and saturates
    result[window] = cv2.copyTo(blended, (ramp > 0).astype(np.uint8), result[window].copy())
    return result
