"""Old background in the outline of a dressed cut-out: what shows as a light or dark rim before another background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Points64
from pipeline.core.masks import Mask, box_of

SOFT = (48, 216)
"""Alpha of the pixels that make the outline."""
SOLID, CLEAR = 250, 5
"""Alpha of the person alone and of the background alone."""
MOST_POINTS = 1500
LEAST_POINTS = 40
REACH = (5.0, 8.0, 12.0)
"""Pixels of a photo 1024 px long: how far from the outline the plain colours of both sides are read."""
ALONG = (-7.0, 0.0, 7.0)
"""Likewise, along the outline: a striped garment has several colours of its own."""
RIM = (0.0, 1.5)
"""Likewise: where on the way inwards the outline's own colour is read; a rim may lie just inside a matte that is too wide."""
PLAIN_CONTRAST = 40.0
"""Both sides must differ by this much (length of the RGB difference), or a rim could not be seen."""


def edge_halo(cutout: NDArray[np.uint8], dressed: RGB, near: Mask, unit: float) -> float:
    """How much of the old background the outline's colours carry.

    At points of the outline the cut-out's colour is placed between the background beside it and the most similar of the colours
    further inside: a pattern brings its own.

    Args:
        cutout: (h, w, 4) uint8 RGBA, straight alpha.
        dressed: (h, w, 3) uint8 RGB, the dressed photo, which shows the old background outside.
        near: (h, w) bool, the part of the picture whose outline is judged.
        unit: pixels that are one pixel in a photo 1024 px long.

    Returns:
        Mean share in [0, 1]: 0 = the person's own colours, about 0.5 = nothing was cleaned; 0 where too little outline is there.
    """
    box = box_of(near)
    if box is None:
        return 0.0
    window = box.window(near.shape)
    alpha = cutout[..., 3]
    outline = cv2.inRange(alpha[window], SOFT[0], SOFT[1]) & near[window].astype(np.uint8)
    places = np.flatnonzero(outline)
    places = places[:: max(1, len(places) // MOST_POINTS)]
    rows, columns = np.divmod(places, box.width)
    points, inwards = _with_direction(alpha, np.stack([rows + box.top, columns + box.left], 1).astype(np.float64), unit)
    outer, known = _surroundings(dressed, alpha, [points - each * unit * inwards for each in REACH])
    along = inwards[:, ::-1] * (1, -1)
    own = [points + unit * (each * inwards + offset * along) for each in REACH for offset in ALONG]
    garment = [(_pick(cutout[..., :3], places), _pick(alpha, places) >= SOLID) for places in own]
    shares = [_share(_pick(cutout[..., :3], points + step * unit * inwards), garment, outer)[known] for step in RIM]
    found = np.concatenate(shares)
    found = found[~np.isnan(found)]
    return float(np.clip(found.mean(), 0, 1)) if len(found) >= LEAST_POINTS else 0.0


def _share(rim: Points64, garment: list[tuple[Points64, Mask]], outer: Points64) -> Points64:
    """(n,) how far the rim's colours lie on the way from the most similar of the person's own colours to the background's;
    NaN where no own colour is known or the two sides look alike."""
    distance, own = np.full(len(rim), np.inf), np.zeros_like(rim)
    for colour, there in garment:
        apart = np.where(there, ((rim - colour) ** 2).sum(1), np.inf)
        nearer = apart < distance
        distance, own = np.where(nearer, apart, distance), np.where(nearer[:, None], colour, own)
    across = outer - own
    contrast = (across * across).sum(1)
    usable = np.isfinite(distance) & (contrast >= PLAIN_CONTRAST**2)
    share: Points64 = np.where(usable, ((rim - own) * across).sum(1) / np.maximum(contrast, 1), np.nan)
    return np.clip(share, 0, 1)


def _with_direction(alpha: NDArray[np.uint8], points: Points64, unit: float) -> tuple[Points64, Points64]:
    """Those of the points (n, 2: row, column) where the outline has a direction, and (n, 2) unit vectors to the inside."""
    slope = np.zeros_like(points)
    for axis in (0, 1):
        for step in (2 * unit, 4 * unit):
            offset = np.zeros(2)
            offset[axis] = max(round(step), 1)
            slope[:, axis] += _pick(alpha, points + offset) - _pick(alpha, points - offset)
    length = np.hypot(slope[:, 0], slope[:, 1])
    clear = length > 120
    return points[clear], slope[clear] / length[clear, None]


def _surroundings(dressed: RGB, alpha: NDArray[np.uint8], outside: list[Points64]) -> tuple[Points64, Mask]:
    """Mean colour (n, 3) of the places that show the background alone, and (n,) bool: whether there was any."""
    total, count = np.zeros((len(outside[0]), 3)), np.zeros(len(outside[0]))
    for places in outside:
        clear = _pick(alpha, places) <= CLEAR
        total += _pick(dressed, places) * clear[:, None]
        count += clear
    return total / np.maximum(count, 1)[:, None], count > 0


def _pick(plane: NDArray[np.uint8], points: Points64) -> Points64:
    """Values at the nearest pixels; points beyond the edge read the edge."""
    rows = np.clip(np.rint(points[:, 0]).astype(np.intp), 0, plane.shape[0] - 1)
    columns = np.clip(np.rint(points[:, 1]).astype(np.intp), 0, plane.shape[1] - 1)
    picked: Points64 = plane[rows, columns].astype(np.float64)
    return picked
