"""Hat or hair: a brim, or a top of the head that differs from the hair beside the face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from preprocess.colour_models import Lab
from preprocess.parse_regions import Regions

Labels = NDArray[np.uint8]


def find_hat(labels: Labels, lab: Lab, regions: Regions) -> Labels:
    """Turn hair into hat where the head's outline or colour says so; (h, w) uint8 of `Parse`."""
    return labels.copy()
