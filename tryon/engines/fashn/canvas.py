"""Two resizes and a frame: pictures to the network's canvas, and the result back. Facts: docs/facts/fashn_vton.md#pictures."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core.arrays import RGB, Grey

Size = tuple[int, int]


class Padding(NamedTuple):
    """Black rows and columns around a picture on the canvas, pixels."""

    left: int
    top: int
    right: int
    bottom: int


def reduced(picture: RGB, side: int) -> RGB:
    """Fit into a square of `side` pixels, never enlarged: Lanczos, sizes cut to whole pixels."""
    height, width = picture.shape[:2]
    factor = min(side / width, side / height, 1.0)
    if factor == 1:
        return picture
    size = int(width * factor), int(height * factor)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def on_canvas(picture: RGB, canvas: Size) -> tuple[RGB, Padding]:
    """Fit a picture into (height, width), enlarged where it is smaller, centred on black."""
    size = _fitted(picture.shape, canvas)
    shrinks = size[0] <= picture.shape[0]
    resized = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LANCZOS4)
    return _framed(np.asarray(resized, np.uint8), canvas)


def drawing_on_canvas(drawing: Grey, canvas: Size) -> Grey:
    """The same for a drawing (h, w), without mixing its levels."""
    return _framed(nearest(drawing, _fitted(drawing.shape, canvas)), canvas)[0]


def nearest(levels: Grey, size: Size) -> Grey:
    """(h, w) levels at another size without mixing them, as OpenCV 4's `INTER_NEAREST_EXACT`; OpenCV 5 takes other neighbours.

    Facts: docs/facts/opencv.md#places-between-pixels.
    """
    rows, columns = (_places(old, new) for old, new in zip(levels.shape, size, strict=True))
    return np.ascontiguousarray(levels[rows[:, None], columns])


def _places(old: int, new: int) -> NDArray[np.int64]:
    """Which of `old` pixels each of `new` ones takes, in whole numbers of 1/65536 pixel."""
    step = ((old << 16) + new // 2) // new
    places: NDArray[np.int64] = np.minimum((step // 2 - old % 2 + step * np.arange(new)) >> 16, old - 1)
    return places


def without(picture: RGB, padding: Padding) -> RGB:
    """The picture inside the frame."""
    height, width = picture.shape[:2]
    return picture[padding.top : height - padding.bottom, padding.left : width - padding.right]


def _fitted(shape: tuple[int, ...], canvas: Size) -> Size:
    factor = min(canvas[1] / shape[1], canvas[0] / shape[0])
    return int(shape[0] * factor), int(shape[1] * factor)


def _framed(picture: NDArray[np.uint8], canvas: Size) -> tuple[NDArray[np.uint8], Padding]:
    rows, columns = canvas[0] - picture.shape[0], canvas[1] - picture.shape[1]
    padding = Padding(columns // 2, rows // 2, columns - columns // 2, rows - rows // 2)
    sides = (padding.top, padding.bottom), (padding.left, padding.right)
    return np.pad(picture, (*sides, *((0, 0) for _ in picture.shape[2:]))), padding
