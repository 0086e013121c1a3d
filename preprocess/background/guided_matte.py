"""A mask becomes a soft matte along a photo's own edges: guided filter with a colour guide (He et al. 2010).

The guide is in colour because skin in front of a grey wall differs more in hue than in brightness. Solved at the working size and
applied at the photo's own resolution (He & Sun 2015), strip by strip, so that memory use does not grow with the photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Float

STRIP_ROWS = 512


@dataclass(frozen=True, kw_only=True)
class GuidedConfig:
    """Constants of the filter, for a person's window of about 1024 px."""

    radius_px: int = 6
    eps: float = 36.0  # regularisation on 0..255 values squared; larger = smoother
    stretch: tuple[float, float] = (0.1, 0.9)  # filtered values at and beyond which alpha is 0 and 1


def soften(photo: RGB, mask: Float, guide: RGB, config: GuidedConfig) -> NDArray[np.uint8]:
    """Soft alpha along the edges of a photo.

    Args:
        photo: (h, w, 3) uint8 RGB at the working size.
        mask: (h, w) float32 in [0, 1] at the working size.
        guide: (height, width, 3) uint8 RGB, the same view at the photo's own resolution.
        config: constants.

    Returns:
        (height, width) uint8, 255 = person.
    """
    slopes, offset = colour_coefficients(photo, mask, config.radius_px, config.eps)
    low, high = config.stretch
    height, width = guide.shape[:2]
    alpha = np.empty((height, width), np.uint8)
    for top in range(0, height, STRIP_ROWS):
        bottom = min(height, top + STRIP_ROWS)
        slope_rows, offset_rows = (_enlarged_rows(each, top, bottom, (height, width)) for each in (slopes, offset))
        parts = [slope * plane for slope, plane in zip(cv2.split(slope_rows), cv2.split(guide[top:bottom]), strict=True)]
        filtered = parts[0] + parts[1] + parts[2] + offset_rows
        alpha[top:bottom] = np.clip((filtered - low) / (high - low) * 255 + 0.5, 0, 255).astype(np.uint8)
    return alpha


def colour_coefficients(guide: RGB, image: Float, radius_px: int, eps: float) -> tuple[Float, Float]:
    """Local linear model image = slopes · colour + offset (He et al. 2010, equations 14-16 with the mean over windows).

    Solved only where a window is mixed; elsewhere the slopes are zero and the offset is the mask itself.

    Args:
        guide: (h, w, 3) uint8 RGB.
        image: (h, w) float32 in [0, 1].
        radius_px: half side of the box window.
        eps: regularisation on 0..255 values squared.

    Returns:
        (h, w, 3) float32 slopes per grey level, and (h, w) float32 offset.
    """
    side = (2 * radius_px + 1,) * 2
    mean_image = cv2.blur(image, side)
    mixed = np.flatnonzero((mean_image > 1e-4) & (mean_image < 1 - 1e-4))

    def mean_there(plane: Float) -> Float:
        """(m,) means of an (h, w) plane over the mixed windows."""
        means: Float = cv2.blur(plane, side).ravel()[mixed]
        return means

    slopes, offset = [np.zeros(image.shape, np.float32) for _ in range(3)], mean_image
    if mixed.size:
        colour = [plane.astype(np.float32) for plane in cv2.split(guide)]
        mean, mean_mask = [mean_there(plane) for plane in colour], mean_image.ravel()[mixed]
        covariance = [
            mean_there(colour[i] * colour[j]) - mean[i] * mean[j] + np.float32(eps if i == j else 0)
            for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
        ]
        cross = [mean_there(plane * image) - here * mean_mask for plane, here in zip(colour, mean, strict=True)]
        solved = _solve3(covariance, cross)
        for plane, values in zip(slopes, solved, strict=True):
            plane.ravel()[mixed] = values
        offset.ravel()[mixed] -= solved[0] * mean[0] + solved[1] * mean[1] + solved[2] * mean[2]
    return cv2.merge([cv2.blur(plane, side) for plane in slopes]), cv2.blur(offset, side)


def _solve3(matrices: Sequence[Float], vectors: Sequence[Float]) -> tuple[Float, Float, Float]:
    """Solve symmetric 3 × 3 systems by cofactors; numpy's general solver takes ten times as long.

    Args:
        matrices: the six elements of the upper triangles, row by row, (n,) each.
        vectors: the three elements of the right sides, (n,) each.
    """
    a, b, c, d, e, f = matrices
    cof = (d * f - e * e, c * e - b * f, b * e - c * d, a * f - c * c, b * c - a * e, a * d - b * b)
    x, y, z = vectors
    determinant = a * cof[0] + b * cof[1] + c * cof[2]
    return (
        (cof[0] * x + cof[1] * y + cof[2] * z) / determinant,
        (cof[1] * x + cof[3] * y + cof[4] * z) / determinant,
        (cof[2] * x + cof[4] * y + cof[5] * z) / determinant,
    )


def _enlarged_rows(image: Float, top: int, bottom: int, size: tuple[int, int]) -> Float:
    """Rows `top`..`bottom` of `image` enlarged bilinearly to `size` (height, width), without making the rest."""
    if image.shape[:2] == size:
        return image[top:bottom]
    scale_y, scale_x = image.shape[0] / size[0], image.shape[1] / size[1]
    matrix = np.array([[scale_x, 0, (scale_x - 1) / 2], [0, scale_y, (top + 0.5) * scale_y - 0.5]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    rows: Float = cv2.warpAffine(image, matrix, (size[1], bottom - top), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return rows
