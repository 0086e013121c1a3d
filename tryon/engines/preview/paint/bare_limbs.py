"""Bare arms and legs as shapes: where they are, and which way their surface faces."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Float, Points64
from pipeline.core.masks import Mask
from tryon.engines.preview.paint.layers import Coverage
from tryon.engines.preview.paint.polygons import Patch
from tryon.engines.preview.person.limbs import limb_axis, limb_half_widths, visible_half_widths
from tryon.engines.preview.person.silhouette import Silhouette
from tryon.engines.preview.person.skeleton import Limb

STATIONS = 28
"""Points of a limb's middle line."""
CLOTH_SHARE = 0.95
"""A limb is this much thinner than the sleeve or trouser leg that fits it closely."""
MUSCLES = (0.0, 0.25, 0.5, 0.68, 0.86, 1.0)
ARM_MUSCLES = (1.0, 1.04, 0.98, 1.1, 1.0, 0.97)
LEG_MUSCLES = (1.0, 1.0, 0.98, 1.1, 0.88, 0.84)
"""Limbs are no cones: half widths relative to straight tapering, at these shares of the length."""


@dataclass(frozen=True)
class BareLimb:
    """The middle line of a bare limb and its half widths.

    Args:
        middle: (n, 2) x, y from the root outwards.
        half_widths: (n,) pixels.
    """

    middle: Points64
    half_widths: NDArray[np.float64]


@dataclass(frozen=True)
class SkinPatch(Patch):
    """Skin on a window of the canvas.

    Args:
        across, down: (h, w) x and y parts of the surface's normal, in [-1, 1]; meaningless where `alpha` is 0.
    """

    across: Coverage
    down: Coverage


def bare_limb(limb: Limb, silhouette: Silhouette, clothed: Mask, is_leg: bool) -> BareLimb:
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
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    sides = [visible_half_widths(silhouette, middle, sign * normal, usual, clothed) * CLOTH_SHARE for sign in (1.0, -1.0)]
    one, other = (np.clip(side, 0.72 * usual, 1.12 * usual) for side in sides)
    return BareLimb(middle + normal * _smooth((one - other) / 2)[:, None], _smooth((one + other) / 2))


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) weighted moving average over seven."""
    smooth: NDArray[np.float64] = np.convolve(np.pad(values, 3, mode="edge"), np.hanning(9)[1:-1] / 4, mode="valid")
    return smooth


def bare_limb_patch(size: tuple[int, int], limb: BareLimb) -> SkinPatch | None:
    """Draw a limb on a canvas of `size` (height, width); None when it lies outside."""
    reach = float(limb.half_widths.max()) + 3
    low = np.maximum(np.floor(limb.middle.min(0) - reach).astype(int), 0)
    high = np.minimum(np.ceil(limb.middle.max(0) + reach).astype(int), size[::-1])
    if np.any(high - low < 2):
        return None
    step = 4 if limb.half_widths.min() > 10 else 2
    columns, rows = (np.arange(low[i], high[i] + step, step, dtype=np.float32) for i in (0, 1))
    coarse = _normals(columns, rows[:, None], limb)
    width, height = int(high[0] - low[0]), int(high[1] - low[1])
    shrink = np.array([[1 / step, 0, 0], [0, 1 / step, 0]], np.float32)
    field = cv2.warpAffine(  # smooth: a value for every fourth pixel is enough
        coarse, shrink, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    across, down = field[..., 0], field[..., 1]
    inside = (1 - cv2.magnitude(across, down)) * float(limb.half_widths.mean())
    window = slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
    return SkinPatch(window, np.clip(inside + 0.5, 0, 1), across, down)


def _normals(columns: Float, rows: Float, limb: BareLimb) -> Float:
    """(h, w, 2) offset of every point from the nearest place of the middle line, in half widths."""
    start, bone = limb.middle[:-1].astype(np.float32), np.diff(limb.middle, axis=0).astype(np.float32)
    dx, dy = columns - start[:, 0, None, None], rows - start[:, 1, None, None]
    length = np.maximum((bone * bone).sum(1), 1e-6)[:, None, None]
    along = np.clip((dx * bone[:, 0, None, None] + dy * bone[:, 1, None, None]) / length, 0, 1)
    half = limb.half_widths[:-1, None, None] + along * np.diff(limb.half_widths)[:, None, None]
    dx, dy = (dx - along * bone[:, 0, None, None]) / half, (dy - along * bone[:, 1, None, None]) / half
    nearest = (dx * dx + dy * dy).argmin(0)[None]
    normals: Float = np.stack([np.take_along_axis(each, nearest, 0)[0] for each in (dx, dy)], 2)
    return normals.astype(np.float32)
