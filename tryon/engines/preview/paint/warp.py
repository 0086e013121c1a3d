"""Warped cloth: thin-plate splines for the body of a garment, ladders of triangles for sleeves and trouser legs.

Both give a `ClothPatch`: for every pixel of a window of the canvas, where in the cloth picture it comes from, and how much of the
pixel the garment covers. Coverage is drawn from the outline on the canvas, with soft edges, and never warped from the cloth mask:
far from its landmarks a spline brings wrong places back into the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Float, Points64
from tryon.engines.preview.paint.polygons import Patch, polygon_alpha
from tryon.engines.preview.paint.thin_plate import thin_plate
from tryon.engines.preview.person.windows import size_of, window_around

GRID_PX = 8
"""Splines are smooth: evaluated on every eighth pixel and interpolated, they differ from the exact map by < 0.1 px."""
SPLINE_MARGIN_PX = 40
"""A spline's patch usually reaches this far beyond its outline, for callers that let the cloth cover a little more."""

BEYOND_PX = 1.5
"""How far beyond its edges a triangle's map is used where no other triangle is nearer."""

Edges = tuple[Points64, Points64]
"""Both edges of a strip, (n, 2) each; equal indices form a rung."""


@dataclass(frozen=True)
class ClothPatch(Patch):
    """A piece of cloth on a window of the canvas.

    Args:
        source: (h, w, 2) float32 x, y in the cloth picture.
    """

    source: Float


def spline_patch(
    cloth: Points64,
    canvas: Points64,
    polygon: Points64,
    size: tuple[int, int],
    smoothing: float,
    margin_px: int = SPLINE_MARGIN_PX,
) -> ClothPatch | None:
    """The patch inside `polygon`, mapped to the cloth by a thin-plate spline.

    Args:
        cloth: (n, 2) landmarks in the cloth picture.
        canvas: (n, 2) the same landmarks on the canvas.
        polygon: (m, 2) the outline on the canvas.
        size: (height, width) of the canvas.
        smoothing: see `thin_plate`.
        margin_px: how far the patch reaches beyond the outline.

    Returns:
        None when the polygon lies outside the canvas.
    """
    window = window_around(polygon, size, margin_px)
    if window is None:
        return None
    rows, columns = (np.arange(part.start, part.stop + GRID_PX, GRID_PX, dtype=np.float64) for part in window)
    nodes = np.stack(np.meshgrid(columns, rows), 2)
    coarse = thin_plate(canvas, cloth, smoothing)(nodes.reshape(-1, 2)).reshape(nodes.shape).astype(np.float32)
    return ClothPatch(window, polygon_alpha([polygon], window), _enlarged(coarse, *size_of(window)))


def _enlarged(coarse: Float, height: int, width: int) -> Float:
    """(height, width, 2) values between the nodes of a grid of GRID_PX."""
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    full: Float = cv2.remap(coarse, columns / GRID_PX, rows / GRID_PX, cv2.INTER_LINEAR)
    return full


def ladder_patch(cloth: Edges, canvas: Edges, size: tuple[int, int]) -> ClothPatch | None:
    """The patch of a strip between two edges, mapped to the cloth rung by rung; the strip may bend sharply.

    Args:
        cloth: both edges in the cloth picture.
        canvas: both edges on the canvas.
        size: (height, width) of the canvas.

    Returns:
        None when the strip lies outside the canvas.
    """
    window = window_around(np.vstack(canvas), size)
    if window is None:
        return None
    source = np.full((*size_of(window), 2), np.nan, np.float32)
    away = np.full(size_of(window), BEYOND_PX, np.float32)
    cloth_grid, canvas_grid = _rungs(*cloth), _rungs(*canvas) - [window[1].start, window[0].start]
    for corners in _triangles(len(cloth[0])):
        index = tuple(np.transpose(corners))
        _fill_triangle(source, away, cloth_grid[index], canvas_grid[index])
    quads = [np.vstack([canvas[0][i : i + 2], canvas[1][i : i + 2][::-1]]) for i in range(len(canvas[0]) - 1)]
    alpha = polygon_alpha(quads, window)
    return ClothPatch(window, alpha, _gaps_closed(source, alpha > 0))


