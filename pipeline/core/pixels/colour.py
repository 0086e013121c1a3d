"""From RGB to the colour space in which distances are measured, and the distance."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Lab

Float64 = NDArray[np.float64]

TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
"""Linear sRGB to CIE XYZ (IEC 61966-2-1)."""
WHITE = np.array([0.95047, 1.0, 1.08883])
"""D65, 2° observer."""


def to_lab(rgb: RGB) -> Lab:
    """(h, w, 3) uint8 RGB → (h, w, 3) float32 CIELAB, lightness 0..100."""
    lab: Lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab


def to_lab_exactly(rgb: RGB) -> Float64:
    """(..., 3) uint8 RGB → (..., 3) float64 CIELAB by its definition (D65), lightness 0..100; `to_lab` is quicker, off by 0.4.

    Source: CIE 15:2004, sRGB by IEC 61966-2-1.
    """
    shares = rgb / 255.0
    linear = np.where(shares > 0.04045, ((shares + 0.055) / 1.055) ** 2.4, shares / 12.92)
    xyz = linear @ TO_XYZ.T / WHITE
    x, y, z = np.moveaxis(np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def ciede2000(first: Float64, second: Float64, k_lightness: float = 1.0) -> Float64:
    """The CIE's colour difference of 2000, by the formulas of Sharma, Wu and Dalal (2005).

    Args:
        first, second: (..., 3) L*a*b*, shapes that broadcast.
        k_lightness: the parametric factor k_L.

    Returns:
        (...) differences, 0 = the same colour.
    """
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(np.asarray(each, np.float64), -1, 0) for each in (first, second))
    stretch = 1.5 - 0.5 * _saturation((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2)
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    across = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    hue = np.where(grey, h1 + h2, (h1 + turn / 2) % 360)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    s_light = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_chroma, s_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * _hue_weight(hue)
    lean = np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2)))) * 2 * _saturation(chroma)
    parts = (l2 - l1) / (k_lightness * s_light), (c2 - c1) / s_chroma, across / s_hue
    squared = parts[0] ** 2 + parts[1] ** 2 + parts[2] ** 2 - lean * parts[1] * parts[2]
    difference: Float64 = np.sqrt(np.maximum(squared, 0))
    return difference


def _saturation(chroma: Float64) -> Float64:
    seventh = chroma**7
    share: Float64 = np.sqrt(seventh / (seventh + 25.0**7))
    return share


def _hue_weight(degrees: Float64) -> Float64:
    weight: Float64 = (
        1
        - 0.17 * np.cos(np.radians(degrees - 30))
        + 0.24 * np.cos(np.radians(2 * degrees))
        + 0.32 * np.cos(np.radians(3 * degrees + 6))
        - 0.20 * np.cos(np.radians(4 * degrees - 63))
    )
    return weight
