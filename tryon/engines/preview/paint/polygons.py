"""Polygons drawn with soft edges: how much of each pixel they cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.core.arrays import Points64
from pipeline.core.rect import Window
from tryon.engines.preview.paint.layers import Coverage
from tryon.engines.preview.person.windows import size_of, window_around

SUBPIXEL_BITS = 4
"""Fractional bits of OpenCV's polygon coordinates."""


@dataclass(frozen=True)
class Patch:
    """A shape on a window of the canvas.

    Args:
        window: rows and columns.
        alpha: (h, w) float32 in [0, 1]: how much of each pixel it covers.
    """

    window: Window
    alpha: Coverage


def polygon_patch(polygons: Sequence[Points64], size: tuple[int, int]) -> Patch | None:
    """The union of polygons on the smallest window that holds them; None outside the canvas of `size` (height, width)."""
    window = window_around(np.vstack(polygons), size)
    return None if window is None else Patch(window, polygon_alpha(polygons, window))


def canvas_alpha(polygons: Sequence[Points64], size: tuple[int, int]) -> Coverage:
    """(height, width) float32 coverage of the union of polygons on the whole canvas."""
    return polygon_alpha(polygons, (slice(0, size[0]), slice(0, size[1])))


def polygon_alpha(polygons: Sequence[Points64], window: Window) -> Coverage:
    """(h, w) float32 coverage of the union of polygons on a window: drawn at twice the size, then averaged."""
    height, width = size_of(window)
    corner = [window[1].start, window[0].start]
    drawn = np.zeros((2 * height, 2 * width), np.uint8)
    for polygon in polygons:
        points = np.round(((polygon - corner) * 2 + 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(drawn, [points], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    alpha = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    blurred: Coverage = cv2.GaussianBlur(alpha, (0, 0), 0.6)
    return blurred
