"""Smooth noise, from which cloth, plaster, clouds and waves are made."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import Float


def as_float32(values: object) -> Float:
    """Any numbers as a float32 array."""
    return np.asarray(values, np.float32)


def noise(rng: np.random.Generator, cells: tuple[int, int], size: tuple[int, int]) -> Float:
    """(h, w) float32 smooth noise of unit deviation with `cells` (down, across) bumps; `size` is (height, width)."""
    grid = rng.standard_normal((cells[0] + 3, cells[1] + 3)).astype(np.float32)
    big = cv2.resize(grid, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return as_float32(big / max(float(big.std()), 1e-6))
