"""The graphic on the printed T-shirt."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import Float
from pipeline.demo.colours import Colour
from pipeline.demo.noise import as_float32

SKY: tuple[Colour, ...] = ((0.98, 0.86, 0.62), (0.97, 0.70, 0.45), (0.93, 0.52, 0.38), (0.80, 0.36, 0.38))
HILLS: tuple[Colour, ...] = ((0.45, 0.27, 0.40), (0.28, 0.21, 0.38), (0.13, 0.15, 0.28))
INK = 0.94
"""Screen print covers the cloth almost fully; a little of its weave shows through."""


def sunrise(fabric: Float, centre: tuple[int, int], radius_px: int) -> Float:
    """Print a round picture of a sun over hills and water: (h, w, 3) float32 fabric → the same with the print on it."""
    height, width = fabric.shape[:2]
    art = np.zeros_like(fabric)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    down = (y - centre[1]) / radius_px
    art[:] = _banded(down, SKY)
    sun = np.hypot(x - centre[0], y - centre[1] + 0.12 * radius_px) < 0.42 * radius_px
    art[sun] = (0.99, 0.93, 0.78)
    for layer, tone in enumerate(HILLS):
        top = _ridge(x, centre, radius_px, layer)
        art[down > top] = tone
    water = (down > 0.52) & (np.abs(((down - 0.52) * 13 + 0.25 * np.sin((x - centre[0]) / 17)) % 1 - 0.5) < 0.2)
    art[water] = (0.97, 0.70, 0.45)
    disc = np.hypot(x - centre[0], y - centre[1])
    mask = np.clip(radius_px - disc, 0, 1) * INK
    ring = np.clip(5 - np.abs(disc - radius_px - 16), 0, 1) * INK
    weave = fabric / np.maximum(fabric.mean(axis=(0, 1)), 1e-3)
    inked = cv2.GaussianBlur(art, (0, 0), 1.0) * weave
    result = fabric + mask[..., None] * (inked - fabric)
    result += ring[..., None] * (np.array((0.97, 0.80, 0.56), np.float32) * weave - result)
    return as_float32(result)


def _banded(down: Float, tones: tuple[Colour, ...]) -> Float:
    step = np.clip(((down + 1) / 1.35 * len(tones)).astype(int), 0, len(tones) - 1)
    return as_float32(np.array(tones)[len(tones) - 1 - step])


def _ridge(x: Float, centre: tuple[int, int], radius_px: int, layer: int) -> Float:
    """Upper edge of a range of hills, relative to the radius."""
    at = (x - centre[0]) / float(radius_px)
    wave = 0.16 * np.sin(2.6 * at + 1.7 * layer) + 0.07 * np.sin(6.1 * at + 2.9 * layer) + 0.03 * np.sin(15 * at + layer)
    ridge: Float = 0.12 + 0.17 * layer + wave * (1 - 0.25 * layer)
    return ridge
