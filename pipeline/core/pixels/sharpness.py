"""How blurred a picture is, without another one to compare it with."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core.arrays import RGB
from pipeline.core.masks import Mask

BOX_PX = 9
LEAST_PX = 60
LEAST_CHANGE = 0.05
"""Mean step between neighbours in grey levels, below which there is nothing to be sharp."""


def blur_of(picture: RGB, inside: Mask) -> float | None:
    """How little a picture loses when it is blurred once more (Crete et al. 2007).

    Args:
        picture: (h, w, 3) uint8 RGB.
        inside: (h, w) bool, the part to judge.

    Returns:
        In [0, 1], of the direction that is more blurred: 0 = crisp, towards 1 = blurred already; None where the part is tiny or
        flat. Photos reach 0.2 to 0.5 at their own size, and 0.7 or more behind a Gaussian of 2.5 px.
    """
    area = np.count_nonzero(inside)
    if area < LEAST_PX:
        return None
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    found = []
    for axis in (0, 1):
        size = (1, BOX_PX) if axis == 0 else (BOX_PX, 1)
        sharp, soft = (np.abs(np.diff(each, axis=axis)) for each in (grey, cv2.blur(grey, size)))
        where = inside[1:] if axis == 0 else inside[:, 1:]
        total = float(sharp[where].sum())
        if total > LEAST_CHANGE * area:
            found.append(1 - float(np.maximum(sharp - soft, 0)[where].sum()) / total)
    return max(found) if found else None
