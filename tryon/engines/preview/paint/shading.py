"""Light and shadow on the new garment: folds taken from the worn one, rounded sides, cast shadows.

All results are brightness factors in a narrow range, so the garment keeps its colours.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Float
from pipeline.core.masks import Mask
from tryon.engines.preview.paint.layers import Brightness, Coverage


def lightness(image: RGB) -> Float:
    """(h, w, 3) RGB uint8 → (h, w) float32 CIE lightness, 0..255."""
    light: Float = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    return light


def masked_blur(values: Float, weights: Float, sigma_px: float) -> Float:
    """Gaussian blur that counts pixels by their weight; wide blurs are done at a quarter of the size.

    Args:
        values: (h, w) or (h, w, c) float32.
        weights: (h, w) float32 in [0, 1]; 0 = ignored.
        sigma_px: width of the blur.

    Returns:
        float32 of the shape of `values`.
    """
    step = 4 if sigma_px >= 12 else 1
    height, width = values.shape[:2]
    small = (max(1, width // step), max(1, height // step))
    heavy = values * (weights if values.ndim == 2 else weights[..., None])
    if step > 1:
        heavy, weights = (cv2.resize(each, small, interpolation=cv2.INTER_AREA) for each in (heavy, weights))
    total = cv2.GaussianBlur(heavy, (0, 0), sigma_px / step)
    count = np.maximum(cv2.GaussianBlur(weights, (0, 0), sigma_px / step), 1e-4)
    mean = total / (count if total.ndim == 2 else count[..., None])
    if step > 1:
        mean = cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR)
    blurred: Float = mean.astype(np.float32)
    return blurred


def fold_factor(image: RGB, worn: Mask, size_px: float, strength: float) -> Brightness:
    """Folds of the worn garment as brightness factors.

    Folds are the difference of two blurs: they are wider than weave and print edges, and narrower than the colour panels of a
    garment. Where the worn cloth has strong changes of colour (a logo), the factor stays near 1, or the old print would show.

    Args:
        image: (h, w, 3) RGB uint8 photo.
        worn: (h, w) bool: the garment being replaced.
        size_px: the skeleton's scale.
        strength: 0 = none, 1 = full.

    Returns:
        (h, w) float32 in [0.75, 1.15]; 1 outside `worn`.
    """
    if np.count_nonzero(worn) < 100:
        return np.ones(worn.shape, np.float32)
    weight = cv2.erode(worn.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32)
    light = lightness(image) + 40  # on black cloth a few grey levels are a large ratio, but not a deep fold
    fine, coarse = masked_blur(light, weight, 0.03 * size_px), masked_blur(light, weight, 0.16 * size_px)
    ratio = np.log(np.maximum(fine, 4) / np.maximum(coarse, 4))
    busy = masked_blur(np.abs(light - masked_blur(light, weight, 0.015 * size_px)), weight, 0.06 * size_px)
    plain = 1 / ((1 + (busy / 9) ** 2) * (1 + (_tint_change(image, weight, size_px) / 4) ** 2))
    inside = masked_blur(weight, np.ones_like(weight), 0.02 * size_px)
    factor: Brightness = np.clip(np.exp(strength * np.clip(ratio, -0.24, 0.12) * plain * inside), 0.75, 1.15).astype(np.float32)
    return factor


def _tint_change(image: RGB, weight: Float, size_px: float) -> Float:
    """(h, w) distance of the local tint (Lab a, b) from the garment's: folds change brightness only, prints the tint too."""
    tint = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 1:].astype(np.float32)
    usual = np.median(tint[weight > 0], axis=0) if (weight > 0).any() else np.zeros(2)
    change: Float = np.linalg.norm(masked_blur(tint, weight, 0.03 * size_px) - usual, axis=2).astype(np.float32)
    return change


def round_factor(alpha: Coverage, depth_px: float, darkest: float) -> Brightness:
    """(h, w) shade at the sides of a round body: `darkest` at the outline of `alpha` (h, w), 1 from `depth_px` inwards."""
    inside = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    turn = np.clip(1 - inside / max(depth_px, 1.0), 0, 1)
    factor: Brightness = (1 - (1 - darkest) * turn * turn).astype(np.float32)
    return factor


def cast_factor(alpha: Coverage, width_px: float, strength: float) -> Brightness:
    """(h, w) the soft shadow that a shape `alpha` (h, w) casts on what is behind it, a little below itself."""
    small = cv2.resize(alpha, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), max(width_px / 2, 0.5))
    shifted = cv2.warpAffine(
        soft, np.array([[1, 0, 0], [0, 1, width_px / 3]], np.float32), soft.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    )
    shadow = cv2.resize(shifted, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
    factor: Brightness = (1 - strength * shadow).astype(np.float32)
    return factor
