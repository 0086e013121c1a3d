"""Bare arms and legs as shapes: where they lie, and which way their surface faces."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.masks import Mask
from pipeline.core.rect import Window
from tryon.engines.preview.paint.layers import Coverage
from tryon.engines.preview.person.limbs import limb_axis, limb_half_widths, visible_half_widths
from tryon.engines.preview.person.silhouette import Silhouette
from tryon.engines.preview.person.skeleton import Limb

STATIONS = 28
CLOTH_SHARE = 0.95
"""A limb is this much thinner than the sleeve or trouser leg that fits it closely."""
MUSCLES = (0.0, 0.25, 0.5, 0.68, 0.86, 1.0)
ARM_MUSCLES = (1.0, 1.04, 0.98, 1.1, 1.0, 0.97)
LEG_MUSCLES = (1.0, 1.0, 0.98, 1.1, 0.88, 0.84)
"""Limbs are no cones: half widths relative to straight tapering, at these shares of the length."""


@dataclass(frozen=True)
class Flesh:
    """The middle line of a bare limb and its half widths.

    Args:
        middle: (n, 2) x, y from the root outwards.
        halves: (n,) pixels.
    """

    middle: Points64
    halves: NDArray[np.float64]


@dataclass(frozen=True)
class LimbPatch:
    """A limb on a window of the canvas.

    Args:
        window: rows and columns.
        alpha: (h, w) coverage with a soft edge.
        across, down: (h, w) x and y parts of the surface's normal, in [-1, 1]; meaningless where `alpha` is 0.
    """

    window: Window
    alpha: Coverage
    across: Coverage
    down: Coverage


def limb_flesh(limb: Limb, silhouette: Silhouette, clothed: Mask, is_leg: bool) -> Flesh:
    """The bare limb under what covers it: never wider than the cloth, and in the middle of it.

    Args:
        limb: joints and the usual widths.
        silhouette: the person's outline.
        clothed: (h, w) bool: the limb or what covers it.
        is_leg: legs have calves, arms have none.
    """
    shares = np.linspace(0, 1.2, STATIONS)
    middle, tangent = limb_axis(limb, shares)
    usual = limb_half_widths(limb, shares) * np.interp(shares, MUSCLES, LEG_MUSCLES if is_leg else ARM_MUSCLES)
    aside = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    sides = [visible_half_widths(silhouette, middle, sign * aside, usual, clothed) * CLOTH_SHARE for sign in (1.0, -1.0)]
    one, other = (np.clip(side, 0.72 * usual, 1.12 * usual) for side in sides)
    return Flesh(middle + aside * _smooth((one - other) / 2)[:, None], _smooth((one + other) / 2))


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    smooth: NDArray[np.float64] = np.convolve(np.pad(values, 3, mode="edge"), np.hanning(9)[1:-1] / 4, mode="valid")
    return smooth


def limb_patch(size: tuple[int, int], flesh: Flesh) -> LimbPatch | None:
    """Draw a limb.

    Args:
        size: (height, width) of the canvas.
        flesh: its shape.

    Returns:
        None when it lies outside the canvas.
    """
    reach = float(flesh.halves.max()) + 3
    low = np.maximum(np.floor(flesh.middle.min(0) - reach).astype(int), 0)
    high = np.minimum(np.ceil(flesh.middle.max(0) + reach).astype(int), size[::-1])
    if np.any(high - low < 2):
        return None
    step = 4 if flesh.halves.min() > 10 else 2
    columns, rows = (np.arange(low[i], high[i] + step, step, dtype=np.float32) for i in (0, 1))
    coarse = _normals(columns, rows[:, None], flesh)
    width, height = int(high[0] - low[0]), int(high[1] - low[1])
    shrink = np.array([[1 / step, 0, 0], [0, 1 / step, 0]], np.float32)
    field = cv2.warpAffine(  # smooth: a value for every fourth pixel is enough
        coarse, shrink, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    across, down = field[..., 0], field[..., 1]
    inside = (1 - cv2.magnitude(across, down)) * float(flesh.halves.mean())
    window = slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
    return LimbPatch(window, np.clip(inside + 0.5, 0, 1), across, down)


def _normals(columns: NDArray[np.float32], rows: NDArray[np.float32], flesh: Flesh) -> NDArray[np.float32]:
    """(h, w, 2) offset of every point from the nearest place of the middle line, in half widths."""
    start, bone = flesh.middle[:-1].astype(np.float32), np.diff(flesh.middle, axis=0).astype(np.float32)
    dx, dy = columns - start[:, 0, None, None], rows - start[:, 1, None, None]
    length = np.maximum((bone * bone).sum(1), 1e-6)[:, None, None]
    along = np.clip((dx * bone[:, 0, None, None] + dy * bone[:, 1, None, None]) / length, 0, 1)
    half = flesh.halves[:-1, None, None] + along * np.diff(flesh.halves)[:, None, None]
    dx, dy = (dx - along * bone[:, 0, None, None]) / half, (dy - along * bone[:, 1, None, None]) / half
    nearest = (dx * dx + dy * dy).argmin(0)[None]
    normals: NDArray[np.float32] = np.stack([np.take_along_axis(each, nearest, 0)[0] for each in (dx, dy)], 2)
    return normals.astype(np.float32)
