"""From a person probability to a mask: GrabCut decides where the probability is unsure and is overruled where it is very low.

Pure functions (docs/facts/embedded_methods.md#matte). All pixel constants hold for a person window of 1024 px and scale with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import RGB, Float
from pipeline.core.masks import Mask

BONES = (
    (11, 12), (11, 13), (13, 15), (12, 14), (14, 16), (11, 23), (12, 24), (23, 24),
    (23, 25), (25, 27), (24, 26), (26, 28), (27, 31), (28, 32), (15, 19), (16, 20), (11, 24), (12, 23),
)  # fmt: skip
VISIBLE = 0.6


@dataclass(frozen=True, kw_only=True)
class MattingConfig:
    """Constants of the matte, in pixels of a 1024 px window."""

    sure: float = 0.9  # probability above which, after erosion, a pixel is surely person
    maybe: float = 0.1  # probability below which, beyond `reach_px`, it surely is not
    reach_px: float = 14.0
    erode_px: float = 12.0
    bone_px: float = 6.0
    iterations: int = 4  # of GrabCut at half size; the last is at full size
    veto: float = 0.2  # below this probability GrabCut is overruled: it takes a red flag for a red sleeve
    speck_share: float = 0.02  # separate parts below this share of the largest part are dropped …
    speck_probability: float = 0.6  # … and larger ones too, unless their mean probability is above this
    hole_probability: float = 0.75  # enclosed holes are filled above this mean probability
    close_px: float = 1.0


def bone_mask(body: Float, size: tuple[int, int], thickness_px: float) -> Mask:
    """(h, w) bool: lines along limbs whose two ends are visible. body: (33, 4) in pixels of a picture of `size`."""
    drawn = np.zeros(size, np.uint8)
    for a, b in BONES:
        if min(body[a, 3], body[b, 3]) > VISIBLE:
            ends = [tuple(int(v) for v in np.round(np.clip(body[i, :2], -4096, 4096))) for i in (a, b)]
            cv2.line(drawn, ends[0], ends[1], 1, max(1, round(thickness_px)))
    return drawn.astype(bool)


def segment(photo: RGB, probability: Float, bones: Mask, others: Float, seed: int, config: MattingConfig) -> Mask:
    """Which pixels are the person: GrabCut where neither side is sure.

    Args:
        photo: (h, w, 3) uint8 RGB, the person's window.
        probability: (h, w) float32 in [0, 1] of the person.
        bones: (h, w) bool, surely person where the probability agrees.
        others: (h, w) float32 in [0, 1] of all other people.
        seed: for OpenCV's random generator, which GrabCut uses.
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
    if sure.any() and outside.any():
        cv2.setRNGSeed(seed & 0x7FFFFFFF)
        labels = _grab_cut(cv2.cvtColor(photo, cv2.COLOR_RGB2BGR), labels, config.iterations)
    found: Mask = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    wide = cv2.dilate(probability, np.ones((3, 3), np.uint8))
    found = (found & (wide > config.veto)) | sure
    solid = masks.close(_main_parts(found, probability, config), config.close_px * k)
    return _without_unlikely_holes(solid, probability, config)


def _grab_cut(bgr: RGB, labels: NDArray[np.uint8], iterations: int) -> NDArray[np.uint8]:
    """Learn the colours at half size, where an iteration costs a quarter; one more at full size finds the edge."""
    model = np.zeros((2, 1, 65))
    half = (max(8, bgr.shape[1] // 2), max(8, bgr.shape[0] // 2))
    small = cv2.resize(bgr, half, interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(labels, half, interpolation=cv2.INTER_NEAREST)
    if (coarse == cv2.GC_FGD).any() and (coarse == cv2.GC_BGD).any():
        coarse, _, _ = cv2.grabCut(small, coarse, None, model[0], model[1], iterations - 1, cv2.GC_INIT_WITH_MASK)
    guess = cv2.resize(coarse, labels.shape[::-1], interpolation=cv2.INTER_NEAREST)
    undecided = (labels != cv2.GC_FGD) & (labels != cv2.GC_BGD)
    person = (guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD)
    labels = np.where(undecided, np.where(person, cv2.GC_PR_FGD, cv2.GC_PR_BGD), labels).astype(np.uint8)
    decided, _, _ = cv2.grabCut(bgr, labels, None, model[0], model[1], 1, cv2.GC_EVAL)
    return np.asarray(decided, np.uint8)


def _without_unlikely_holes(found: Mask, probability: Float, config: MattingConfig) -> Mask:
    """Fill holes that are probably person: badges and prints in a colour of the background."""
    holes = masks.fill_holes(found) & ~found
    if not holes.any():
        return found
    numbers, areas = masks.components(holes)
    sums = np.bincount(numbers.ravel(), weights=probability.ravel(), minlength=len(areas))
    fill = sums / np.maximum(areas, 1) > config.hole_probability
    fill[0] = False
    filled: Mask = found | fill[numbers]
    return filled


def _main_parts(found: Mask, probability: Float, config: MattingConfig) -> Mask:
    """The largest part, and all others that are neither small nor improbable."""
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
