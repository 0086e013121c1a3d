"""Where a true matte has closed gaps: background that the body encloses, or nearly."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core import masks
from pipeline.core.arrays import Grey
from pipeline.core.masks import Mask

NEARLY = 0.035
"""Half the width, as a share of the person's height, of an opening that still counts as closed."""
WORK_SIDE_PX = 600
ENCLOSED = 0.7
"""Share of a gap's outline at which the body must begin."""


def closed_gaps(truth: Grey) -> Mask:
    """(h, w) bool: gaps between arm and body, between the legs, inside an elbow. truth: (h, w) uint8, 255 = person."""
    factor = min(1.0, WORK_SIDE_PX / max(truth.shape))
    small = cv2.resize(truth, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    gaps = cv2.resize(_gaps(small).view(np.uint8), truth.shape[::-1], interpolation=cv2.INTER_NEAREST).view(bool)
    found: Mask = gaps & (truth < 13)
    return found


def _gaps(truth: Grey) -> Mask:
    solid = truth >= 128
    box = masks.box_of(solid)
    assert box is not None
    reach, least = round(NEARLY * box.height), 2e-4 * box.height**2
    padded = np.pad(solid, reach + 2, mode="edge")
    inner = (slice(reach + 2, -reach - 2),) * 2
    filled = masks.fill_holes(masks.close(padded, reach))[inner]
    numbers, areas = masks.components(masks.keep_larger(masks.open_(filled & (truth < 13), 0.002 * box.height), least))
    body = masks.dilate(truth >= 13, 2)
    keep = [False] + [_enclosed(numbers == number, body) for number in range(1, len(areas))]
    gaps: Mask = np.array(keep)[numbers]
    return gaps


def _enclosed(gap: Mask, body: Mask) -> bool:
    rim = gap & ~masks.erode(np.pad(gap, 1), 1)[1:-1, 1:-1]
    return bool((rim & body).sum() >= ENCLOSED * rim.sum())


def gap_error(alpha: Grey, truth: Grey) -> float:
    """Mean alpha in [0, 1] in the closed gaps of the truth, where it should be 0. Both (h, w) uint8."""
    gaps = closed_gaps(truth)
    assert gaps.any(), "this truth has no closed gap"
    return float(alpha[gaps].mean() / 255)
