"""Noise and sharpness of a cut-out person, matched to the background's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.layer import Colour, Layer, Plane

MOST_NOISE = 6.0
LEAST_NOISE = 0.4
"""Grey levels: below the lower limit the difference is invisible; above the upper one it is texture, not noise."""
MOST_BLUR_PX = 0.6
SAMPLE = 640
"""Longest side of the centre piece at which noise is measured: never scaled, because scaling removes noise."""


def noise_level(grey: Plane, inside: NDArray[np.bool_] | None = None) -> float:
    """Standard deviation of the noise, from the flattest half of the picture.

    The second-difference operator cancels edges and slopes (Immerkær 1996); its median over the flat half of the pixels
    ignores the texture that is left.

    Args:
        grey: (h, w) float32 0..255.
        inside: (h, w) bool, where to look; everywhere when None.
    """
    if min(grey.shape) < 8:
        return 0.0
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(grey, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT))
    activity = cv2.blur(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), (9, 9))
    usable = np.ones(grey.shape, np.bool_) if inside is None else inside
    if np.count_nonzero(usable) < 64:
        return 0.0
    flat = usable & (activity <= np.median(activity[usable]))
    return float(np.median(response[flat]) / 0.6745 / 6)


def _grey(picture: NDArray[np.uint8] | Colour) -> Plane:
    grey: Plane = cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_RGB2GRAY)
    return grey


def _centre(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    top, left = max((height - SAMPLE) // 2, 0), max((width - SAMPLE) // 2, 0)
    return picture[top : top + SAMPLE, left : left + SAMPLE]


def match_grain(layer: Layer, background: NDArray[np.uint8], strength: float, seed: int) -> Colour:
    """Add the noise that the background has and the person lacks; noise is never removed.

    Args:
        layer: the person.
        background: (h, w, 3) RGB uint8.
        strength: 0 = none, 1 = as much as the background's.
        seed: the noise is the same for the same seed on every machine.

    Returns:
        (h, w, 3) float32 RGB 0..255, straight.
    """
    if strength <= 0:
        return layer.colour
    wanted = min(noise_level(_grey(_centre(background))), MOST_NOISE)
    present = noise_level(_grey(layer.colour), layer.alpha > 0.95)
    missing = strength * float(np.sqrt(max(wanted**2 - present**2, 0)))
    return layer.colour if missing < LEAST_NOISE else add_noise(layer.colour, missing, seed)


def add_noise(colour: Colour, sigma: float, seed: int) -> Colour:
    """Gaussian luminance noise of `sigma` grey levels; (h, w, 3) float32 in and out."""
    noise = np.random.default_rng(seed).standard_normal(colour.shape[:2], np.float32)
    noisy: Colour = np.clip(colour + np.float32(sigma) * noise[..., None], 0, 255)
    return noisy


def match_softness(layer: Layer, background: NDArray[np.uint8], strength: float) -> Layer:
    """Blur the person, edge and inside, when even the sharpest edges of the background are softer than a lens in focus.

    Args:
        layer: the person.
        background: (h, w, 3) RGB uint8.
        strength: 0 = none, 1 = as much as measured, at most `MOST_BLUR_PX`.
    """
    sigma = strength * min(max(edge_width(background) - 0.9, 0.0), MOST_BLUR_PX)
    if sigma < 0.3:
        return layer
    premultiplied = np.dstack([layer.colour * layer.alpha[..., None], layer.alpha])
    soft = cv2.GaussianBlur(premultiplied, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    colour = np.clip(soft[..., :3] / np.maximum(soft[..., 3:], 1 / 255), 0, 255)
    return Layer(layer.top, layer.left, colour, np.clip(soft[..., 3], 0, 1))


def edge_width(picture: NDArray[np.uint8]) -> float:
    """Gaussian radius of the sharpest edges, pixels: re-blurring changes a soft edge's slope less (Zhuo & Sim 2011).

    Returns:
        0 when the picture has no edge to judge by.
    """
    grey = _grey(_centre(picture))
    again = 1.0
    slope = _slope(cv2.GaussianBlur(grey, (0, 0), 0.5))
    softer = _slope(cv2.GaussianBlur(cv2.GaussianBlur(grey, (0, 0), 0.5), (0, 0), again))
    strong = slope > max(float(np.percentile(slope, 99)), 8.0)
    if np.count_nonzero(strong) < 32:
        return 0.0
    ratio = float(np.percentile(slope[strong] / np.maximum(softer[strong], 1e-3), 80))
    return float(np.sqrt(max(again**2 / max(ratio**2 - 1, 0.02) - 0.25, 0)))


def _slope(grey: Plane) -> Plane:
    slope: Plane = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=0.125))
    return slope
