"""Whether the old garment's shape is still there in other colours: its hood beside the neck, bare arms as wide as its sleeves."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.gate.garment_colour import Palette
from compose.gate.presence import garment_like
from compose.gate.silhouette import SHOULDERS_PX, Silhouette
from pipeline.core.arrays import Points
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask, dilate, labelled, open_

HEAD = (Parse.HAT, Parse.HAIR, Parse.SUNGLASSES, Parse.FACE)
NECK_HALF = 1.0
"""Half the width of the widest neck, in half the face's: a high collar is as wide as the face."""
SLOPE_ABOVE, SLOPE_BEYOND = 0.16, 0.1
"""How far above a shoulder's joint, and how far beyond it, a shoulder with cloth on it reaches, in the shoulders' width."""
FAR_PX = 400
HEAD_REACH_PX, PAINT_REACH_PX, THIN_PX = 4, 4, 2
STEP_PX, ACROSS_PX = 3, 48
"""Arms are cut across every so many pixels, and so far on both sides."""
UPPER_ARM, FOREARM = (0.3, 0.95), (0.05, 0.95)
"""The part of each that is read, from its upper end: armpit and hand are left out."""
SHORTEST_PX, LEAST_CUTS = 25, 5
OF_FOREARM = 1.35
"""An upper arm is at most so many times as wide as the photo's own forearm, whoever's it is."""
PAINTED, OWN = 0.4, 0.1
"""Share of a cut that was painted, from which the arm is new, and up to which it is the photo's own."""


def old_collar(seen: Silhouette) -> float | None:
    """Area of the person beside the neck where the old garment was and no body is, in squares of the shoulders' width.

    Hoods and wide collars stand there: a new garment or skin was painted into their outline. None without face and shoulders.
    """
    if len(seen.shoulders) < 2 or len(seen.body.face) < 3 or seen.worn is None:
        return None
    beyond = seen.after & seen.worn & ~_neck_and_shoulders(seen)
    if not beyond.any():
        return 0.0
    beyond &= dilate(seen.painted, PAINT_REACH_PX)
    if seen.labels is not None:
        beyond &= ~dilate(labelled(seen.labels, HEAD), HEAD_REACH_PX)
    return float(np.count_nonzero(open_(beyond, THIN_PX))) / SHOULDERS_PX**2


def wide_sleeve(seen: Silhouette, garment: Palette | None) -> float | None:
    """Width of the widest new bare upper arm, in the shoulders' width; 0 where none is, None where nothing tells skin from cloth.

    An arm that is not wide for the photo's own forearm below it is a strong one.

    Args:
        seen: before and after.
        garment: the new garment's colours.
    """
    if garment is None:
        return None
    widths = [_new_width(seen, arm, garment) for arm in seen.body.arms]
    return max(widths, default=0.0) / SHOULDERS_PX


def _new_width(seen: Silhouette, arm: Points, garment: Palette) -> float:
    """Width in pixels of the new bare part of an upper arm; 0 where there is none; `arm` (3, 2) shoulder, elbow, wrist."""
    width, painted = _cuts(seen, arm[0], arm[1], UPPER_ARM, garment)
    new = width[painted > PAINTED]
    if len(new) < LEAST_CUTS:
        return 0.0
    width, painted = _cuts(seen, arm[1], arm[2], FOREARM, garment)
    own = width[painted <= OWN]
    found = float(np.median(new))
    return 0.0 if len(own) >= LEAST_CUTS and found < OF_FOREARM * float(np.median(own)) else found


def _cuts(
    seen: Silhouette, start: Points, end: Points, part: tuple[float, float], garment: Palette
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n,) float32 twice: width of the skin across a bone where it is bare, in pixels, and the share of it that was painted."""
    nothing = np.zeros(0, np.float32), np.zeros(0, np.float32)
    along = end - start
    length = float(np.hypot(*along))
    if not length >= SHORTEST_PX:  # NaN: a joint that was not found
        return nothing
    along = along / length
    middles = start + np.arange(part[0] * length, part[1] * length, STEP_PX)[:, None] * along
    middles = middles[_skin_at(seen, middles, garment)]
    if not len(middles):
        return nothing
    across = np.arange(-ACROSS_PX, ACROSS_PX + 1)[:, None] * np.array([-along[1], along[0]])
    places = middles[:, None] + across
    run = _run_through(_skin_at(seen, places.reshape(-1, 2), garment).reshape(places.shape[:2]), ACROSS_PX)
    columns, rows = _cut_to(seen, places)
    width = run.sum(1)
    painted = (run & seen.painted[rows, columns]).sum(1) / np.maximum(width, 1)
    return width.astype(np.float32), painted.astype(np.float32)


def _skin_at(seen: Silhouette, places: NDArray[np.floating], garment: Palette) -> Mask:
    """(n,) bool: whether the person is at places (n, 2) x, y, and not the new garment."""
    columns, rows = _cut_to(seen, places)
    skin = seen.after[rows, columns] & (np.abs(places - np.stack([columns, rows], 1)) < 1).all(1)
    if skin.any():
        skin[skin] = ~garment_like(seen.new[rows[skin], columns[skin]][None], garment)[0]
    return np.asarray(skin)


def _cut_to(seen: Silhouette, places: NDArray[np.floating]) -> NDArray[np.intp]:
    """(2, ...) columns and rows of the nearest pixels to places (..., 2) x, y."""
    tall, wide = seen.after.shape
    return np.moveaxis(np.clip(np.rint(places), 0, (wide - 1, tall - 1)).astype(np.intp), -1, 0)


def _run_through(lines: Mask, middle: int) -> Mask:
    """(n, m) bool: of each line only what is connected with its middle."""
    right = np.logical_and.accumulate(lines[:, middle:], axis=1)
    left = np.logical_and.accumulate(lines[:, middle::-1], axis=1)[:, ::-1]
    return np.concatenate([left, right[:, 1:]], 1)


def _neck_and_shoulders(seen: Silhouette) -> Mask:
    """(h, w) bool: where a neck and two shoulders with cloth on them can be, and all below them."""
    left, right, low = seen.body.face[:, 0].min(), seen.body.face[:, 0].max(), seen.body.face[:, 1].max()
    middle, half = (left + right) / 2, NECK_HALF * (right - left) / 2
    (x1, y1), (x2, y2) = seen.shoulders[np.argsort(seen.shoulders[:, 0])]
    up, out = SLOPE_ABOVE * SHOULDERS_PX, SLOPE_BEYOND * SHOULDERS_PX
    corners = [
        *((middle - half, -FAR_PX), (middle - half, low), (x1 - out, y1 - up), (x1 - FAR_PX, y1 - up + FAR_PX / 4)),
        *((x1 - FAR_PX, 10 * FAR_PX), (x2 + FAR_PX, 10 * FAR_PX)),
        *((x2 + FAR_PX, y2 - up + FAR_PX / 4), (x2 + out, y2 - up), (middle + half, low), (middle + half, -FAR_PX)),
    ]
    body = np.zeros(seen.after.shape, np.uint8)
    cv2.fillPoly(body, [np.rint(corners).astype(np.int32)], 1)
    body[int(max(0, max(y1, y2))) :] = 1
    return body > 0
