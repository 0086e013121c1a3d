"""The neck opening of a flat garment: its corners, and its front edge.

The front edge lies inside the garment's outline when the inside of the back shows above it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Points64
from pipeline.core.masks import Mask, erode
from tryon.engines.preview.garment.outline import OutlineSide

USUAL_DEPTH = (0.47, 0.2)
"""Depth of a crew neck's front edge below its corners: in widths of the neck opening, but at most this share of the chest."""
INTO_SHADE = 0.6
MARGIN_PX = 16
"""Margin around the neck opening: further than any filter reaches."""


def usual_depth(opening_px: float, chest_px: float) -> float:
    """Pixels to expect between the collar corners and the front edge, for a neck opening and a chest of these widths."""
    return min(USUAL_DEPTH[0] * opening_px, USUAL_DEPTH[1] * chest_px)


def front_neckline(cloth: RGB, mask: Mask, collar: Points64, axis_top: Points64, usual_px: float) -> Points64:
    """Find the lowest point of the front neckline.

    Where the outline itself dips between the collar corners, the outline is the neckline. Otherwise the inside of the back shows
    above it, and the arc from corner to corner with the strongest edge is taken, weighted by how usual its depth is.

    Args:
        cloth: (h, w, 3) RGB uint8.
        mask: (h, w) bool, True = garment.
        collar: (2, 2) corners of the neck opening.
        axis_top: (2,) highest outline point on the garment's axis.
        usual_px: depth to expect, in cloth pixels below the corners.

    Returns:
        (2,) x, y in cloth pixels.
    """
    middle, width = collar.mean(0), float(np.hypot(*(collar[1] - collar[0])))
    dip = axis_top[1] - middle[1]
    if dip > 0.3 * width:
        return axis_top
    depths = np.arange(0.2 * width, 0.65 * width, 1.5)
    evidence = _arc_evidence(cloth, mask, collar, depths)
    if not len(evidence):
        return np.array([axis_top[0], middle[1] + max(dip, usual_px)])
    likely = np.exp(-0.5 * ((depths - usual_px) / (0.17 * width)) ** 2)
    depth = depths[int(np.argmax(evidence * likely))]
    return np.array([axis_top[0], middle[1] + max(dip, depth)])


def _arc_evidence(cloth: RGB, mask: Mask, collar: Points64, depths: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) evidence for each arc, by the colour edge along it; its weaker half decides, so that prints and buttons do not count.

    The inside of the back lies in shade, so an edge that gets darker downwards is rather the back's own, and counts less.
    """
    low = np.maximum(np.floor(collar.min(0)).astype(int) - MARGIN_PX, 0)
    high = np.ceil(collar.max(0)).astype(int) + MARGIN_PX + 1
    high[1] += int(np.ceil(depths.max(initial=0.0)))
    window = slice(low[1], high[1]), slice(low[0], high[0])
    smooth = cv2.GaussianBlur(cv2.cvtColor(cloth[window], cv2.COLOR_RGB2LAB), (0, 0), 1.5).astype(np.float32)
    slope = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3) / 4
    inside = erode(mask[window], 7)
    edge, brighter = np.abs(slope).max(2) * inside, slope[..., 0] * inside
    across = np.linspace(0.15, 0.85, 41)
    base = collar[0] + across[:, None] * (collar[1] - collar[0])
    sag = np.sqrt(1 - (2 * across - 1) ** 2)
    height, width = edge.shape
    columns = np.clip(base[:, 0].round().astype(int) - low[0], 0, width - 1)
    rows = np.clip((base[:, 1] + depths[:, None] * sag).round().astype(int) - low[1], 0, height - 1)
    evidence: NDArray[np.float64] = np.log(2 + np.percentile(edge[rows, columns], 35, axis=1))
    return np.where(np.median(brighter[rows, columns], axis=1) < 0, INTO_SHADE * evidence, evidence)


def collar_corner(side: OutlineSide, shoulder: Points64, width: float) -> tuple[Points64, Points64]:
    """Find the corner of the neck opening on one side.

    The corner is the point farthest above the chord from the middle of the neck to the shoulder tip: the end of a plateau for a
    crew neck, the peak for a strap or a scooped neck, the upper edge for a standing collar.

    Args:
        side: half of the outline.
        shoulder: (2,) tip of the shoulder as (out, y).
        width: the garment's greatest width in pixels.

    Returns:
        The corner, and where the shoulder seam starts below a standing collar; both (out, y).
    """
    end = int(np.argmin(np.hypot(*(side.path - shoulder).T)))
    path = side.path[: end + 1]
    if len(path) < 4:
        return path[0], path[0]
    chord = path[-1] - path[0]
    above = (chord[1] * (path[:, 0] - path[0, 0]) - chord[0] * (path[:, 1] - path[0, 1])) / max(float(np.hypot(*chord)), 1e-6)
    corner_at = int(np.argmax(above))
    return path[corner_at], path[_seam_start(path, corner_at, width)]


def _seam_start(path: Points64, corner_at: int, width: float) -> int:
    """The first index after the collar's corner from which the outline runs flatter than 50 degrees."""
    step = max(2, round(0.02 * width / max(float(np.hypot(*(path[1] - path[0]))), 1e-6)))
    for index in range(corner_at, len(path) - step):
        across, down = path[index + step] - path[index]
        if down < 1.2 * across:
            return index if path[index, 1] - path[corner_at, 1] > 0.03 * width else corner_at
    return corner_at
