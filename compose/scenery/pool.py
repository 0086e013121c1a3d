"""A swimming pool: turquoise, with a net of light in it, and a pale rim around it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.scenery.water import has_rails
from pipeline.core.arrays import Lab

LEAST_AREA = 0.06
"""Share of the picture."""
TURQUOISE = (-9.0, -6.0, 40.0)
"""Lab a* and b* that its colour stays below, and lightness above."""
RIM, RIM_CHROMA, RIM_LIGHT, RIM_SHARE = 0.025, 22.0, 50.0, 0.7
"""Width of the rim that is looked at, share of the height; its most chroma and least lightness, and how much of it is so."""
NET, LEAST_NET, EVEN, SKEWED = 1.5, 1.0, 0.5, 0.12
"""Lab units that the light in it varies by, as a whole and where it varies least, the latter as a share of the former, and how
much narrower its bright lines are than the dark meshes: a carpet's grain and a plain paint have none of it."""


def pool(lab: Lab) -> NDArray[np.bool_] | None:
    """(rows, columns) bool: the water of the largest pool; None where none is beyond doubt."""
    low = (lab[..., 1] < TURQUOISE[0]) & (lab[..., 2] < TURQUOISE[1]) & (lab[..., 0] > TURQUOISE[2])
    whole = cv2.morphologyEx(low.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    whole = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(whole)
    if count < 2:
        return None
    number = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    wet, top = labels == number, int(stats[number, cv2.CC_STAT_TOP])
    if stats[number, cv2.CC_STAT_AREA] < LEAST_AREA * wet.size or not 0.2 * len(lab) < top < 0.85 * len(lab):
        return None
    return wet if _has_rim(lab, wet) and _has_net(lab, wet) and not has_rails(lab, top) else None


def _has_rim(lab: Lab, wet: NDArray[np.bool_]) -> bool:
    """Whether stone, boards or tiles lie around it, wherever the picture does not cut it off."""
    reach = max(round(RIM * len(lab)), 3)
    grown = [cv2.dilate(wet.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) > 0 for by in (2, 2 + reach)]
    ring = lab[grown[1] & ~grown[0]]
    if len(ring) < reach * 40:
        return False
    pale = (np.hypot(ring[:, 1], ring[:, 2]) < RIM_CHROMA) & (ring[:, 0] > RIM_LIGHT)
    return float(pale.mean()) > RIM_SHARE


def _has_net(lab: Lab, wet: NDArray[np.bool_]) -> bool:
    """Whether bright lines run everywhere in it; those painted on a court run here and there."""
    light = lab[..., 0]
    fine = cv2.GaussianBlur(light, (0, 0), 0.8) - cv2.GaussianBlur(light, (0, 0), 6)
    inner = cv2.erode(wet.astype(np.uint8), np.ones((21, 21), np.uint8)) > 0
    if np.count_nonzero(inner) < 500:
        return False
    strength = float(fine[inner].std())
    weakest = float(np.percentile(np.sqrt(cv2.blur(fine * fine, (17, 17)))[inner], 10))
    skew = float((((fine[inner] - fine[inner].mean()) / (strength + 1e-6)) ** 3).mean())
    return strength > NET and weakest > max(EVEN * strength, LEAST_NET) and skew > SKEWED
