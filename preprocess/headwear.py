"""Hat or hair: what sits on the head is a hat when it has a brim, or when it differs from the hair that shows below it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.labels import Joint, Parse
from preprocess.colour_models import Lab
from preprocess.parse_regions import Regions

Labels = NDArray[np.uint8]

BRIM = 1.45
"""A brim is this much wider than the head at the ears; hair that wide is wide at the ears too."""
OTHER_COLOUR = 22.0
"""Lab distance (lightness halved) between the top of the head and the hair beside the face."""
MIN_ROWS = 6


def find_hat(labels: Labels, lab: Lab, regions: Regions) -> Labels:
    """Turn hair above the eyes into hat where the outline or the colour says so.

    Args:
        labels: (h, w) uint8 of `Parse`.
        lab: (h, w, 3) float32.
        regions: the body's shapes at the same size.
    """
    result = labels.copy()
    head = np.isin(labels, (Parse.HAIR, Parse.FACE))
    hair = labels == Parse.HAIR
    height = height_above_eyes(regions)
    top = hair & (height > 0.05)
    if np.count_nonzero(top) < 60 or not len(regions.body.face_oval):
        return result
    if _has_brim(head, height) or _differs(hair, top, lab, height):
        result[top] = Parse.HAT
    return result


def height_above_eyes(regions: Regions) -> NDArray[np.float32]:
    """(h, w) float32: distance above the line through the eyes, in heights of the skull."""
    body = regions.body
    right, left = body.at(Joint.RIGHT_EYE), body.at(Joint.LEFT_EYE)
    across = left - right if left[0] > right[0] else right - left
    length = float(np.hypot(*across))
    across = across / length if length > 2 else np.array([1.0, 0.0], np.float32)
    up = np.array([across[1], -across[0]], np.float32)
    rows, columns = np.indices(regions.face.shape, np.float32)
    middle = (right + left) / 2
    height: NDArray[np.float32] = ((columns - middle[0]) * up[0] + (rows - middle[1]) * up[1]) / regions.head_px
    return height


def _has_brim(head: NDArray[np.bool_], height: NDArray[np.float32]) -> bool:
    """Whether the head is much wider somewhere above the eyes than at the ears."""
    at_ears = _width(head, (height > -0.25) & (height < 0.0))
    widest = max((_width(head, (height > low) & (height < low + 0.06)) for low in np.arange(0.04, 0.7, 0.06)), default=0.0)
    return at_ears > MIN_ROWS and widest > BRIM * at_ears


def _width(head: NDArray[np.bool_], band: NDArray[np.bool_]) -> float:
    """Median width of the rows of a band, in pixels."""
    counts = (head & band).sum(1)
    rows = counts[counts > 0]
    return float(np.median(rows)) if len(rows) else 0.0


def _differs(hair: NDArray[np.bool_], top: NDArray[np.bool_], lab: Lab, height: NDArray[np.float32]) -> bool:
    """Whether the crown has another colour than the hair below the eyes."""
    below, crown = hair & (height < -0.1), top & (height > 0.2)
    if np.count_nonzero(below) < 150 or np.count_nonzero(crown) < 150:
        return False
    gap = np.median(lab[below], 0) - np.median(lab[crown], 0)
    return float(np.sqrt((0.5 * gap[0]) ** 2 + gap[1] ** 2 + gap[2] ** 2)) > OTHER_COLOUR
