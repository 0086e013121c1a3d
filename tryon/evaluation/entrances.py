"""How a picture enters Inception: three ways to 299 × 299 that the field uses, whose numbers differ by tens of grey levels.

Facts: docs/facts/evaluation.md#fid-and-kid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core.arrays import RGB

SIDE = 299
F32 = NDArray[np.float32]


def clean(picture: RGB) -> F32:
    """(h, w, 3) uint8 → (299, 299, 3) float32 on 0..255: Pillow's bicubic on each channel as float, clipped, not rounded."""
    channels = [Image.fromarray(picture[..., k].astype(np.float32), "F") for k in range(3)]
    small = [np.asarray(each.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32) for each in channels]
    return np.clip(np.stack(small, -1), 0, 255)


def pytorch(picture: RGB) -> F32:
    """The same by bilinear interpolation between pixel centres, without blurring first: pytorch-fid."""
    rows, columns = (_between(size, half_pixel=True) for size in picture.shape[:2])
    return _interpolated(picture.astype(np.float32), rows, columns)


def tf1(picture: RGB) -> F32:
    """The same as TensorFlow 1 did it: source = target × scale, without the half pixel; torch-fidelity."""
    rows, columns = (_between(size, half_pixel=False) for size in picture.shape[:2])
    return _interpolated(picture.astype(np.float32), rows, columns)


def _between(size: int, half_pixel: bool) -> tuple[NDArray[np.int64], NDArray[np.int64], F32]:
    """Lower and upper source pixel of each target pixel, and the share of the upper one."""
    scale = size / SIDE
    place = (np.arange(SIDE) + 0.5) * scale - 0.5 if half_pixel else np.arange(SIDE) * scale
    place = np.clip(place, 0, None)
    low: NDArray[np.int64] = np.minimum(np.floor(place).astype(np.int64), size - 1)
    return low, np.minimum(low + 1, size - 1), (place - low).astype(np.float32)


def _interpolated(
    image: F32, rows: tuple[NDArray[np.int64], NDArray[np.int64], F32], columns: tuple[NDArray[np.int64], NDArray[np.int64], F32]
) -> F32:
    (top, bottom, down), (left, right, across) = rows, columns
    upper = image[top][:, left] * (1 - across[:, None]) + image[top][:, right] * across[:, None]
    lower = image[bottom][:, left] * (1 - across[:, None]) + image[bottom][:, right] * across[:, None]
    return np.asarray(upper * (1 - down[:, None, None]) + lower * down[:, None, None], np.float32)
