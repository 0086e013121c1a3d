"""From a person probability to a soft matte: GrabCut decides, a guided filter softens, large photos are refined where it matters.

Pure functions (issue chapter 8.2, step 2). All pixel constants hold for a person window of 1024 px and scale with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.masks import Mask

RGB = NDArray[np.uint8]
Float = NDArray[np.float32]

BONES = (
    (11, 12), (11, 13), (13, 15), (12, 14), (14, 16), (11, 23), (12, 24), (23, 24),
    (23, 25), (25, 27), (24, 26), (26, 28), (27, 31), (28, 32), (15, 19), (16, 20), (11, 24), (12, 23),
)  # fmt: skip
VISIBLE = 0.6
STRIP_ROWS = 512


@dataclass(frozen=True, kw_only=True)
class MattingConfig:
    """Constants of the matte, in pixels of a 1024 px window."""

    sure: float = 0.9  # probability above which, after erosion, a pixel is surely person
    maybe: float = 0.1  # below which, beyond `reach_px`, it surely is not
    reach_px: float = 31.0
    erode_px: float = 6.0
    bone_px: float = 6.0
    iterations: int = 4
    speck_share: float = 0.02  # separate parts below this share of the largest are dropped …
    speck_probability: float = 0.6  # … and larger ones too, unless their mean probability is above this
    close_px: float = 4.0
    guide_radius_px: int = 8
    guide_eps: float = 64.0  # on 0..255 values squared
    stretch: tuple[float, float] = (0.1, 0.9)


def bone_mask(body: Float, size: tuple[int, int], thickness_px: float) -> Mask:
    """(h, w) bool: lines along limbs whose two ends are in sight. body: (33, 4) in pixels of a picture of `size`."""
    drawn = np.zeros(size, np.uint8)
    for a, b in BONES:
        if min(body[a, 3], body[b, 3]) > VISIBLE:
            ends = [tuple(int(v) for v in np.round(np.clip(body[i, :2], -4096, 4096))) for i in (a, b)]
            cv2.line(drawn, ends[0], ends[1], 1, max(1, round(thickness_px)))
    return drawn.astype(bool)


def segment(photo: RGB, probability: Float, bones: Mask, others: Float, seed: int, config: MattingConfig) -> Mask:
    """Which pixels are the person: GrabCut between what is sure.

    Args:
        photo: (h, w, 3) uint8 RGB, the person's window.
        probability: (h, w) float32 in [0, 1] of the person.
        bones: (h, w) bool, on the person for certain where the probability agrees.
        others: (h, w) float32 in [0, 1] of anybody else.
        seed: for OpenCV's generator, which GrabCut draws from.
        config: constants.

    Returns:
        (h, w) bool.
    """
    k = max(probability.shape) / 1024
    sure = masks.erode(probability > config.sure, config.erode_px * k) | (bones & (probability > 0.5))
    outside = ~masks.dilate(probability > config.maybe, config.reach_px * k) | ((others > 0.6) & (probability < 0.3))
    labels = np.where(probability > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[outside] = cv2.GC_BGD
    labels[sure] = cv2.GC_FGD
    if sure.any() and (labels != cv2.GC_FGD).any():
        cv2.setRNGSeed(seed & 0x7FFFFFFF)
        model = np.zeros((2, 1, 65))
        bgr = cv2.cvtColor(photo, cv2.COLOR_RGB2BGR)
        labels, _, _ = cv2.grabCut(bgr, labels, None, model[0], model[1], config.iterations, cv2.GC_INIT_WITH_MASK)
    found: Mask = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return masks.close(_main_parts(found, probability, config), config.close_px * k)


def _main_parts(found: Mask, probability: Float, config: MattingConfig) -> Mask:
    """The largest part, and others that are neither specks nor unlikely."""
    numbers, areas = masks.components(found)
    if len(areas) < 2:
        return found
    biggest = int(areas[1:].max())
    sums = np.bincount(numbers.ravel(), weights=probability.ravel(), minlength=len(areas))
    keep = (areas > config.speck_share * biggest) & (sums / np.maximum(areas, 1) > config.speck_probability)
    keep |= areas == biggest
    keep[0] = False
    kept: Mask = keep[numbers]
    return kept


def soften(photo: RGB, mask: Mask, guide: RGB, config: MattingConfig) -> NDArray[np.uint8]:
    """Soft alpha at the size of `guide` along the edges of `guide`: a guided filter solved small and applied large (He & Sun 2015).

    Args:
        photo: (h, w, 3) uint8 RGB at the working size.
        mask: (h, w) bool at the working size.
        guide: (height, width, 3) uint8 RGB, the same window at the photo's own resolution.
        config: constants.

    Returns:
        (height, width) uint8, 255 = person.
    """
    slope, offset = _guided_coefficients(photo, mask.astype(np.float32), config)
    size = guide.shape[:2]
    low, high = config.stretch
    alpha = np.empty(size, np.uint8)
    scale = mask.shape[0] / size[0]
    for top in range(0, size[0], STRIP_ROWS):
        bottom = min(size[0], top + STRIP_ROWS)
        strip = cv2.cvtColor(guide[top:bottom], cv2.COLOR_RGB2GRAY).astype(np.float32)
        a, b = (_enlarged_rows(each, top, bottom, size[1], scale) for each in (slope, offset))
        alpha[top:bottom] = np.clip((a * strip + b - low) / (high - low) * 255 + 0.5, 0, 255).astype(np.uint8)
    return alpha


def _guided_coefficients(photo: RGB, mask: Float, config: MattingConfig) -> tuple[Float, Float]:
    """Slope and offset of the guided filter with a grey guide (He et al. 2010, equations 5, 6, 8)."""
    side = (2 * config.guide_radius_px + 1,) * 2
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    mean_g, mean_m = cv2.blur(grey, side), cv2.blur(mask, side)
    variance = cv2.blur(grey * grey, side) - mean_g * mean_g
    slope = (cv2.blur(grey * mask, side) - mean_g * mean_m) / (variance + config.guide_eps)
    return cv2.blur(slope, side), cv2.blur(mean_m - slope * mean_g, side)


def _enlarged_rows(image: Float, top: int, bottom: int, width: int, scale: float) -> Float:
    """Rows `top`..`bottom` of `image` enlarged bilinearly by 1 / scale, without making the rest."""
    scale_x = image.shape[1] / width
    matrix = np.array([[scale_x, 0, (scale_x - 1) / 2], [0, scale, (top + 0.5) * scale - 0.5]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    rows: Float = cv2.warpAffine(image, matrix, (width, bottom - top), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return rows
