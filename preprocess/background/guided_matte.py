"""A mask becomes a soft matte along a photo's own edges: guided filter with a colour guide (He et al. 2010).

The guide is in colour because skin in front of a grey wall differs more in hue than in brightness. Solved at the working size and
applied at the photo's own resolution (He & Sun 2015), strip by strip, so that memory use does not grow with the photo.
"""

from __future__ import annotations

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
        filtered = np.einsum("hwc,hwc->hw", slope_rows, guide[top:bottom].astype(np.float32)) + offset_rows
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
    colour = guide.astype(np.float32)
    mean_image = cv2.blur(image, side)
    rows, columns = np.nonzero((mean_image > 1e-4) & (mean_image < 1 - 1e-4))
    slopes, offset = np.zeros(guide.shape, np.float32), mean_image
    if rows.size:
        mean = cv2.blur(colour, side)
        here = mean[rows, columns]
        covariance = np.empty((rows.size, 3, 3), np.float32)
        for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
            product = cv2.blur(colour[..., i] * colour[..., j], side)[rows, columns] - here[:, i] * here[:, j]
            covariance[:, i, j] = covariance[:, j, i] = product
        covariance += eps * np.eye(3, dtype=np.float32)
        cross = cv2.blur(colour * image[..., None], side)[rows, columns] - here * mean_image[rows, columns, None]
        slopes[rows, columns] = _solve3(covariance, cross)
        offset = mean_image - np.einsum("hwc,hwc->hw", slopes, mean)
    return cv2.blur(slopes, side), cv2.blur(offset, side)


def _solve3(matrices: Float, vectors: Float) -> Float:
    """Solve (n, 3, 3) symmetric systems by cofactors; numpy's general solver takes ten times as long."""
    a, b, c = matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 0, 2]
    d, e, f = matrices[:, 1, 1], matrices[:, 1, 2], matrices[:, 2, 2]
    cof = (d * f - e * e, c * e - b * f, b * e - c * d, a * f - c * c, b * c - a * e, a * d - b * b)
    x, y, z = vectors.T
    solved = (
        cof[0] * x + cof[1] * y + cof[2] * z,
        cof[1] * x + cof[3] * y + cof[4] * z,
        cof[2] * x + cof[4] * y + cof[5] * z,
    )
    result: Float = np.stack(solved, axis=1) / (a * cof[0] + b * cof[1] + c * cof[2])[:, None]
    return result


def _enlarged_rows(image: Float, top: int, bottom: int, size: tuple[int, int]) -> Float:
    """Rows `top`..`bottom` of `image` enlarged bilinearly to `size` (height, width), without making the rest."""
    scale_y, scale_x = image.shape[0] / size[0], image.shape[1] / size[1]
    matrix = np.array([[scale_x, 0, (scale_x - 1) / 2], [0, scale_y, (top + 0.5) * scale_y - 0.5]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    rows: Float = cv2.warpAffine(image, matrix, (size[1], bottom - top), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return rows
