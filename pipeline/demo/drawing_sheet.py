"""The sheet on which a garment is drawn: panels, seams, stitches, and the light of a product photograph."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from pipeline.core.arrays import RGB, Float, Points
from pipeline.core.rect import Window
from pipeline.demo.colours import Colour
from pipeline.demo.draped_cloth import Cloth, appearance
from pipeline.demo.noise import noise
from pipeline.demo.outlines import SHEET_SIZE, filled, stroked, subpixels, window_around

PHOTO_SIZE = (1200, 900)
"""(height, width) of the finished picture."""
TABLE_COLOUR = (0.935, 0.93, 0.92)


@dataclass
class DrawingSheet:
    """What has been drawn so far.

    Args:
        rgb: (h, w, 3) float32 colours in 0..1.
        coverage: (h, w) float32, 1 where a garment lies.
    """

    rgb: Float = field(default_factory=lambda: np.zeros((*SHEET_SIZE, 3), np.float32))
    coverage: Float = field(default_factory=lambda: np.zeros(SHEET_SIZE, np.float32))


def paint(sheet: DrawingSheet, shape: Points, cloth: Cloth, *, round_px: float = 16, shadow: float = 0.3) -> None:
    """Draw a panel on the sheet: it casts a soft shadow on what lies below, and is darker where it curves away at its edge.

    Args:
        sheet: changed in place.
        shape: (n, 2) closed outline.
        cloth: what it is made of.
        round_px: width of the darker rim.
        shadow: strength of the shadow on the panels below.
    """
    window = window_around(shape, 40)
    mask = filled(shape, window)
    if shadow > 0:
        shade = cv2.GaussianBlur(np.roll(mask, (7, 4), axis=(0, 1)), (0, 0), 7) * shadow
        sheet.rgb[window] *= (1 - shade)[..., None]
    depth = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    rim = 1 - 0.17 * np.exp(-depth / round_px) - 0.12 * np.exp(-depth / 3)
    lit = appearance(cloth, window) * rim[..., None]
    sheet.rgb[window] += mask[..., None] * (lit - sheet.rgb[window])
    sheet.coverage[window] = np.maximum(sheet.coverage[window], mask)


def darken(sheet: DrawingSheet, shape: Points, amount: float, blur_px: float) -> None:
    """Darken the inside of an outline (n, 2), with a soft edge; only where there is garment."""
    window = window_around(shape, 4 * blur_px + 4)
    _shade(sheet, window, cv2.GaussianBlur(filled(shape, window), (0, 0), blur_px), amount)


def _shade(sheet: DrawingSheet, window: Window, mask: Float, amount: float) -> None:
    sheet.rgb[window] *= (1 - amount * mask * sheet.coverage[window])[..., None]


def seam(sheet: DrawingSheet, line: Points, *, gap: float = 0.24, width_px: float = 3) -> None:
    """Draw a seam along (n, 2) points: a thin dark groove in a soft valley, with light on its lower side."""
    window = window_around(line, 10 * width_px)
    groove = stroked(line, width_px, window)
    _shade(sheet, window, groove, gap)
    _shade(sheet, window, cv2.GaussianBlur(stroked(line, width_px * 3, window), (0, 0), width_px * 2), 0.15)
    below = stroked(line + np.array([0.6, 1.0], np.float32) * width_px, width_px, window)
    sheet.rgb[window] *= (1 + 0.07 * below * sheet.coverage[window] * (1 - groove))[..., None]


def stitches(sheet: DrawingSheet, line: Points, colour: Colour, *, every_px: float = 11, width_px: float = 2.5) -> None:
    """Draw top stitching along (n, 2) points: short threads, each with a small shadow."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    reached = np.concatenate([[0], np.cumsum(steps)])
    places = np.arange(0, reached[-1] - every_px, every_px)
    window = window_around(line, 12)
    threads = np.zeros(sheet.coverage[window].shape, np.uint8)
    for place in places:
        ends = [[np.interp(at, reached, line[:, axis]) for axis in (0, 1)] for at in (place, place + 0.62 * every_px)]
        a, b = (tuple(int(value) for value in end) for end in subpixels(np.array(ends, np.float32), window))
        cv2.line(threads, a, b, 255, max(1, round(width_px)), cv2.LINE_AA, 4)
    mask = threads.astype(np.float32) / 255 * sheet.coverage[window]
    _shade(sheet, window, np.roll(mask, (2, 1), axis=(0, 1)), 0.3)
    sheet.rgb[window] += (0.75 * mask)[..., None] * (np.array(colour, np.float32) - sheet.rgb[window])


def photographed(sheet: DrawingSheet, rng: np.random.Generator) -> RGB:
    """(*PHOTO_SIZE, 3) uint8 RGB: the sheet as a photo, with slightly uneven edges and a soft shadow on a light table."""
    size = (PHOTO_SIZE[1], PHOTO_SIZE[0])
    layers = [cv2.resize(layer, size, interpolation=cv2.INTER_AREA) for layer in (sheet.rgb, sheet.coverage)]
    y, x = np.mgrid[0 : PHOTO_SIZE[0], 0 : PHOTO_SIZE[1]].astype(np.float32)
    u, v = x + 1.9 * noise(rng, (7, 6), PHOTO_SIZE), y + 1.9 * noise(rng, (7, 6), PHOTO_SIZE)
    rgb, cover = (cv2.remap(layer, u, v, cv2.INTER_CUBIC) for layer in layers)
    near = cv2.GaussianBlur(np.roll(cover, (4, 3), axis=(0, 1)), (0, 0), 4)
    far = cv2.GaussianBlur(np.roll(cover, (13, 9), axis=(0, 1)), (0, 0), 16)
    falloff = 1.012 - 0.03 * ((x / PHOTO_SIZE[1] - 0.4) ** 2 + (y / PHOTO_SIZE[0] - 0.4) ** 2)
    lit = falloff * (1 - 0.16 * near) * (1 - 0.07 * far) * (1 - cover)
    grain = 0.004 * rng.standard_normal(PHOTO_SIZE, dtype=np.float32)
    picture = rgb + lit[..., None] * np.array(TABLE_COLOUR, np.float32) + grain[..., None]  # what was painted is premultiplied
    photograph: RGB = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    return photograph
