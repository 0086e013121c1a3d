"""Fabric as it lies on the table: folds, wrinkles, and the light on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.core.arrays import Float
from pipeline.core.rect import Window
from pipeline.demo.noise import as_float32, noise
from pipeline.demo.outlines import SHEET_SIZE

COARSE = 4
"""Light and folds change slowly; they are computed at a quarter of the size."""
PATTERN_SHIFT = 0.10
"""How far the waves of the cloth move its pattern."""


@dataclass(frozen=True)
class Fold:
    """A soft ridge in the cloth from one point to another, fading towards its end.

    Args:
        start, end: (x, y) on the sheet.
        width_px: half width.
        height: positive = ridge, negative = dent.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    width_px: float = 18
    height: float = 1.0


def drape(rng: np.random.Generator, folds: Sequence[Fold] = (), wrinkles: float = 1.0) -> Float:
    """(h/4, w/4) float32 height of the cloth on the table: long waves, small wrinkles and the given folds."""
    size = (SHEET_SIZE[0] // COARSE, SHEET_SIZE[1] // COARSE)
    height = 1.2 * noise(rng, (5, 4), size) + wrinkles * (0.5 * noise(rng, (14, 9), size) + 0.16 * noise(rng, (34, 26), size))
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    for fold in folds:
        (x0, y0), (x1, y1) = fold.start, fold.end
        ax, ay, bx, by = x0 / COARSE, y0 / COARSE, (x1 - x0) / COARSE, (y1 - y0) / COARSE
        along = np.clip(((x - ax) * bx + (y - ay) * by) / (bx * bx + by * by), 0, 1)
        away = np.hypot(x - ax - along * bx, y - ay - along * by) / (fold.width_px / COARSE)
        height += 1.3 * fold.height * np.exp(-0.5 * away * away) * (1 - along) ** 0.7
    return as_float32(height)


@dataclass(frozen=True)
class Cloth:
    """A fabric as it lies in one panel.

    Args:
        fabric: (h, w, 3) float32 RGB in 0..1, the size of the sheet.
        height: (h/4, w/4) float32 from `drape`.
        turn_deg: angle by which the pattern is turned about `pivot`, e.g. along a sleeve.
        pivot: (x, y) on the sheet.
        brightness: factor; below 1 for the inner side.
    """

    fabric: Float
    height: Float
    turn_deg: float = 0.0
    pivot: tuple[float, float] = (0.0, 0.0)
    brightness: float = 1.0


def light(height: Float, strength: float = 0.085) -> Float:
    """(h, w) float32 brightness near 1 of a draped cloth of this (h, w) `height`, lit from the upper left."""
    across = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) / 8
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) / 8
    slope = cv2.GaussianBlur(4.5 * (0.7 * across + 0.9 * down), (0, 0), 1.2)
    return as_float32(1 + 1.6 * strength * np.tanh(1.8 * slope) - 0.012 * height)


def appearance(cloth: Cloth, window: Window) -> Float:
    """(h, w, 3) float32 RGB in 0..1 of a window of the sheet: the fabric turned, its pattern moved by the waves, and lit."""
    rows, columns = window
    size = (columns.stop - columns.start, rows.stop - rows.start)
    left, top = ((part.start + 0.5) / COARSE - 0.5 for part in (columns, rows))
    place = as_float32([[1 / COARSE, 0, left], [0, 1 / COARSE, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def fine(field: Float) -> Float:
        return as_float32(cv2.warpAffine(field, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))

    across, down = (fine(cv2.Sobel(cloth.height, cv2.CV_32F, *axis, ksize=5)) for axis in ((1, 0), (0, 1)))
    y, x = np.mgrid[rows, columns].astype(np.float32)
    turn = np.deg2rad(cloth.turn_deg)
    dx, dy = x - cloth.pivot[0] + PATTERN_SHIFT * across, y - cloth.pivot[1] + PATTERN_SHIFT * down
    u = cloth.pivot[0] + np.cos(turn) * dx + np.sin(turn) * dy
    v = cloth.pivot[1] - np.sin(turn) * dx + np.cos(turn) * dy
    pattern = cv2.remap(cloth.fabric, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return as_float32(pattern * (cloth.brightness * fine(light(cloth.height)))[..., None])
