"""Light: the folds and shadows of what is worn, put onto what is tried on.

All factors multiply colours; 1 = unchanged. They stay within a narrow range, so the garment keeps its colours.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.masks import Mask

Factor = NDArray[np.float32]


def luminance(image: NDArray[np.uint8]) -> Factor:
    """(h, w, 3) RGB uint8 → (h, w) float32 CIE lightness, 0..255."""
    lightness: Factor = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
    return lightness


def masked_blur(values: Factor, weights: Factor, sigma_px: float) -> Factor:
    """Gaussian mean of the weighted pixels only; works at a quarter of the size when the blur is wide."""
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
    blurred: Factor = mean.astype(np.float32)
    return blurred


def fold_factor(image: NDArray[np.uint8], worn: Mask, size_px: float, strength: float) -> Factor:
    """Folds of the worn garment as brightness factors.

    Between two blurs lie the folds: wider than weave and print edges, narrower than the colour panels of a garment. Where the
    worn cloth changes its colour strongly (a logo), the factor is held back, or the old print would shine through.

    Args:
        image: (h, w, 3) RGB uint8 photo.
        worn: (h, w) bool: the garment being replaced.
        size_px: the body's scale.
        strength: 0 = none, 1 = full.

    Returns:
        (h, w) float32 in [0.75, 1.15]; 1 outside `worn`.
    """
    if np.count_nonzero(worn) < 100:
        return np.ones(worn.shape, np.float32)
    weight = cv2.erode(worn.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32)
    light = luminance(image) + 40  # on black cloth a few grey levels are a large ratio, but not a deep fold
    fine, coarse = masked_blur(light, weight, 0.03 * size_px), masked_blur(light, weight, 0.16 * size_px)
    ratio = np.log(np.maximum(fine, 4) / np.maximum(coarse, 4))
    busy = masked_blur(np.abs(light - masked_blur(light, weight, 0.015 * size_px)), weight, 0.06 * size_px)
    calm = 1 / ((1 + (busy / 9) ** 2) * (1 + (_tint_change(image, weight, size_px) / 4) ** 2))
    inside = masked_blur(weight, np.ones_like(weight), 0.02 * size_px)
    factor: Factor = np.clip(np.exp(strength * np.clip(ratio, -0.24, 0.12) * calm * inside), 0.75, 1.15).astype(np.float32)
    return factor


def _tint_change(image: NDArray[np.uint8], weight: Factor, size_px: float) -> Factor:
    """How far the local tint (Lab a, b) is from the garment's: folds change brightness only, prints the tint too."""
    tint = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[..., 1:].astype(np.float32)
    usual = np.median(tint[weight > 0], axis=0) if (weight > 0).any() else np.zeros(2)
    change: Factor = np.linalg.norm(masked_blur(tint, weight, 0.03 * size_px) - usual, axis=2).astype(np.float32)
    return change


def round_factor(alpha: Factor, depth_px: float, darkest: float) -> Factor:
    """A body is round: its sides turn away from the light. `darkest` at the outline of `alpha`, 1 from `depth_px` inwards."""
    inside = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    turn = np.clip(1 - inside / max(depth_px, 1.0), 0, 1)
    factor: Factor = (1 - (1 - darkest) * turn * turn).astype(np.float32)
    return factor


def cast_factor(alpha: Factor, width_px: float, strength: float) -> Factor:
    """The soft shadow a piece throws on what lies behind it, a little below itself."""
    small = cv2.resize(alpha, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), max(width_px / 2, 0.5))
    shifted = cv2.warpAffine(
        soft, np.array([[1, 0, 0], [0, 1, width_px / 3]], np.float32), soft.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    )
    shadow = cv2.resize(shifted, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
    factor: Factor = (1 - strength * shadow).astype(np.float32)
    return factor
