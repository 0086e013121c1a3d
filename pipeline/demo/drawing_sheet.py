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

from pipeline.core.arrays import Float, Points

SIZE = (1600, 1200)
FINISHED = (1200, 900)
COARSE = 4
"""Light and folds change slowly; they are computed at a quarter of the size."""
PULL = 0.10
"""How far the waves of the cloth carry its pattern along."""
GROUND = (0.935, 0.93, 0.92)

Window = tuple[slice, slice]
Colour = tuple[float, float, float]


def single(values: object) -> Float:
    """Any numbers as a float32 array."""
    return np.asarray(values, np.float32)


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
    return single(np.vstack([*pieces, p[-2:-1]]))


def outline(*sides: Points | Sequence[tuple[float, float]]) -> Points:
    """One closed outline from curves and corner points, in order."""
    return np.vstack([np.asarray(side, np.float32).reshape(-1, 2) for side in sides])


def mirrored(points: Points | Sequence[tuple[float, float]]) -> Points:
    """The other half of a garment: reflected about the sheet's middle, in reverse order."""
    p = np.asarray(points, np.float32)
    return single(np.stack([SIZE[1] - p[:, 0], p[:, 1]], axis=1)[::-1])


def filled(points: Points, window: Window) -> Float:
    """(h, w) float32 mask of a closed outline inside a window, with smooth edges."""
    mask = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.uint8)
    cv2.fillPoly(mask, [_fixed(points, window)], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255


def stroked(points: Points, width_px: float, window: Window) -> Float:
    """(h, w) float32 mask of an open line inside a window."""
    mask = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.uint8)
    cv2.polylines(mask, [_fixed(points, window)], False, 255, max(1, round(width_px)), cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255


def _fixed(points: Points, window: Window) -> NDArray[np.int32]:
    """Points relative to a window in sixteenths of a pixel, as OpenCV draws them."""
    return np.asarray(np.round((points - (window[1].start, window[0].start)) * 16), np.int32)


def window_of(points: Points, margin: float) -> Window:
    """Rows and columns round some points, inside the sheet."""
    low, high = np.floor(points.min(0) - margin).astype(int), np.ceil(points.max(0) + margin).astype(int)
    return slice(max(0, int(low[1])), min(SIZE[0], int(high[1]))), slice(max(0, int(low[0])), min(SIZE[1], int(high[0])))


def noise(rng: np.random.Generator, cells: tuple[int, int], size: tuple[int, int] = SIZE) -> Float:
    """(h, w) float32 smooth noise of unit deviation with `cells` (down, across) bumps."""
    grid = rng.standard_normal((cells[0] + 3, cells[1] + 3)).astype(np.float32)
    big = cv2.resize(grid, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return single(big / max(float(big.std()), 1e-6))


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
    height = 1.2 * noise(rng, (5, 4), size) + restless * (0.5 * noise(rng, (14, 9), size) + 0.16 * noise(rng, (34, 26), size))
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    for fold in folds:
        (x0, y0), (x1, y1) = fold.start, fold.end
        ax, ay, bx, by = x0 / COARSE, y0 / COARSE, (x1 - x0) / COARSE, (y1 - y0) / COARSE
        along = np.clip(((x - ax) * bx + (y - ay) * by) / (bx * bx + by * by), 0, 1)
        away = np.hypot(x - ax - along * bx, y - ay - along * by) / (fold.width_px / COARSE)
        height += 1.3 * fold.height * np.exp(-0.5 * away * away) * (1 - along) ** 0.7
    return single(height)


@dataclass(frozen=True)
class Cloth:
    """A fabric as it lies in one panel.

    Args:
        fabric: (h, w, 3) float32 pattern the size of the sheet.
        height: (h/4, w/4) float32 from `drape`.
        turn_deg: angle by which the pattern is turned about `pivot`, e.g. along a sleeve.
        pivot: (x, y) on the sheet.
        dim: brightness; below 1 for the inner side.
    """

    fabric: Float
    height: Float
    turn_deg: float = 0.0
    pivot: tuple[float, float] = (0.0, 0.0)
    dim: float = 1.0


def light(height: Float, strength: float = 0.085) -> Float:
    """Brightness near 1 of a draped cloth lit from the upper left; same size as `height`."""
    across = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) / 8
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) / 8
    slope = cv2.GaussianBlur(4.5 * (0.7 * across + 0.9 * down), (0, 0), 1.2)
    return single(1 + 1.6 * strength * np.tanh(1.8 * slope) - 0.012 * height)


