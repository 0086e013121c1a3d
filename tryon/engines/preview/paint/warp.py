"""Moving cloth: thin-plate splines for bodies of garments, ladders of quads for sleeves and trouser legs.

Both give the same thing, a `Patch`: for every pixel of a rectangle of the canvas, where in the cloth picture it comes from, and
how much of the pixel the garment covers. Coverage comes from the landing outline, drawn with soft edges, never from the warped
cloth mask: far from its landmarks a spline brings garbage back into the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Points64

GRID_PX = 8
"""Splines are smooth: evaluated on every eighth pixel and interpolated, they differ from the exact map by < 0.1 px."""
SPLINE_MARGIN_PX = 40
"""A spline's patch usually reaches this far beyond its outline, for callers that let the cloth cover a little more."""
SOFT = 4
"""Sub-pixel bits of OpenCV's polygon coordinates."""


Box = tuple[int, int, int, int]
"""Top, left, height, width of a rectangle of the canvas."""


@dataclass(frozen=True)
class Cover:
    """A shape on the canvas.

    Args:
        top, left: corner of its rectangle on the canvas.
        alpha: (h, w) float32 in [0, 1]: how much of each pixel it covers.
    """

    top: int
    left: int
    alpha: NDArray[np.float32]

    @property
    def box(self) -> Box:
        """The rectangle as top, left, height, width."""
        return self.top, self.left, self.alpha.shape[0], self.alpha.shape[1]

    @property
    def window(self) -> tuple[slice, slice]:
        """The rectangle as row and column slices."""
        top, left, height, width = self.box
        return slice(top, top + height), slice(left, left + width)


@dataclass(frozen=True)
class Patch(Cover):
    """A piece of cloth on the canvas.

    Args:
        source: (h, w, 2) float32 x, y in the cloth picture.
    """

    source: NDArray[np.float32]


@dataclass(frozen=True)
class ThinPlate:
    """The smoothest map of the plane that sends given points to given places (Bookstein 1989).

    Args:
        centres: (n, 2) points in units of `unit`, relative to `origin`.
        weights: (n + 3, 2) coefficients of the kernels and of the affine part.
    """

    centres: Points64
    weights: Points64
    origin: Points64
    unit: float

    def __call__(self, points: Points64) -> Points64:
        """(n, 2) → (n, 2)."""
        local = (points - self.origin) / self.unit
        affine = np.column_stack([np.ones(len(local)), local])
        mapped: Points64 = _kernel(local, self.centres) @ self.weights[:-3] + affine @ self.weights[-3:]
        return mapped


def thin_plate(source: Points64, target: Points64, smoothing: float) -> ThinPlate:
    """Fit the spline that maps `source` to `target`.

    Args:
        source: (n, 2) x, y.
        target: (n, 2) x, y.
        smoothing: 0 = exact; larger values let points miss their place for a stiffer map. Independent of the picture's size.
    """
    origin, unit = source.mean(0), max(float(source.std()), 1e-6)
    centres = (source - origin) / unit
    count = len(centres)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _kernel(centres, centres) + smoothing * np.eye(count)
    system[:count, count] = 1
    system[:count, count + 1 :] = centres
    system[count:, :count] = system[:count, count:].T
    right = np.vstack([target, np.zeros((3, 2))])
    weights = np.linalg.lstsq(system, right, rcond=None)[0]  # least squares: coinciding points must not end in an error
    return ThinPlate(centres, weights, origin, unit)


def _kernel(points: Points64, centres: Points64) -> Points64:
    """r² log r between all points and all centres."""
    squared = ((points[:, None] - centres[None]) ** 2).sum(2)
    kernel: Points64 = 0.5 * squared * np.log(np.maximum(squared, 1e-18))
    return kernel


def spline_patch(
    cloth: Points64,
    canvas: Points64,
    polygon: Points64,
    size: tuple[int, int],
    smoothing: float,
    margin_px: int = SPLINE_MARGIN_PX,
) -> Patch | None:
    """The patch inside `polygon`, pulled from the cloth by a thin-plate spline.

    Args:
        cloth: (n, 2) landmarks in the cloth picture.
        canvas: (n, 2) where they land.
        polygon: (m, 2) the landing outline.
        size: (height, width) of the canvas.
        smoothing: see `thin_plate`.
        margin_px: how far the patch reaches beyond the outline.

    Returns:
        None when the polygon lies outside the canvas.
    """
    box = _box(polygon, size, margin_px)
    if box is None:
        return None
    top, left, height, width = box
    rows = np.arange(top, top + height + GRID_PX, GRID_PX, dtype=np.float64)
    columns = np.arange(left, left + width + GRID_PX, GRID_PX, dtype=np.float64)
    nodes = np.stack(np.meshgrid(columns, rows), 2)
    coarse = thin_plate(canvas, cloth, smoothing)(nodes.reshape(-1, 2)).reshape(nodes.shape).astype(np.float32)
    return Patch(top, left, polygon_alpha([polygon], box), _enlarge(coarse, height, width))


