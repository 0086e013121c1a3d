"""The plain ground behind a garment: one smooth colour ramp, and the distance of each pixel from it.

Distances are in CIELAB units; a difference of 1 is just visible between neighbouring areas.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Lab

CHROMA_WEIGHT = 1.7
"""Colour weighs more than lightness: shadows darken a ground and hardly change its colour (docs/facts/mattes.md#plain-ground)."""
TRIMS = (14.0, 8.0, 5.0, 4.0, 3.5, 3.5)
"""Largest distance to the ramp in each round of the trimmed fit."""


@dataclass(frozen=True)
class Ground:
    """A ramp fitted to the border of a picture.

    Args:
        colour: (h, w, 3) float32 Lab of the ground at every pixel, also behind the garment.
        noise: typical distance of ground pixels to the ramp (robust standard deviation).
        share: share of the border that lies on the ramp, in [0, 1]; low when there is no plain ground.
    """

    colour: Lab
    noise: float
    share: float


def distance(lab: Lab, ground: Lab) -> NDArray[np.float32]:
    """(..., 3) and (..., 3) → (...) weighted distance."""
    return size_of(lab - ground)


def size_of(gap: Lab) -> NDArray[np.float32]:
    """(..., 3) Lab difference → (...) weighted size."""
    lightness, red, yellow = (np.ascontiguousarray(gap[..., channel]) for channel in range(3))
    size: NDArray[np.float32] = np.sqrt(lightness * lightness + CHROMA_WEIGHT**2 * (red * red + yellow * yellow))
    return size


def fit_border(lab: Lab, border_px: int) -> Ground:
    """Fit a linear ramp to the picture's border, without pixels that do not fit (a garment at the border)."""
    height, width = lab.shape[:2]
    border = np.zeros((height, width), bool)
    border[:border_px] = border[-border_px:] = border[:, :border_px] = border[:, -border_px:] = True
    return _fit(lab, border, powers=((0, 0), (1, 0), (0, 1)))


def fit_region(lab: Lab, region: NDArray[np.bool_]) -> Ground:
    """Fit a curved ramp (second order: vignettes, a lamp at one side) to all pixels known to be ground."""
    return _fit(lab, region, powers=((0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)))


def _fit(lab: Lab, where: NDArray[np.bool_], powers: tuple[tuple[int, int], ...]) -> Ground:
    rows, columns = np.nonzero(where)
    step = max(1, rows.size // 8_000)
    rows, columns = rows[::step], columns[::step]
    terms = _terms(rows, columns, lab.shape[:2], powers)
    samples = lab[rows, columns]
    ramp = np.zeros((len(powers), 3), np.float32)
    ramp[0] = _most_frequent(samples)
    for trim in TRIMS:
        close = distance(samples, terms @ ramp) < trim
        if np.count_nonzero(close) < 4 * len(powers):
            break
        ramp = np.linalg.lstsq(terms[close], samples[close], rcond=None)[0].astype(np.float32)
    gaps = distance(samples, terms @ ramp)
    on_ramp = gaps < TRIMS[-1]
    noise = 1.48 * float(np.median(gaps[on_ramp])) if on_ramp.any() else TRIMS[-1]
    return Ground(_spread(ramp, lab.shape[:2], powers), noise, float(on_ramp.mean()))


def _terms(
    rows: NDArray[np.int_], columns: NDArray[np.int_], shape: tuple[int, ...], powers: tuple[tuple[int, int], ...]
) -> NDArray[np.float32]:
    y, x = rows / shape[0] - 0.5, columns / shape[1] - 0.5
    return np.stack([y**i * x**j for i, j in powers], axis=-1).astype(np.float32)


def _most_frequent(samples: Lab) -> Lab:
    """The most frequent colour; unlike mean and median, robust where the garment covers nearly half of the border."""
    cells = np.floor((samples + np.array([0, 128, 128], np.float32)) / 6).astype(np.int64)
    keys = (cells[:, 0] * 64 + cells[:, 1]) * 64 + cells[:, 2]
    frequent: Lab = np.median(samples[keys == np.argmax(np.bincount(keys))], axis=0)
    return frequent


def _spread(ramp: Lab, shape: tuple[int, ...], powers: tuple[tuple[int, int], ...]) -> Lab:
    """Evaluate the ramp everywhere: per channel a product of two thin matrices, powers of y times powers of x."""
    y = (np.arange(shape[0]) / shape[0] - 0.5).astype(np.float32)
    x = (np.arange(shape[1]) / shape[1] - 0.5).astype(np.float32)
    rows = np.stack([y**i for i, _ in powers], axis=1)
    columns = np.stack([x**j for _, j in powers], axis=0)
    field: Lab = cv2.merge([(rows * ramp[:, channel]) @ columns for channel in range(3)])
    return field
