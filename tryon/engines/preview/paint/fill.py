"""Unknown colours filled in from known ones."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask
from tryon.engines.preview.paint.layers import FloatRGB


def fill_unknown(image: RGB | FloatRGB, known: Mask) -> FloatRGB:
    """Fill everything unknown from the nearest known colours, by a pyramid of averages (pull-push, Gortler et al. 1996).

    Args:
        image: (h, w, 3) RGB, any range.
        known: (h, w) bool: pixels to keep.

    Returns:
        (h, w, 3) float32; equal to `image` where known.
    """
    weight = known.astype(np.float32)
    levels = [(image.astype(np.float32) * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 2:
        colour, weight = levels[-1]
        half = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        small = cv2.resize(colour, half, interpolation=cv2.INTER_AREA)
        share = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
        gain = np.minimum(1, 2 * share) / np.maximum(share, 1e-6)
        levels.append((small * gain[..., None], share * gain))
    colour, weight = levels[-1]
    mean = colour.sum((0, 1)) / max(float(weight.sum()), 1e-6)
    filled = np.where(weight[..., None] > 0, colour / np.maximum(weight, 1e-6)[..., None], mean).astype(np.float32)
    for colour, weight in levels[-2::-1]:
        coarse = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        filled = colour + (1 - weight)[..., None] * coarse
    result: FloatRGB = filled
    return result


def fill_smoothly(image: RGB, known: Mask) -> FloatRGB:
    """`fill_unknown` at half the size, for places where no detail is known: (h, w, 3) float32, smooth everywhere."""
    height, width = known.shape
    half = (max(1, width // 2), max(1, height // 2))
    small = fill_unknown(
        cv2.resize(image, half, interpolation=cv2.INTER_NEAREST),
        cv2.resize(known.astype(np.uint8), half, interpolation=cv2.INTER_NEAREST).astype(bool),
    )
    smooth: FloatRGB = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return smooth
