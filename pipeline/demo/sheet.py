"""The drawing table of the demo garments: smooth outlines, draped fabric, seams, and the light of a product photograph.

Everything is drawn at `SIZE` and reduced by `finish`, so that edges and threads come out smooth.
Coordinates are (x, y) pixels on the sheet; colours are linear-looking RGB in 0..1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (1600, 1200)
FINISHED = (1200, 900)
COARSE = 4
"""Light and folds change slowly; they are computed at a quarter of the size."""
GROUND = (0.935, 0.93, 0.92)

Float = NDArray[np.float32]
Points = NDArray[np.float32]
Colour = tuple[float, float, float]


@dataclass
class Sheet:
    """What has been drawn so far.

    Args:
        rgb: (h, w, 3) float32 colours.
        cover: (h, w) float32, 1 where a garment lies.
    """

    rgb: Float = field(default_factory=lambda: np.zeros((*SIZE, 3), np.float32))
    cover: Float = field(default_factory=lambda: np.zeros(SIZE, np.float32))


def curve(points: Sequence[tuple[float, float]], steps: int = 16) -> Points:
    """(n, 2) float32 along a Catmull-Rom spline through the points, ends included."""
    p = np.asarray(points, np.float32)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]
    pieces = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        pieces.append(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return np.vstack([*pieces, p[-2:-1]]).astype(np.float32)


def outline(*sides: Points | Sequence[tuple[float, float]]) -> Points:
    """One closed outline from curves and corner points, in order."""
    return np.vstack([np.asarray(side, np.float32).reshape(-1, 2) for side in sides])


def mirrored(points: Points | Sequence[tuple[float, float]]) -> Points:
    """The other half of a garment: reflected about the sheet's middle, in reverse order."""
    p = np.asarray(points, np.float32)
    return np.stack([SIZE[1] - p[:, 0], p[:, 1]], axis=1)[::-1].copy()


def filled(points: Points) -> Float:
    """(h, w) float32 mask of an outline, with smooth edges."""
    mask = np.zeros(SIZE, np.uint8)
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255


