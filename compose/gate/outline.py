"""Whether the outline of the dressed person is whole: torn, bulging at the shoulders, or short of a part of the body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.gate.discs import Discs
from compose.gate.silhouette import SHOULDERS_PX, Silhouette
from pipeline.core.arrays import Points
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask, box_of, bytes_of, close, components, dilate, erode, fill_holes, labelled, largest, open_
from pipeline.core.rect import Rect


@dataclass(frozen=True)
class Tooth:
    """What counts as a tooth or notch of one size.

    Args:
        half_px: half the width of the widest; a fold of cloth is wider.
        tooth, notch: area of the smallest, in squares of `half_px`: the corner of a sleeve leaves 0.2, a gap of 60° leaves 0.7.
        longest_px: longer notches are the gap between arm and body.
    """

    half_px: int
    tooth: float
    notch: float
    longest_px: int


SIZES = (Tooth(4, 0.6, 0.8, 16), Tooth(8, 0.5, 0.8, 32))
"""Shreds of a hem or a sleeve, and whole rags."""
ROOM_PX = 4 * SIZES[-1].half_px
"""What is seen round a shape: more than any disc reaches."""
APART_PX = 7
"""What is nearer to another one is the same, seen twice; of the larger size, what is nearer by twice as much."""
OF_GARMENT, OWN_TEETH = 0.74, 2
"""Width of the shoulders as a share of the square root of a garment's area, about the same for shirt and dress; and how many
teeth every garment may have."""
WIDER = 2.5
FRINGED = (
    *(Parse.HAT, Parse.HAIR, Parse.SUNGLASSES, Parse.FACE),
    *(Parse.SOCKS, Parse.LEFT_SHOE, Parse.RIGHT_SHOE),
)
"""What has a ragged outline of its own, or covers the garment's."""
FINGERED = (Parse.GLOVE, Parse.LEFT_ARM, Parse.RIGHT_ARM)
"""Likewise, where it was not painted."""
CLOTHES = (
    Parse.UPPER_CLOTHES,
    Parse.DRESS,
    Parse.COAT,
    Parse.PANTS,
    Parse.SKIRT,
    Parse.SCARF,
    Parse.NECK,
)
"""What may give way to another garment."""
REACH_PX, HAND_REACH_PX, FACE_REACH_PX = 4, 3, 14
SHOULDER_REACH, BELOW_SHOULDERS = 0.55, 0.25
"""How far from a shoulder, and how far below both, belongs to them, in their width."""
SMOOTH_PX, LEAST_LUMP_PX = 5, 8
AROUND_LUMPS_PX = 48
"""Seen round the shoulders for lumps: what is smooth there, and lumps that begin there."""
LEAST_PART_PX, THINNEST_PART_PX = 60, 4
RIM_PX = 3


def torn(seen: Silhouette) -> int:
    """How many teeth and notches the new outline and the edge of the paint have that the old outline had not."""
    paint = largest(open_(fill_holes(close(seen.painted, 2)), 1)) & seen.after
    beside, within = dilate(seen.painted, REACH_PX), erode(seen.before & seen.after, REACH_PX)
    outer, inner = beside & ~_ragged_anyway(seen, REACH_PX), within & ~_ragged_anyway(seen, FACE_REACH_PX)
    box = box_of(paint) or Rect(0, 0, *paint.shape)
    window = box.window(paint.shape, ROOM_PX)
    painted, corner = Discs(paint[window]), np.array([window[1].start, window[0].start], np.float32)
    found: list[Points] = []
    for size in SIZES:
        new = teeth(seen.discs_after, outer, size)
        if len(new):
            new = teeth(seen.discs_after, outer & ~_grown(residue(seen.discs_before, size), size.half_px), size)
        found.append(new)
        found.append(teeth(painted, inner[window], size) + corner)
    return count_apart(found)


def own_teeth(cloth_mask: Mask) -> int:
    """How many teeth a garment's own outline has, as fringes, lace and ripped hems do; collar and strap may have two.

    Args:
        cloth_mask: (m, n) bool, True = garment, at any size.
    """
    return _own_teeth(np.packbits(cloth_mask).tobytes(), cloth_mask.shape[0], cloth_mask.shape[1])


@lru_cache(maxsize=32)
def _own_teeth(bits: bytes, tall: int, wide: int) -> int:
    """Of a garment that everybody wears in turn."""
    cloth_mask = np.unpackbits(np.frombuffer(bits, np.uint8), count=tall * wide).reshape(tall, wide).view(bool)
    area = int(np.count_nonzero(cloth_mask))
    if not area:
        return 0
    scale = SHOULDERS_PX / (OF_GARMENT * np.sqrt(area))
    size = [max(1, round(side * scale)) for side in cloth_mask.shape[::-1]]
    large = cv2.resize(bytes_of(cloth_mask) * np.uint8(255), size, interpolation=cv2.INTER_LINEAR) > 127
    box = box_of(large)
    shape = np.pad(large if box is None else large[box.window(large.shape, ROOM_PX)], 2 * RIM_PX)
    return max(0, len(teeth(Discs(shape), np.ones(shape.shape, bool), SIZES[0])) - OWN_TEETH)


