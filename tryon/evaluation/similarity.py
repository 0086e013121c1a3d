"""SSIM in the three conventions of the field (Wang et al. 2004), PSNR, and colour differences. Pure functions, no weights.

Facts: docs/facts/evaluation.md#ssim.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import ciede2000, to_lab_exactly

F64 = NDArray[np.float64]
RADIUS = 5
SIGMA = 1.5


def _window() -> F64:
    offsets = np.arange(-RADIUS, RADIUS + 1)
    bell: F64 = np.exp(-(offsets**2) / (2 * SIGMA**2))
    bell /= bell.sum()
    return bell


def ssim_map(x: F64, y: F64, span: float) -> F64:
    """SSIM of every pixel: Gaussian window of 11 × 11, population covariance, border mirrored without repeating the edge.

    Args:
        x, y: (h, w) or (h, w, c) float64 of one range.
        span: length of that range, 1 or 255.

    Returns:
        The same shape, [-1, 1].
    """
    window = _window()

    def mean(image: F64) -> F64:
        return np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, window, window, borderType=cv2.BORDER_REFLECT_101)).reshape(x.shape)

    mean_x, mean_y = mean(x), mean(y)
    spread_x, spread_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    common = mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    above = (2 * mean_x * mean_y + c1) * (2 * common + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (spread_x + spread_y + c2)
    quotient: F64 = above / below
    return quotient


def ssim_rgb_full(a: RGB, b: RGB) -> float:
    """RGB on 0..1, the whole map averaged: torchmetrics since 1.4."""
    return float(ssim_map(a / 255.0, b / 255.0, 1.0).mean())


def ssim_rgb_valid(a: RGB, b: RGB) -> float:
    """RGB on 0..1, a border of 5 pixels dropped: scikit-image, and torchmetrics up to 1.0."""
    return float(_inner(ssim_map(a / 255.0, b / 255.0, 1.0)).mean())


def ssim_grey(a: RGB, b: RGB) -> float:
    """Pillow's grey on 0..255, a border of 5 pixels dropped: HR-VITON's script, and the tables that used it."""
    return float(_inner(ssim_map(grey(a), grey(b), 255.0)).mean())


def grey(picture: RGB) -> F64:
    """(h, w, 3) uint8 → (h, w) float64 of whole numbers: Pillow's mode L."""
    weighted = picture.astype(np.int64) @ np.array([19595, 38470, 7471])
    values: F64 = ((weighted + 32768) >> 16).astype(np.float64)
    return values


def _inner(image: F64) -> F64:
    return image[RADIUS:-RADIUS, RADIUS:-RADIUS]


def psnr(a: RGB, b: RGB, where: Mask | None = None) -> float:
    """Peak signal to noise in dB over all pixels, or those of a mask; infinite where they are equal, NaN where there are none."""
    squares = (a.astype(np.float64) - b) ** 2
    chosen = squares if where is None else squares[where]
    if chosen.size == 0:
        return float("nan")
    error = chosen.mean()
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def delta_e_mean_colour(a: RGB, b: RGB, where: Mask, other: Mask | None = None) -> float:
    """CIEDE2000 (D65, kL = 1) between the mean Lab colours of two areas; NaN where one is empty.

    Args:
        a, b: (h, w, 3) RGB uint8.
        where: (h, w) bool, the area in `a`.
        other: the area in `b`; None = the same.
    """
    there = where if other is None else other
    if not (where.any() and there.any()):
        return float("nan")
    return float(ciede2000(to_lab_exactly(a[where]).mean(0), to_lab_exactly(b[there]).mean(0)))


def delta_e_pixels(a: RGB, b: RGB, where: Mask) -> float:
    """Mean CIEDE2000 (D65, kL = 1) over the pixels of an area; for pairs that lie on each other."""
    return float(ciede2000(to_lab_exactly(a[where]), to_lab_exactly(b[where])).mean()) if where.any() else float("nan")