def stroked(points: Points, width_px: float) -> Float:
    """(h, w) float32 mask of an open line."""
    mask = np.zeros(SIZE, np.uint8)
    cv2.polylines(mask, [np.round(points * 16).astype(np.int32)], False, 255, max(1, round(width_px)), cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255


def noise(rng: np.random.Generator, cells: tuple[int, int], size: tuple[int, int] = SIZE) -> Float:
    """(h, w) float32 smooth noise of unit deviation with `cells` (down, across) bumps."""
    grid = rng.standard_normal((cells[0] + 3, cells[1] + 3)).astype(np.float32)
    big = cv2.resize(grid, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return (big / max(float(big.std()), 1e-6)).astype(np.float32)


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


def drape(rng: np.random.Generator, folds: Sequence[Fold] = (), restless: float = 1.0) -> Float:
    """(h/4, w/4) float32 height of the lying cloth: long waves, small wrinkles and the given folds."""
    size = (SIZE[0] // COARSE, SIZE[1] // COARSE)
    height = 1.6 * noise(rng, (5, 4), size) + restless * (0.5 * noise(rng, (14, 9), size) + 0.16 * noise(rng, (34, 26), size))
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    for fold in folds:
        (x0, y0), (x1, y1) = fold.start, fold.end
        ax, ay, bx, by = x0 / COARSE, y0 / COARSE, (x1 - x0) / COARSE, (y1 - y0) / COARSE
        along = np.clip(((x - ax) * bx + (y - ay) * by) / (bx * bx + by * by), 0, 1)
        away = np.hypot(x - ax - along * bx, y - ay - along * by) / (fold.width_px / COARSE)
        height += 1.3 * fold.height * np.exp(-0.5 * away * away) * (1 - along) ** 0.7
    return height.astype(np.float32)


def light(height: Float, strength: float = 0.09) -> Float:
    """(h, w) float32 brightness near 1 of a draped cloth lit from the upper left."""
    across = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) / 8
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) / 8
    slope = cv2.GaussianBlur(4.5 * (0.7 * across + 0.9 * down), (0, 0), 1.2)
    shade = 1 + strength * np.tanh(1.8 * slope) * 1.6 - 0.012 * height
    return cv2.resize(shade.astype(np.float32), (SIZE[1], SIZE[0]), interpolation=cv2.INTER_CUBIC)


def laid(fabric: Float, height: Float, angle_deg: float = 0.0, pivot: tuple[float, float] = (0, 0)) -> Float:
    """Turn a fabric about a pivot and let the cloth's waves carry its pattern along: (h, w, 3) → (h, w, 3) float32."""
    size = (SIZE[1], SIZE[0])
    across = cv2.resize(cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=5), size, interpolation=cv2.INTER_LINEAR)
    down = cv2.resize(cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=5), size, interpolation=cv2.INTER_LINEAR)
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    turn = np.deg2rad(angle_deg)
    dx, dy = x - pivot[0] + 0.5 * across, y - pivot[1] + 0.5 * down
    u = pivot[0] + np.cos(turn) * dx + np.sin(turn) * dy
    v = pivot[1] - np.sin(turn) * dx + np.cos(turn) * dy
    return cv2.remap(fabric, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


def paint(sheet: Sheet, shape: Points, colours: Float, brightness: Float, *, round_px: float = 16, cast: float = 0.3) -> None:
    """Lay a panel on the sheet: it casts a soft shadow on what lies below and darkens where it curves away at its edge.

    Args:
        sheet: changed in place.
        shape: (n, 2) closed outline.
        colours: (h, w, 3) float32 fabric.
        brightness: (h, w) float32 light on it.
        round_px: width of the darker rim.
        cast: strength of the shadow on the panels below.
    """
    window = _window(shape, 60)
    mask = filled(shape)[window]
    if cast > 0:
        moved = np.roll(mask, (7, 4), axis=(0, 1))
        shadow = cv2.GaussianBlur(moved, (0, 0), 7) * cast
        sheet.rgb[window] *= (1 - shadow)[..., None]
    depth = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    rim = 1 - 0.20 * np.exp(-depth / round_px) - 0.16 * np.exp(-depth / 3)
    lit = colours[window] * (brightness[window] * rim)[..., None]
    sheet.rgb[window] += mask[..., None] * (lit - sheet.rgb[window])
    sheet.cover[window] = np.maximum(sheet.cover[window], mask)


def darken(sheet: Sheet, mask: Float, amount: float) -> None:
    """Shade what lies under a soft mask; only where there is garment."""
    sheet.rgb *= (1 - amount * mask * sheet.cover)[..., None]


def seam(sheet: Sheet, line: Points, *, gap: float = 0.30, width_px: float = 3) -> None:
    """A seam: a thin dark groove with a soft valley beside it and a catch of light on its lower side."""
    groove = stroked(line, width_px)
    darken(sheet, groove, gap)
    darken(sheet, cv2.GaussianBlur(stroked(line, width_px * 3), (0, 0), width_px * 2), 0.16)
    below = stroked(line + np.array([0.6, 1.0], np.float32) * width_px, width_px)
    sheet.rgb += (0.05 * below * sheet.cover * (1 - groove))[..., None]


def stitches(sheet: Sheet, line: Points, colour: Colour, *, every_px: float = 11, width_px: float = 2.5) -> None:
    """A line of top stitching: short threads with a small shadow each."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    reached = np.concatenate([[0], np.cumsum(steps)])
    places = np.arange(0, reached[-1] - every_px, every_px)
    threads = np.zeros(SIZE, np.uint8)
    for place in places:
        ends = [[np.interp(at, reached, line[:, axis]) * 16 for axis in (0, 1)] for at in (place, place + 0.62 * every_px)]
        a, b = (tuple(int(value) for value in end) for end in ends)
        cv2.line(threads, a, b, 255, max(1, round(width_px)), cv2.LINE_AA, 4)
    mask = threads.astype(np.float32) / 255 * sheet.cover
    darken(sheet, np.roll(mask, (2, 1), axis=(0, 1)), 0.35)
    sheet.rgb += (0.8 * mask)[..., None] * (np.array(colour, np.float32) - sheet.rgb)


def finish(sheet: Sheet, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Photograph the sheet: uneven hand-laid edges, a soft shadow on a light table, reduced to `FINISHED`, uint8 RGB."""
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    u, v = x + 2.6 * noise(rng, (7, 6)), y + 2.6 * noise(rng, (7, 6))
    rgb = cv2.remap(sheet.rgb, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.remap(sheet.cover, u, v, cv2.INTER_LINEAR)
    near = cv2.GaussianBlur(np.roll(cover, (5, 4), axis=(0, 1)), (0, 0), 5)
    far = cv2.GaussianBlur(np.roll(cover, (18, 12), axis=(0, 1)), (0, 0), 22)
    falloff = 1.012 - 0.03 * ((x / SIZE[1] - 0.4) ** 2 + (y / SIZE[0] - 0.4) ** 2)
    table = np.array(GROUND, np.float32) * (falloff * (1 - 0.16 * near) * (1 - 0.07 * far))[..., None]
    picture = table + cover[..., None] * (rgb - table)
    small = cv2.resize(picture, (FINISHED[1], FINISHED[0]), interpolation=cv2.INTER_AREA)
    grain = 0.004 * rng.standard_normal((*FINISHED, 1)).astype(np.float32)
    photograph: NDArray[np.uint8] = np.clip((small + grain) * 255 + 0.5, 0, 255).astype(np.uint8)
    return photograph


def _window(shape: Points, margin: int) -> tuple[slice, slice]:
    low, high = np.floor(shape.min(0)).astype(int) - margin, np.ceil(shape.max(0)).astype(int) + margin
    return slice(max(0, low[1]), min(SIZE[0], high[1])), slice(max(0, low[0]), min(SIZE[1], high[0]))