def teeth(discs: Discs, where: Mask, size: Tooth) -> Points:
    """(n, 2) float32 x, y of every tooth and notch of a shape that lies mostly in `where`, (h, w) bool."""
    gaps = discs.gaps(size.half_px)
    if (gaps & where).any():
        gaps = _without_ends_of_wide_gaps(discs, gaps, size)
    limits = ((discs.thin(size.half_px), size.tooth, np.inf), (gaps, size.notch, size.longest_px))
    found = []
    for part, least, longest in limits:
        box = box_of(part) if (part & where).any() else None
        if box is None:
            continue
        window = box.window(part.shape)
        count, numbers, boxes, middles = cv2.connectedComponentsWithStats(bytes_of(part[window]), connectivity=8)
        inside = np.bincount(numbers[where[window] & part[window]], minlength=count)
        area, length = boxes[:, cv2.CC_STAT_AREA], boxes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)
        real = (area >= least * size.half_px**2) & (length <= longest) & (inside > area / 2)
        real[0] = False
        found.append((middles[real] + (box.left, box.top)).astype(np.float32))
    return np.concatenate(found) if found else np.zeros((0, 2), np.float32)


def residue(discs: Discs, size: Tooth) -> Mask:
    """(h, w) bool: what is thinner than a tooth, of the shape and of the gaps in it."""
    return discs.thin(size.half_px) | discs.gaps(size.half_px)


def count_apart(found: Sequence[Points]) -> int:
    """How many points there are, given (n, 2) for each of `SIZES`' findings in turn, when those that lie together count once."""
    kept: list[NDArray[np.float32]] = []
    for number, points in enumerate(found):
        apart = APART_PX * (1 + number // 2)
        kept += [point for point in points if all(np.hypot(*(point - other)) > apart for other in kept)]
    return len(kept)


def bulge(seen: Silhouette) -> float | None:
    """How far the painted outline reaches beyond the old one at the shoulders, in their width; None without shoulders."""
    if not len(seen.shoulders):
        return None
    out = seen.discs_before.outside[_near_shoulders(seen) & seen.after & dilate(seen.painted, REACH_PX)]
    return float(out.max(initial=0)) / SHOULDERS_PX


def lumps(seen: Silhouette) -> float | None:
    """Area of what a smooth outline would not have along the shoulders, in squares of their width; None without shoulders.

    Knobs and dents, less those of the old outline; what is smaller than `LEAST_LUMP_PX` is the corner of a collar.
    """
    if not len(seen.shoulders):
        return None
    above = np.arange(len(seen.after))[:, None] < seen.shoulders[:, 1].mean() + BELOW_SHOULDERS * SHOULDERS_PX
    where = _near_shoulders(seen) & above & dilate(seen.painted, REACH_PX)
    box = box_of(where)
    if box is None:
        return 0.0
    where &= ~_ragged_anyway(seen, FACE_REACH_PX)
    window = box.window(where.shape, AROUND_LUMPS_PX)
    numbers, areas = components(_unsmooth(seen.after[window]) & ~dilate(_unsmooth(seen.before[window]), REACH_PX - 1))
    inside = np.bincount(numbers[where[window]], minlength=len(areas))
    real = (areas >= LEAST_LUMP_PX) & (inside > areas / 2)
    real[0] = False
    return float(areas[real].sum()) / SHOULDERS_PX**2


def lost(seen: Silhouette) -> float | None:
    """Area of what belongs to the person, is no garment and is gone, in squares of the shoulders' width; None without labels."""
    if seen.labels is None:
        return None
    gone = open_(seen.before & ~seen.after & ~labelled(seen.labels, CLOTHES), THINNEST_PART_PX)
    _, areas = components(gone)
    return float(areas[1:][areas[1:] >= LEAST_PART_PX].sum()) / SHOULDERS_PX**2


def _ragged_anyway(seen: Silhouette, reach_px: int) -> Mask:
    """(h, w) bool: the border of the window, hair, face and shoes, and hands that were not painted."""
    ragged = np.ones(seen.after.shape, bool)
    ragged[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX] = False
    if seen.labels is not None:
        ragged |= dilate(labelled(seen.labels, FRINGED), reach_px)
        ragged |= dilate(labelled(seen.labels, FINGERED) & ~seen.painted, HAND_REACH_PX)
    return ragged


def _near_shoulders(seen: Silhouette) -> Mask:
    rows, columns = (np.arange(side, dtype=np.float32) for side in seen.after.shape)
    reach = np.float32((SHOULDER_REACH * SHOULDERS_PX) ** 2)
    near = [((rows - y) ** 2)[:, None] + (columns - x) ** 2 < reach for x, y in seen.shoulders]
    return np.asarray(np.logical_or.reduce(near))


def _unsmooth(shape: Mask) -> Mask:
    """(h, w) bool: where a shape differs from its smooth self."""
    smooth = cv2.GaussianBlur(bytes_of(shape) * np.uint8(255), (0, 0), SMOOTH_PX) > 127
    return np.asarray(smooth ^ shape)


def _without_ends_of_wide_gaps(discs: Discs, gaps: Mask, size: Tooth) -> Mask:
    """(h, w) bool: less where a gap goes on, as between arm and body or the legs: twice as wide a disc fills much more of it."""
    numbers, areas = components(discs.gaps(2 * size.half_px))
    places = numbers[gaps]
    wide = areas > WIDER * np.maximum(np.bincount(places, minlength=len(areas)), 1)
    wide[0] = False
    kept = gaps.copy()
    kept[gaps] = ~wide[places]
    return kept


def _grown(shape: Mask, radius_px: float) -> Mask:
    """Grown by a disc: by distances, which take as long for a large disc as for a small one."""
    return (
        np.asarray(cv2.distanceTransform((~shape).view(np.uint8), cv2.DIST_L2, 3) <= radius_px) if shape.any() else shape.copy()
    )