def _gaps_closed(source: Float, shown: NDArray[np.bool_]) -> Float:
    """Pixels between triangles that folded away take their neighbour's place in the cloth, where they are shown."""
    for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)) * 3:
        missing = np.isnan(source[..., 0]) & shown
        if not missing.any():
            break
        source[missing] = np.roll(source, shift, axis)[missing]
    return np.nan_to_num(source, copy=False)


def _rungs(one: Points64, other: Points64) -> Points64:
    """(n, 3, 2) both ends and the middle of each rung."""
    return np.stack([one, (one + other) / 2, other], axis=1)


def _triangles(rungs: int) -> list[list[tuple[int, int]]]:
    """Corners (rung, place on it) of two triangles for each of the two quads between neighbouring rungs."""
    return [
        triangle
        for rung in range(rungs - 1)
        for place in (0, 1)
        for triangle in (
            [(rung, place), (rung, place + 1), (rung + 1, place)],
            [(rung + 1, place), (rung, place + 1), (rung + 1, place + 1)],
        )
    ]


def _fill_triangle(source: Float, away: Float, cloth: Points64, canvas: Points64) -> None:
    """Write the affine map of one triangle into `source`, also a little beyond its edges, so that no seam stays open.

    Every pixel keeps the map of the triangle that it is nearest to: where rungs meet, as at an armpit, triangles are slivers
    whose maps lead far away within a pixel.

    Args:
        source: (h, w, 2) places in the cloth, changed.
        away: (h, w) distance in pixels from the triangle whose map a pixel has, changed.
        cloth, canvas: (3, 2) the corners.
    """
    height, width = source.shape[:2]
    low = np.maximum(np.floor(canvas.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(canvas.max(0)).astype(int) + 2, [width, height])
    edges = np.column_stack([canvas[1] - canvas[0], canvas[2] - canvas[0]])
    area = abs(float(np.linalg.det(edges)))
    if np.any(low >= high) or area < 1e-3:
        return
    columns, rows = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    weights = np.linalg.solve(edges, np.stack([columns.ravel(), rows.ravel()]) - canvas[0][:, None])
    heights = area / np.hypot(*(canvas[[1, 2, 0]] - canvas[[2, 0, 1]]).T)
    outside = np.max(-np.vstack([1 - weights.sum(0), weights]) * heights[:, None], axis=0).clip(0)
    place = rows.ravel(), columns.ravel()
    nearest = outside <= away[place]  # of triangles that lie over each other the last is in front
    rows_in, columns_in = (each[nearest] for each in place)
    source[rows_in, columns_in] = cloth[0] + weights[:, nearest].T @ np.stack([cloth[1] - cloth[0], cloth[2] - cloth[0]])
    away[rows_in, columns_in] = outside[nearest]


def warp_patch(cloth: RGB, patch: ClothPatch, shrink: float) -> RGB:
    """The colours of a patch, taken from the cloth picture.

    Args:
        cloth: (h, w, 3) RGB uint8 whose colours reach beyond the garment's edge.
        patch: where each pixel comes from.
        shrink: canvas pixels per cloth pixel; below 1 the cloth is reduced first, so that fine texture does not alias.

    Returns:
        (patch height, patch width, 3) RGB uint8.
    """
    factor = min(1.0, max(shrink, 0.05))
    if factor < 0.9:
        reduced = cv2.resize(cloth, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        ratio = np.array([reduced.shape[1] / cloth.shape[1], reduced.shape[0] / cloth.shape[0]], np.float32)
        field = (patch.source + 0.5) * ratio - 0.5
    else:
        reduced, field = cloth, patch.source
    warped: RGB = cv2.remap(reduced, np.ascontiguousarray(field), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return warped
