"""Photo ↔ model canvas: one uniform scale and one shift, with an exact inverse, so that proportions stay."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import InputError
from pipeline.core.layout import CANVAS, Layout, Ref, make_again

PAD_GREY = 215
"""Fill outside the photo; flat, because replicated borders turn into streaks that segmenters take for a body."""
STUDIO_GREY = 230
"""The even ground on which the GS-VITON demo puts its people (docs/facts/gs_viton_folder.md#ground)."""


@dataclass(frozen=True)
class Frame:
    """The window of a photo that fills the canvas.

    Args:
        photo_height, photo_width: size of the upright photo (as worked on) in pixels.
        top, left: upper left corner of the window in photo pixels; negative where the window leaves the photo.
        height: height of the window in photo pixels; its width follows from the canvas shape.
        canvas_height, canvas_width: size of the canvas in pixels.
    """

    photo_height: int
    photo_width: int
    top: float
    left: float
    height: float
    canvas_height: int = CANVAS[0]
    canvas_width: int = CANVAS[1]

    @property
    def scale(self) -> float:
        """Canvas pixels per photo pixel."""
        return self.canvas_height / self.height

    @property
    def width(self) -> float:
        """Width of the window in photo pixels."""
        return self.canvas_width / self.scale

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 3) affine from photo to canvas coordinates, pixel centres at integers."""
        s = self.scale
        shift = (s - 1) / 2  # pixel centres: a window of n pixels maps edge to edge, not centre to centre
        return np.array([[s, 0, shift - s * self.left], [0, s, shift - s * self.top]], np.float64)

    @property
    def inverse(self) -> NDArray[np.float64]:
        """(2, 3) affine from canvas to photo coordinates."""
        inverse: NDArray[np.float64] = cv2.invertAffineTransform(self.matrix)
        return inverse

    def to_canvas(self, photo: NDArray[np.uint8], fill: int = PAD_GREY) -> NDArray[np.uint8]:
        """(photo_height, photo_width[, 3]) uint8 → canvas-sized uint8; `fill` is the grey level outside the photo."""
        if self.scale < 1:
            return self._shrink(photo, fill)
        size = (self.canvas_width, self.canvas_height)
        return _warp(photo, self.matrix, size, cv2.INTER_CUBIC, fill)

    def _shrink(self, photo: NDArray[np.uint8], fill: int) -> NDArray[np.uint8]:
        """Blur before sampling, so that fine texture does not alias."""
        sigma = 0.45 * (1 / self.scale - 1) + 0.2
        smooth = cv2.GaussianBlur(photo, (0, 0), sigma) if self.scale < 0.9 else photo
        return _warp(smooth, self.matrix, (self.canvas_width, self.canvas_height), cv2.INTER_LINEAR, fill)

    def to_photo(self, canvas: NDArray[np.uint8], fill: int = 0) -> NDArray[np.uint8]:
        """Canvas-sized uint8 → photo-sized uint8; `fill` outside the window."""
        return _warp(
            canvas,
            self.inverse,
            (self.photo_width, self.photo_height),
            cv2.INTER_CUBIC if self.scale < 1 else cv2.INTER_AREA,
            fill,
        )

    def points_to_canvas(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, 2) photo x, y → (n, 2) canvas x, y."""
        return _affine(points, self.matrix)

    def points_to_photo(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, 2) canvas x, y → (n, 2) photo x, y."""
        return _affine(points, self.inverse)

    def to_json(self) -> str:
        """The frame as a small JSON file."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Frame:
        """The frame that `to_json` wrote."""
        return Frame(**json.loads(text))


def whole_photo(size: tuple[int, int], canvas: tuple[int, int] = CANVAS) -> Frame:
    """The frame that shows all of a photo, centred; for photos that already have the canvas's shape.

    Args:
        size: (height, width) of the photo.
        canvas: (height, width) of the canvas.
    """
    height = max(size[0], size[1] * canvas[0] / canvas[1])
    width = height * canvas[1] / canvas[0]
    return Frame(*size, (size[0] - height) / 2, (size[1] - width) / 2, height, *canvas)


def check_canvas_size(layout: Layout, ref: Ref, size: tuple[int, ...], canvas: tuple[int, ...]) -> None:
    """Compare an artefact's size with that of the person's picture.

    Args:
        layout: the run's folders.
        ref: the artefact.
        size: (height, width, ...) of the artefact.
        canvas: (height, width, ...) of the person's picture.

    Raises:
        InputError: they differ.
    """
    (height, width), (right_height, right_width) = size[:2], canvas[:2]
    if (height, width) != (right_height, right_width):
        raise InputError(
            f"{layout.path(ref)}: {width}×{height} pixels, but the person's canvas is {right_width}×{right_height}",
            f"bring it to {right_width}×{right_height}, or delete it and: {make_again(ref)}",
        )


def _warp(
    image: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int], flag: int, fill: int
) -> NDArray[np.uint8]:
    value = (fill,) * (image.shape[2] if image.ndim == 3 else 1)
    warped: NDArray[np.uint8] = cv2.warpAffine(image, matrix, size, flags=flag, borderMode=cv2.BORDER_CONSTANT, borderValue=value)
    return warped


def _affine(points: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    moved: NDArray[np.float32] = (np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return moved