def appearance(cloth: Cloth, window: tuple[slice, slice]) -> Float:
    """(h, w, 3) float32 of a window of the sheet: the fabric turned, its pattern carried along by the waves, and lit."""
    rows, columns = window
    size = (columns.stop - columns.start, rows.stop - rows.start)
    place = single([[1 / COARSE, 0, (columns.start + 0.5) / COARSE - 0.5], [0, 1 / COARSE, (rows.start + 0.5) / COARSE - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def fine(field: Float) -> Float:
        return single(cv2.warpAffine(field, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))

    across, down = (fine(cv2.Sobel(cloth.height, cv2.CV_32F, *axis, ksize=5)) for axis in ((1, 0), (0, 1)))
    y, x = np.mgrid[rows, columns].astype(np.float32)
    turn = np.deg2rad(cloth.turn_deg)
    dx, dy = x - cloth.pivot[0] + PULL * across, y - cloth.pivot[1] + PULL * down
    u = cloth.pivot[0] + np.cos(turn) * dx + np.sin(turn) * dy
    v = cloth.pivot[1] - np.sin(turn) * dx + np.cos(turn) * dy
    pattern = cv2.remap(cloth.fabric, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return single(pattern * (cloth.dim * fine(light(cloth.height)))[..., None])


def paint(sheet: Sheet, shape: Points, cloth: Cloth, *, round_px: float = 16, cast: float = 0.3) -> None:
    """Lay a panel on the sheet: it casts a soft shadow on what lies below and darkens where it curves away at its edge.

    Args:
        sheet: changed in place.
        shape: (n, 2) closed outline.
        cloth: what it is made of.
        round_px: width of the darker rim.
        cast: strength of the shadow on the panels below.
    """
    window = window_of(shape, 40)
    mask = filled(shape, window)
    if cast > 0:
        shadow = cv2.GaussianBlur(np.roll(mask, (7, 4), axis=(0, 1)), (0, 0), 7) * cast
        sheet.rgb[window] *= (1 - shadow)[..., None]
    depth = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    rim = 1 - 0.17 * np.exp(-depth / round_px) - 0.12 * np.exp(-depth / 3)
    lit = appearance(cloth, window) * rim[..., None]
    sheet.rgb[window] += mask[..., None] * (lit - sheet.rgb[window])
    sheet.cover[window] = np.maximum(sheet.cover[window], mask)


def darken(sheet: Sheet, shape: Points, amount: float, blur_px: float) -> None:
    """Shade a soft-edged area; only where there is garment."""
    window = window_of(shape, 4 * blur_px + 4)
    _shade(sheet, window, cv2.GaussianBlur(filled(shape, window), (0, 0), blur_px), amount)


def _shade(sheet: Sheet, window: Window, mask: Float, amount: float) -> None:
    sheet.rgb[window] *= (1 - amount * mask * sheet.cover[window])[..., None]


def seam(sheet: Sheet, line: Points, *, gap: float = 0.24, width_px: float = 3) -> None:
    """A seam: a thin dark groove with a soft valley beside it and a catch of light on its lower side."""
    window = window_of(line, 10 * width_px)
    groove = stroked(line, width_px, window)
    _shade(sheet, window, groove, gap)
    _shade(sheet, window, cv2.GaussianBlur(stroked(line, width_px * 3, window), (0, 0), width_px * 2), 0.15)
    below = stroked(line + np.array([0.6, 1.0], np.float32) * width_px, width_px, window)
    sheet.rgb[window] *= (1 + 0.07 * below * sheet.cover[window] * (1 - groove))[..., None]


def stitches(sheet: Sheet, line: Points, colour: Colour, *, every_px: float = 11, width_px: float = 2.5) -> None:
    """A line of top stitching: short threads with a small shadow each."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    reached = np.concatenate([[0], np.cumsum(steps)])
    places = np.arange(0, reached[-1] - every_px, every_px)
    window = window_of(line, 12)
    threads = np.zeros(sheet.cover[window].shape, np.uint8)
    for place in places:
        ends = [[np.interp(at, reached, line[:, axis]) for axis in (0, 1)] for at in (place, place + 0.62 * every_px)]
        a, b = (tuple(int(value) for value in end) for end in _fixed(np.array(ends, np.float32), window))
        cv2.line(threads, a, b, 255, max(1, round(width_px)), cv2.LINE_AA, 4)
    mask = threads.astype(np.float32) / 255 * sheet.cover[window]
    _shade(sheet, window, np.roll(mask, (2, 1), axis=(0, 1)), 0.3)
    sheet.rgb[window] += (0.75 * mask)[..., None] * (np.array(colour, np.float32) - sheet.rgb[window])


def finish(sheet: Sheet, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Photograph the sheet: uneven hand-laid edges, a soft shadow on a light table, reduced to `FINISHED`, uint8 RGB."""
    size = (FINISHED[1], FINISHED[0])
    layers = [cv2.resize(layer, size, interpolation=cv2.INTER_AREA) for layer in (sheet.rgb, sheet.cover)]
    y, x = np.mgrid[0 : FINISHED[0], 0 : FINISHED[1]].astype(np.float32)
    u, v = x + 1.9 * noise(rng, (7, 6), FINISHED), y + 1.9 * noise(rng, (7, 6), FINISHED)
    rgb, cover = (cv2.remap(layer, u, v, cv2.INTER_CUBIC) for layer in layers)
    near = cv2.GaussianBlur(np.roll(cover, (4, 3), axis=(0, 1)), (0, 0), 4)
    far = cv2.GaussianBlur(np.roll(cover, (13, 9), axis=(0, 1)), (0, 0), 16)
    falloff = 1.012 - 0.03 * ((x / FINISHED[1] - 0.4) ** 2 + (y / FINISHED[0] - 0.4) ** 2)
    lit = falloff * (1 - 0.16 * near) * (1 - 0.07 * far) * (1 - cover)
    grain = 0.004 * rng.standard_normal(FINISHED, dtype=np.float32)
    picture = rgb + lit[..., None] * np.array(GROUND, np.float32) + grain[..., None]  # what was painted is premultiplied
    photograph: NDArray[np.uint8] = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    return photograph
