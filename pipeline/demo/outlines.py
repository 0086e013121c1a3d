"""Outlines of garments on the drawing sheet, and masks drawn from them. Coordinates are (x, y) pixels on the sheet."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Float, Points
from pipeline.core.rect import Window
from pipeline.demo.noise import as_float32

SHEET_SIZE = (1600, 1200)
"""(height, width) of the drawing sheet; garments are drawn larger than they are needed, so that edges and threads are smooth."""


def curve(points: Sequence[tuple[float, float]], steps: int = 16) -> Points:
    """(n, 2) float32 along a Catmull-Rom spline through the points, ends included."""
    p = np.asarray(points, np.float32)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]
    pieces = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        pieces.append(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return as_float32(np.vstack([*pieces, p[-2:-1]]))


def outline(*sides: Points | Sequence[tuple[float, float]]) -> Points:
    """(n, 2) float32: one closed outline from curves and corner points, in order."""
    return np.vstack([np.asarray(side, np.float32).reshape(-1, 2) for side in sides])


def mirrored(points: Points | Sequence[tuple[float, float]]) -> Points:
    """(n, 2) float32: the other half of a garment, reflected about the middle of the sheet, in reverse order."""
    p = np.asarray(points, np.float32)
    return as_float32(np.stack([SHEET_SIZE[1] - p[:, 0], p[:, 1]], axis=1)[::-1])


def filled(points: Points, window: Window) -> Float:
    """(h, w) float32 mask in 0..1 of a closed outline (n, 2) inside a window, with smooth edges."""
    mask = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.uint8)
    cv2.fillPoly(mask, [subpixels(points, window)], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255.0


def stroked(points: Points, width_px: float, window: Window) -> Float:
    """(h, w) float32 mask in 0..1 of an open line (n, 2) inside a window."""
    mask = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.uint8)
    cv2.polylines(mask, [subpixels(points, window)], False, 255, max(1, round(width_px)), cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255.0


def subpixels(points: Points, window: Window) -> NDArray[np.int32]:
    """(n, 2) int32: points relative to a window, in sixteenths of a pixel, as OpenCV draws them."""
    return np.asarray(np.round((points - (window[1].start, window[0].start)) * 16), np.int32)


def window_around(points: Points, margin_px: float) -> Window:
    """Rows and columns around (n, 2) points, inside the sheet."""
    low, high = np.floor(points.min(0) - margin_px).astype(int), np.ceil(points.max(0) + margin_px).astype(int)
    rows = slice(max(0, int(low[1])), min(SHEET_SIZE[0], int(high[1])))
    return rows, slice(max(0, int(low[0])), min(SHEET_SIZE[1], int(high[0])))
