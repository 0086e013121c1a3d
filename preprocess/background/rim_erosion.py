"""GS-VITON's correction of a hard mask: rim pixels that differ in colour from the person around them are taken away.

For a rim pixel p, with W the 21 × 21 window around it and M the mask (docs/facts/gs_viton_folder.md#correction):

    E(p) = mean over q in W ∩ M of ‖colour(q) - colour(p)‖,    p is removed where E(p) > 70
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Grey
from pipeline.core.masks import Mask

REACH = 10
"""Half the window: 21 × 21 pixels."""
MOST_DIFFERENT = 70.0
"""Mean distance in RGB levels above which a rim pixel belongs to the old background."""
AT_ONCE = 2048
"""Rim pixels whose windows are gathered together, about 30 MB."""
SOLID = 128


def eroded_matte(photo: RGB, alpha: Grey) -> Grey:
    """A matte as the demo makes one: cut in half, corrected at the rim, without soft edges.

    Args:
        photo: (h, w, 3) uint8 RGB.
        alpha: (h, w) uint8, 255 = person.

    Returns:
        (h, w) uint8 of 0 and 255.
    """
    return np.where(without_foreign_rim(photo, alpha >= SOLID), 255, 0).astype(np.uint8)


def without_foreign_rim(photo: RGB, mask: Mask) -> Mask:
    """The largest part of a mask, without the rim pixels that differ from the person around them.

    All are judged by the mask as it was. One layer is removed: the published program does so too, however many it is asked for.

    Args:
        photo: (h, w, 3) uint8.
        mask: (h, w) bool.
    """
    kept = largest_part(mask)
    rows, columns = np.nonzero(rim(kept))
    height, width = mask.shape
    inside = (rows >= REACH) & (rows < height - REACH) & (columns >= REACH) & (columns < width - REACH)
    rows, columns = rows[inside], columns[inside]
    differences = np.concatenate(
        [
            _differences(photo, kept, rows[start : start + AT_ONCE], columns[start : start + AT_ONCE])
            for start in range(0, len(rows), AT_ONCE)
        ]
        or [np.zeros(0)]
    )
    foreign = differences > MOST_DIFFERENT
    result = kept.copy()
    result[rows[foreign], columns[foreign]] = False
    return result


def rim(mask: Mask) -> Mask:
    """(h, w) bool: pixels of the mask with at least two neighbours of eight outside of it; beyond the picture is outside."""
    kernel = np.full((3, 3), -1.0, np.float32)
    kernel[1, 1] = 8
    edges: Mask = cv2.filter2D(mask.astype(np.float32), -1, kernel, borderType=cv2.BORDER_CONSTANT) > 1
    return edges


def largest_part(mask: Mask) -> Mask:
    """The largest 8-connected part; the mask itself where it is empty."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return mask.copy()
    largest: Mask = labels == 1 + int(np.argmax(facts[1:, cv2.CC_STAT_AREA]))
    return largest


def _differences(photo: RGB, mask: Mask, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) mean distance in colour of each pixel to those of its window that lie in the mask."""
    reach = np.arange(-REACH, REACH + 1)
    down, right = rows[:, None, None] + reach[:, None], columns[:, None, None] + reach
    away = photo[down, right].astype(np.float32) - photo[rows, columns][:, None, None].astype(np.float32)
    distance, inside = np.sqrt((away**2).sum(-1)), mask[down, right]
    mean: NDArray[np.float64] = (distance * inside).sum((1, 2), dtype=np.float64) / inside.sum((1, 2))
    return mean
