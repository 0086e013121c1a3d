"""The shape of arms and legs: their rounded middle line, half widths and outlines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64
from pipeline.core.masks import Mask
from tryon.engines.preview.person.silhouette import Silhouette
from tryon.engines.preview.person.skeleton import Limb


def limb_axis(limb: Limb, shares: NDArray[np.float64]) -> tuple[Points64, Points64]:
    """Points and unit tangents of the limb's middle line, rounded at the elbow or knee.

    Args:
        limb: its three joints.
        shares: (n,) positions along the limb, 0 = root, 1 = last joint; beyond 1 the line goes on straight.

    Returns:
        (n, 2) x, y and (n, 2) unit vectors.
    """
    knot = _knot(limb)
    fine = np.linspace(0, 1.25, 126)
    first, last = limb.joints[1] - limb.joints[0], limb.joints[2] - limb.joints[1]
    points = np.where(
        (fine <= knot)[:, None],
        limb.joints[0] + (fine / max(knot, 1e-6))[:, None] * first,
        limb.joints[1] + ((fine - knot) / max(1 - knot, 1e-6))[:, None] * last,
    )
    kernel = np.hanning(25)[1:-1] / np.hanning(25)[1:-1].sum()
    smooth = np.stack(
        [np.convolve(np.pad(points[:, i], 11, mode="reflect", reflect_type="odd"), kernel, "valid") for i in (0, 1)], 1
    )
    tangents = np.gradient(smooth, axis=0)
    tangents /= np.maximum(np.hypot(*tangents.T), 1e-6)[:, None]
    middle = np.column_stack([np.interp(shares, fine, smooth[:, i]) for i in (0, 1)])
    turned = np.column_stack([np.interp(shares, fine, tangents[:, i]) for i in (0, 1)])
    return middle, turned / np.maximum(np.hypot(*turned.T), 1e-6)[:, None]


def _knot(limb: Limb) -> float:
    """Position of the elbow or knee as a share of the limb's length."""
    bones = np.hypot(*np.diff(limb.joints, axis=0).T)
    return float(bones[0] / max(bones.sum(), 1e-6))


def limb_half_widths(limb: Limb, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) half widths of the bare limb in pixels, at (n,) shares of its length."""
    halves: NDArray[np.float64] = np.interp(shares, [0, _knot(limb), 1], limb.half_widths)
    return halves


def visible_half_widths(
    silhouette: Silhouette, middle: Points64, outward: Points64, usual: NDArray[np.float64], mask: Mask | None = None
) -> NDArray[np.float64]:
    """Distance from a limb's middle line to the outline of the person on one side, smoothed along the limb.

    Args:
        silhouette: the person's outline.
        middle: (n, 2) points of the middle line.
        outward: (n, 2) unit vectors towards that side.
        usual: (n,) half widths of a bare limb; the result lies between 0.8 and 1.9 of them.
        mask: (h, w) bool: measure this area instead of the person.

    Returns:
        (n,) pixels.
    """
    distances = np.array([
        silhouette.distance_to_edge(point, direction, 0.8 * half, 1.9 * half, 1.05 * half, mask)
        for point, direction, half in zip(middle, outward, usual, strict=True)
    ])  # fmt: skip
    smooth: NDArray[np.float64] = np.convolve(np.pad(distances, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    return smooth


def limb_polygon(limb: Limb, start: float, end: float, ease: float) -> Points64:
    """(n, 2) outline of the bare limb between two shares of its length, `ease` times its usual width."""
    shares = np.linspace(start, end, 24)
    middle, tangent = limb_axis(limb, shares)
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]]) * (limb_half_widths(limb, shares) * ease)[:, None]
    return np.vstack([middle + normal, (middle - normal)[::-1]])


def rounded_limb_polygons(limb: Limb, start: float, end: float, ease: float) -> list[Points64]:
    """Three polygons that together are a stretch of a bare limb with round ends; see `limb_polygon`."""
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    circle = np.column_stack([np.cos(turn), np.sin(turn)])
    shares = np.array([start, end])
    ends = zip(limb_axis(limb, shares)[0], limb_half_widths(limb, shares) * ease, strict=True)
    return [limb_polygon(limb, start, end, ease), *(middle + radius * circle for middle, radius in ends)]