def _enlarge(coarse: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    full: NDArray[np.float32] = cv2.remap(coarse, columns / GRID_PX, rows / GRID_PX, cv2.INTER_LINEAR)
    return full


def ladder_patch(cloth: tuple[Points64, Points64], canvas: tuple[Points64, Points64], size: tuple[int, int]) -> Patch | None:
    """The patch of a strip between two edges, pulled from the cloth rung by rung; the strip may bend sharply.

    Args:
        cloth: both edges in the cloth picture, (n, 2) each; equal indices form a rung.
        canvas: both edges on the canvas, (n, 2) each.
        size: (height, width) of the canvas.

    Returns:
        None when the strip lies outside the canvas.
    """
    box = _box(np.vstack(canvas), size)
    if box is None:
        return None
    top, left, height, width = box
    source = np.full((height, width, 2), np.nan, np.float32)
    cloth_grid, canvas_grid = _rungs(*cloth), _rungs(*canvas) - [left, top]
    triangles = [corner for pair in _triangles(len(cloth[0])) for corner in pair]
    for rung, corners in triangles:
        index = tuple(np.transpose([(rung + down, across) for down, across in corners]))
        _fill_triangle(source, cloth_grid[index], canvas_grid[index])
    quads = [np.vstack([canvas[0][i : i + 2], canvas[1][i : i + 2][::-1]]) for i in range(len(canvas[0]) - 1)]
    alpha = _soft_polygon(quads, box)
    return Patch(top, left, alpha, _close_gaps(source, alpha > 0))


def _close_gaps(source: NDArray[np.float32], shown: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Pixels between triangles that folded away take their neighbour's place in the cloth, as far as they are shown."""
    for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)) * 3:
        missing = np.isnan(source[..., 0]) & shown
        if not missing.any():
            break
        source[missing] = np.roll(source, shift, axis)[missing]
    return np.nan_to_num(source, copy=False)


def _rungs(one: Points64, other: Points64) -> Points64:
    return np.stack([one, (one + other) / 2, other], axis=1)


def _triangles(rungs: int) -> list[tuple[tuple[int, list[tuple[int, int]]], ...]]:
    """Two triangles for each of the two quads between neighbouring rungs, as (rung, corners)."""
    return [
        ((rung, [(0, side), (0, side + 1), (1, side)]), (rung, [(1, side), (0, side + 1), (1, side + 1)]))
        for rung in range(rungs - 1)
        for side in (0, 1)
    ]


def _fill_triangle(source: NDArray[np.float32], cloth: Points64, canvas: Points64) -> None:
    """Write the affine map of one triangle into `source`, one pixel beyond its edges so that no seam stays open."""
    height, width = source.shape[:2]
    low = np.maximum(np.floor(canvas.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(canvas.max(0)).astype(int) + 2, [width, height])
    edges = np.column_stack([canvas[1] - canvas[0], canvas[2] - canvas[0]])
    area = float(np.linalg.det(edges))
    if np.any(low >= high) or abs(area) < 1e-3:
        return
    columns, rows = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    weights = np.linalg.solve(edges, np.stack([columns.ravel(), rows.ravel()]) - canvas[0][:, None])
    slack = 1.5 * float(np.hypot(*edges).max()) / abs(area)
    inside = (weights[0] >= -slack) & (weights[1] >= -slack) & (weights.sum(0) <= 1 + slack)
    mapped = cloth[0] + weights[:, inside].T @ np.stack([cloth[1] - cloth[0], cloth[2] - cloth[0]])
    source[rows.ravel()[inside], columns.ravel()[inside]] = mapped


def _box(points: Points64, size: tuple[int, int], margin: int = 2) -> Box | None:
    """(top, left, height, width) round the points, clipped to the canvas."""
    low = np.maximum(np.floor(points.min(0)).astype(int) - margin, 0)
    high = np.minimum(np.ceil(points.max(0)).astype(int) + margin + 1, [size[1], size[0]])
    if np.any(high - low < 3):
        return None
    return int(low[1]), int(low[0]), int(high[1] - low[1]), int(high[0] - low[0])


def _soft_polygon(polygons: Sequence[Points64], box: Box) -> NDArray[np.float32]:
    """Coverage of the union of polygons: drawn at twice the size, then averaged."""
    top, left, height, width = box
    drawn = np.zeros((2 * height, 2 * width), np.uint8)
    for polygon in polygons:
        corners = np.round(((polygon - [left, top]) * 2 + 0.5) * (1 << SOFT)).astype(np.int32)
        cv2.fillPoly(drawn, [corners], 255, cv2.LINE_AA, SOFT)
    alpha = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    soft: NDArray[np.float32] = cv2.GaussianBlur(alpha, (0, 0), 0.6)
    return soft


def polygon_alpha(polygons: Sequence[Points64], box: Box) -> NDArray[np.float32]:
    """(h, w) float32 coverage of the union of polygons on a rectangle of the canvas."""
    return _soft_polygon(polygons, box)


def cover_patch(polygons: Sequence[Points64], size: tuple[int, int]) -> Cover | None:
    """Coverage of polygons on the smallest rectangle that holds them; None outside the canvas of `size` (height, width)."""
    box = _box(np.vstack(polygons), size)
    return None if box is None else Cover(box[0], box[1], polygon_alpha(polygons, box))


def soft_polygon(polygon: Points64, size: tuple[int, int]) -> NDArray[np.float32]:
    """(height, width) float32 coverage of one polygon on the whole canvas."""
    return _soft_polygon([polygon], (0, 0, *size))


def pull(cloth: NDArray[np.uint8], patch: Patch, shrink: float) -> NDArray[np.uint8]:
    """Fetch the patch's colours.

    Args:
        cloth: (h, w, 3) RGB uint8 whose colours reach beyond the garment's edge.
        patch: where to fetch from.
        shrink: canvas pixels per cloth pixel; below 1 the cloth is reduced first, so that fine texture does not alias.

    Returns:
        (patch height, patch width, 3) uint8.
    """
    factor = min(1.0, max(shrink, 0.05))
    if factor < 0.9:
        reduced = cv2.resize(cloth, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        ratio = np.array([reduced.shape[1] / cloth.shape[1], reduced.shape[0] / cloth.shape[0]], np.float32)
        field = (patch.source + 0.5) * ratio - 0.5
    else:
        reduced, field = cloth, patch.source
    pulled: NDArray[np.uint8] = cv2.remap(
        reduced, np.ascontiguousarray(field), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return pulled
