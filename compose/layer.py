"""A cut-out person as a layer over a background: warped once, kept as straight colour and alpha in a window of the background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.rect import Rect, Window

Colour = NDArray[np.float32]
Plane = NDArray[np.float32]
MARGIN = 2
BLUR_BELOW = 0.9
"""Scales below this are blurred before sampling, so that fine texture does not alias."""
TINIEST = 0.01
"""Scales below this are averaged before they are blurred: somebody of 4,000 pixels who becomes 40."""


@dataclass(frozen=True)
class Layer:
    """A window of the background with something in it.

    Args:
        top, left: upper left corner in background pixels; the window lies wholly inside the background.
        colour: (h, w, 3) float32 RGB 0..255, straight (not multiplied by alpha).
        alpha: (h, w) float32 in [0, 1].
    """

    top: int
    left: int
    colour: Colour
    alpha: Plane

    @property
    def window(self) -> Window:
        """The rows and columns of the background that the layer covers."""
        height, width = self.alpha.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def warp_layer(cutout: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int]) -> Layer | None:
    """Bring a cut-out into a background with one resampling.

    Colours are multiplied by alpha before they are filtered and divided afterwards, so that nothing of what lies below full
    transparency bleeds in (Porter & Duff 1984). Where the photo's edge cuts the body, the last row is continued instead of
    fading out.

    Args:
        cutout: (h, w, 4) uint8 RGBA, straight alpha.
        matrix: (2, 3) affine from photo to background coordinates.
        size: (height, width) of the background.

    Returns:
        None when nothing of the person falls into the background.
    """
    source = _visible(cutout[..., 3])
    target = None if source is None else _target(source, matrix, size)
    if source is None or target is None:
        return None
    rows, columns = source
    alpha = cutout[rows, columns, 3:].astype(np.float32) / 255
    premultiplied = np.concatenate([cutout[rows, columns, :3] * alpha, alpha], axis=2)
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ (columns.start, rows.start) - (target.left, target.top)
    premultiplied, shifted = _shrunk(premultiplied, shifted)
    scale = _scale_of(shifted)
    if scale < BLUR_BELOW:
        sigma = min(0.45 * (1 / scale - 1) + 0.2, max(premultiplied.shape))
        premultiplied = cv2.GaussianBlur(premultiplied, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    flag = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
    warped = cv2.warpAffine(premultiplied, shifted, (target.width, target.height), flags=flag, borderMode=cv2.BORDER_REPLICATE)
    return Layer(target.top, target.left, _straight(warped), np.clip(warped[..., 3], 0, 1))


def _shrunk(premultiplied: Colour, matrix: NDArray[np.float64]) -> tuple[Colour, NDArray[np.float64]]:
    """A picture that becomes tiny is averaged first: the filter for it would be larger than the picture, and take hours."""
    times = TINIEST / max(_scale_of(matrix), 1e-12)
    if times <= 1:
        return premultiplied, matrix
    height, width = premultiplied.shape[:2]
    small = cv2.resize(premultiplied, (max(1, round(width / times)), max(1, round(height / times))), interpolation=cv2.INTER_AREA)
    across, down = width / small.shape[1], height / small.shape[0]
    back = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
    return np.asarray(small, np.float32).reshape(*small.shape[:2], 4), matrix @ back


def _scale_of(matrix: NDArray[np.float64]) -> float:
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def _straight(premultiplied: Colour) -> Colour:
    divisor = np.maximum(premultiplied[..., 3:], 1 / 255)
    colour: Colour = np.clip(premultiplied[..., :3] / divisor, 0, 255)
    return colour


def _visible(alpha: NDArray[np.uint8]) -> Window | None:
    """The window of the photo with any alpha, with a margin inside the photo."""
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    if rows.size == 0:
        return None
    return _padded(rows, alpha.shape[0]), _padded(columns, alpha.shape[1])


def _padded(found: NDArray[np.intp], limit: int) -> slice:
    return slice(max(int(found[0]) - MARGIN, 0), min(int(found[-1]) + 1 + MARGIN, limit))


def _target(source: Window, matrix: NDArray[np.float64], size: tuple[int, int]) -> Rect[int] | None:
    """The part of the background that the source window lands in, cut to the background."""
    rows, columns = source
    corners = np.array([[x, y] for x in (columns.start, columns.stop - 1) for y in (rows.start, rows.stop - 1)], np.float64)
    moved = corners @ matrix[:, :2].T + matrix[:, 2]
    left, top = np.maximum(np.floor(moved.min(0)).astype(int) - MARGIN, 0)
    right, bottom = np.minimum(np.ceil(moved.max(0)).astype(int) + 1 + MARGIN, (size[1], size[0]))
    if left >= right or top >= bottom:
        return None
    return Rect(int(top), int(left), int(bottom - top), int(right - left))


def paint(canvas: NDArray[np.uint8], layer: Layer) -> None:
    """Lay a layer over a picture, in place; pixels with alpha 0 keep their value exactly.

    Args:
        canvas: (h, w, 3) RGB uint8, changed.
        layer: what to paint.
    """
    below = canvas[layer.window].astype(np.float32)
    mixed = below + (layer.colour - below) * layer.alpha[..., None]
    canvas[layer.window] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
