"""Our canvas in the networks' picture, and back: one uniform scale, nothing is squashed (docs/facts/viton_hd.md#pictures)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tryon.engines.viton_hd.architecture import Size

Level = int | tuple[int, int, int]


@dataclass(frozen=True)
class Fit:
    """How a canvas lies in the networks' picture: as large as it fits, in the middle.

    Args:
        canvas: (height, width) of ours.
        size: (height, width) of theirs.
    """

    canvas: Size
    size: Size

    @property
    def inner(self) -> Size:
        """(height, width) of the canvas inside their picture."""
        scale = min(self.size[0] / self.canvas[0], self.size[1] / self.canvas[1])
        return round(self.canvas[0] * scale), round(self.canvas[1] * scale)

    @property
    def corner(self) -> tuple[int, int]:
        """(row, column) where the canvas begins."""
        return (self.size[0] - self.inner[0]) // 2, (self.size[1] - self.inner[1]) // 2

    def into(self, picture: NDArray[np.uint8], fill: Level) -> NDArray[np.uint8]:
        """A picture in their size; bilinear, smooth when reduced.

        Args:
            picture: (h, w, 3) uint8.
            fill: what is around it.
        """
        return self._around(resized(picture, self.inner, Image.Resampling.BILINEAR), fill)

    def labels_into(self, labels: NDArray[np.uint8], fill: int = 0) -> NDArray[np.uint8]:
        """A map of labels or a mask in their size; nearest."""
        return self._around(resized(labels, self.inner, Image.Resampling.NEAREST), fill)

    def back(self, picture: NDArray[np.uint8], *, smooth: bool) -> NDArray[np.uint8]:
        """Their picture, (*size) or (*size, 3) uint8, on our canvas.

        Args:
            picture: of the networks.
            smooth: enlarged with soft edges; False repeats pixels, so that `into` gives the same back.
        """
        (row, column), (height, width) = self.corner, self.inner
        cut = picture[row : row + height, column : column + width]
        return resized(cut, self.canvas, Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST)

    def _around(self, picture: NDArray[np.uint8], fill: Level) -> NDArray[np.uint8]:
        if picture.shape[:2] == self.size:
            return picture
        (row, column), (height, width) = self.corner, self.inner
        around = np.empty((*self.size, *picture.shape[2:]), np.uint8)
        around[:] = fill
        around[row : row + height, column : column + width] = picture
        return around


def resized(picture: NDArray[np.uint8], size: Size, how: Image.Resampling) -> NDArray[np.uint8]:
    """Pillow's resizing, which the published loaders use; a picture of the right size stays as it is."""
    if picture.shape[:2] == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize(size[::-1], how))
