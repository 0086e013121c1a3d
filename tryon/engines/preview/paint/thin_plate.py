"""Thin-plate splines: the smoothest map of the plane that sends given points to given places (Bookstein 1989)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.core.arrays import Points64


@dataclass(frozen=True)
class ThinPlate:
    """A fitted spline; called with points, it returns where they go.

    Args:
        centres: (n, 2) points in units of `unit`, relative to `origin`.
        weights: (n + 3, 2) coefficients of the kernels and of the affine part.
        origin: (2,) x, y.
        unit: pixels.
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
        smoothing: 0 = points are met exactly; larger values give a stiffer map that misses them a little. The effect does not
            depend on the size of the picture.
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
    return ThinPlate(centres, np.asarray(weights, np.float64), origin, unit)


def _kernel(points: Points64, centres: Points64) -> Points64:
    """(n, m) r² log r between n points and m centres."""
    squared = ((points[:, None] - centres[None]) ** 2).sum(2)
    kernel: Points64 = 0.5 * squared * np.log(np.maximum(squared, 1e-18))
    return kernel
