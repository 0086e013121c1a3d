"""Hat or hair: the top of the head is a hat when it differs from the hair below, or from any hair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Lab, Labels
from pipeline.core.labels import Joint, Parse
from pipeline.core.pixels.colour import to_lab
from preprocess.parsing.embedded.label_places import Regions

Field = NDArray[np.float32]

OTHER_COLOUR = 17.0
"""Lab distance (lightness × 0.8) between the top of the head and the hair beside the face."""
WHITE, GREYISH = 74.0, 14.0
"""Lightness above and chroma below which the top of a head is felt, straw or cotton, not hair."""
LEAST_PX = 150
"""Samples of hair with fewer pixels are not used."""


def find_hat(labels: Labels, rgb: RGB, regions: Regions) -> Labels:
    """Relabel hair above the eyes as hat where its colour is not that of hair.

    Args:
        labels: (h, w) uint8 of `Parse`.
        rgb: (h, w, 3) uint8.
        regions: the body's shapes at the same size.
    """
    result = labels.copy()
    rows, columns = np.nonzero(labels == Parse.HAIR)
    height = height_above_eyes(rows.astype(np.float32), columns.astype(np.float32), regions)
    crown, below = height > 0.2, height < -0.1
    if min(int(np.count_nonzero(crown)), len(regions.body.face_oval) * LEAST_PX) < LEAST_PX:
        return result
    lab = to_lab(rgb[rows, columns][None])[0]
    if is_white(lab[crown]) or (np.count_nonzero(below) > LEAST_PX and differs(lab[crown], lab[below])):
        top = height > 0.05
        result[rows[top], columns[top]] = Parse.HAT
    return result


def height_above_eyes(rows: Field, columns: Field, regions: Regions) -> Field:
    """(n,) float32: distance of pixels above the line through the eyes, in heights of the skull."""
    body = regions.body
    right, left = body.at(Joint.RIGHT_EYE), body.at(Joint.LEFT_EYE)
    across = left - right if left[0] > right[0] else right - left
    length = float(np.hypot(*across))
    across = across / length if length > 2 else np.array([1.0, 0.0], np.float32)
    middle = (right + left) / 2
    height: Field = ((columns - middle[0]) * across[1] - (rows - middle[1]) * across[0]) / np.float32(regions.head_px)
    return height


def is_white(crown: Lab) -> bool:
    """Whether (n, 3) Lab pixels are lighter and less colourful than hair."""
    lightness, a, b = np.median(crown, 0)
    return bool(lightness > WHITE and np.hypot(a, b) < GREYISH)


def differs(crown: Lab, below: Lab) -> bool:
    """Whether the first of two (n, 3) Lab samples is clearly lighter or of another tint.

    Not darker: hair below the eyes is often mixed with skin or with the background.
    """
    gap = np.median(crown, 0) - np.median(below, 0)
    return bool(gap[0] > 0 and np.sqrt((0.8 * gap[0]) ** 2 + gap[1] ** 2 + gap[2] ** 2) > OTHER_COLOUR)
