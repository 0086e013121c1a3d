"""Figures of our artefacts against the exact truth of rendered people: matte, key-points, labels, and the worn garment.

Pictures are compared on the canvas, mattes on the photo. Nothing here knows how a picture was made.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from pipeline.core.arrays import RGB
from pipeline.core.frame import Frame
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask, dilate, erode, iou
from pipeline.core.pixels.colour import ciede2000, to_lab_exactly

NECK, MID_HIP = 1, 8
PARTS = {
    "torso": (1, 2), "hands": (3, 4), "feet": (5, 6), "thighs": (7, 8, 9, 10), "shins": (11, 12, 13, 14),
    "upper arms": (15, 16, 17, 18), "forearms": (19, 20, 21, 22), "head": (23, 24),
}  # fmt: skip
LABELS = {
    "hair": (Parse.HAIR,), "face": (Parse.FACE, Parse.SUNGLASSES), "upper": (Parse.UPPER_CLOTHES, Parse.COAT),
    "lower": (Parse.PANTS, Parse.SKIRT), "arms": (Parse.LEFT_ARM, Parse.RIGHT_ARM), "shoes": (Parse.LEFT_SHOE, Parse.RIGHT_SHOE),
}  # fmt: skip
LEAST_PX = 400
"""Smaller true areas are not judged."""
NEAR_PX = 4
"""How far from the true outline the matte's edge is judged, on photos 600 px high."""


def matte_errors(ours: NDArray[np.uint8], true: NDArray[np.uint8]) -> tuple[float, float]:
    """IoU of the two mattes (h, w), and their mean difference near the true outline, 0..1."""
    inside = true > 127
    near = dilate(inside, NEAR_PX) & ~erode(inside, NEAR_PX)
    return iou(ours > 127, inside), float(np.abs(ours.astype(float) - true)[near].mean() / 255)


def point_errors(ours: NDArray[np.float32], true: NDArray[np.float32]) -> NDArray[np.float64]:
    """Distances of the BODY_25 points (25, 3) that both have, as shares of the torso's length."""
    torso = np.linalg.norm(true[NECK, :2] - true[MID_HIP, :2])
    both = (ours[:, 2] > 0) & (true[:, 2] > 0)
    shares: NDArray[np.float64] = np.linalg.norm(ours[both, :2] - true[both, :2], axis=1) / torso
    return shares


def overlaps(ours: NDArray[np.integer], true: NDArray[np.integer], groups: dict[str, tuple[int, ...]]) -> dict[str, float]:
    """IoU of each group of labels on two maps (h, w), where the true one is large enough."""
    there = {name: np.isin(true, ids) for name, ids in groups.items()}
    return {name: iou(np.isin(ours, groups[name]), area) for name, area in there.items() if area.sum() >= LEAST_PX}


def labels_on_canvas(labels: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """A map of the photo on the canvas, label by label, so that no label arises between two others."""
    canvas = np.zeros(frame.to_canvas(labels).shape, np.uint8)
    for each in np.unique(labels[labels > 0]):
        canvas[frame.to_canvas(np.where(labels == each, 255, 0).astype(np.uint8), fill=0) >= 128] = each
    return canvas


@dataclass(frozen=True)
class Worn:
    """A made picture against the picture of the garment really worn.

    Args:
        overlap: IoU of the painted and the true garment.
        colour: mean CIEDE2000 inside the true garment.
        edge_px: mean distance between the two outlines, either way, on a canvas 1024 px high.
        ssim: mean structural similarity inside the true garment.
    """

    overlap: float
    colour: float
    edge_px: float
    ssim: float


def compare_worn(made: RGB, painted: Mask, true: RGB, worn: Mask) -> Worn:
    """Figures of one picture.

    Args:
        made: (h, w, 3) uint8 RGB, the engine's picture.
        painted: (h, w) bool, where its garment is.
        true: (h, w, 3) uint8 RGB, the garment really worn.
        worn: (h, w) bool, where it is.
    """
    difference = ciede2000(to_lab_exactly(made), to_lab_exactly(true))
    first, second = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (made, true))
    similar = structural_similarity(first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True)[1]
    apart = (_away(painted, worn) + _away(worn, painted)) / 2
    return Worn(iou(painted, worn), float(difference[worn].mean()), apart, float(similar[worn].mean()))


def _away(first: Mask, second: Mask) -> float:
    """Mean distance of the first mask's outline from the second's."""
    outlines = [each & ~erode(each, 1) for each in (first, second)]
    distance = cv2.distanceTransform((~outlines[1]).astype(np.uint8), cv2.DIST_L2, 5)
    return float(distance[outlines[0]].mean())
