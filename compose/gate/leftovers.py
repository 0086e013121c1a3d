"""What should not be in the dressed person any more: pieces of the old background and of the old garment."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.difference import distance
from compose.gate.garment_colour import Palette, palette
from compose.gate.silhouette import SHOULDERS_PX, Silhouette
from pipeline.core.arrays import RGB, Lab
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask, box_of, close, components, dilate, erode, fill_holes, labelled, open_
from pipeline.core.pixels.colour import to_lab
from pipeline.core.rect import Window

NEAR_PX, FAR_PX = 10, 40
"""How far away the background is read that would show at a place; far only where none is near."""
CLEAR_PX = 4
"""Distance from the person from which the background is nobody's edge."""
GROUND_LEVELS = 14.0
"""Skin differs by more from the background beside it."""
FAR_LEVELS = 64.0
"""What differs by more needs no look at its L*a*b*: its lightness alone differs too much."""
GROUND_DELTA, CLEARLY = 8.0, 0.6
"""A pixel is background when it is this near to the one beside it (in L*a*b*, lightness halved), and by this factor nearer than
to any colour of the person's."""
LIGHTNESS_HALF = np.array([0.5, 1, 1], np.float32)
BUSY_LEVELS = 14.0
"""A background that varies more has no colour by which it could be known again."""
COVERED = (
    *(Parse.HAT, Parse.HAIR, Parse.GLOVE, Parse.SUNGLASSES, Parse.UPPER_CLOTHES, Parse.DRESS, Parse.COAT),
    *(Parse.SOCKS, Parse.PANTS, Parse.SCARF, Parse.SKIRT, Parse.LEFT_SHOE, Parse.RIGHT_SHOE),
)
"""What may have the background's colour: white trousers before a white wall; skin has not."""
THIN_PX = 1.5
"""Half the width of the thinnest piece that counts: thinner ones are the soft edge, which `halo.py` judges."""
EDGE_PX = 3
GAP_REACH_PX, GAP_END_PX = 15, 1.5
"""How near to the old outline a narrow gap begins; or it ends in the new one."""
AROUND_PX = 12
"""How far from the paint old background counts: it lies between the new sleeve and the arm."""
LEAST_PX = 20
UNCHANGED_LEVELS = 8.0
QUARTER = 4
OTHERS_DELTA = 8.0
DEEP_PX, DARKEST = 12, 0.75
"""So deep inside the new outline what has a shade of the garment's colours is the garment: a white print before a white wall.
A fold darkens a colour down to this share of it."""
BESIDE_PX = 20
"""The old garment counts this near to the paint; a coat that is kept on purpose goes on beyond."""


def background_left(seen: Silhouette, garment: Palette | None) -> tuple[float | None, float | None]:
    """Areas of old background inside the dressed person, in squares of the shoulders' width: of pieces, and of narrow gaps.

    Args:
        seen: before and after.
        garment: the new garment's colours; None where they are not known, and then neither is what has the background's.
    """
    if garment is None:
        return None, None
    ground, known = _ground_behind(seen)
    own = seen.before & ~seen.painted
    if seen.labels is not None:
        own &= erode(labelled(seen.labels, COVERED), 2)
    shown = np.clip(ground, 0, 255).astype(np.uint8)
    alike = known & seen.after & dilate(seen.painted, AROUND_PX) & ~own & (distance(seen.new, shown) <= FAR_LEVELS)
    if not alike.any():
        return 0.0, 0.0
    alike[alike] = _nearer_ground(seen.new[alike], shown[alike], partial(_own_colours, seen, ground, garment))
    deep = alike & (seen.discs_after.inside > DEEP_PX) & erode(seen.before, EDGE_PX)
    if deep.any():
        away = np.linalg.norm(lab_of(seen.new[deep]) - lab_of(shown[deep]), axis=1)
        alike[deep] = away < CLEARLY * _from_shades(seen.new[deep], garment)
    if not alike.any():
        return 0.0, 0.0
    box = box_of(alike)
    assert box is not None
    window = box.window(alike.shape, EDGE_PX + 1)
    found, edge = open_(alike[window], THIN_PX), ~erode(seen.after[window], EDGE_PX)
    return _pieces(found, edge), _gaps_filled(seen, alike, window)


def _gaps_filled(seen: Silhouette, alike: Mask, window: Window) -> float:
    """Area of narrow gaps, as between arm and body, whose background counts as the person.

    They lie deeper than the soft edge, and near the outline before or after: farther in are white prints before a white wall.
    """
    narrow = open_(close(alike[window], 1) & seen.after[window], 1)
    if not narrow.any():
        return 0.0
    depth, before = seen.discs_after.inside[window], seen.discs_before.inside[window]
    numbers, areas = components(narrow)
    places = numbers[narrow]
    inner = np.bincount(places[depth[narrow] > EDGE_PX], minlength=len(areas))
    beside = np.bincount(places[(before[narrow] <= GAP_REACH_PX) | (depth[narrow] < GAP_END_PX)], minlength=len(areas))
    real = (areas >= LEAST_PX) & (inner > areas / 2) & (beside > 0)
    real[0] = False
    return float(areas[real].sum()) / SHOULDERS_PX**2


def old_garment_pieces(seen: Silhouette, garment: Palette | None) -> float | None:
    """Area of the replaced garment beside the new one, in squares of the shoulders' width; None where it is not known.

    What has the colours of the person's other clothes is not seen, and may be theirs. What lies within the paint and has the new
    garment's colours is the new garment: a white print where the old one was white.

    Args:
        seen: before and after.
        garment: the new garment's colours, or None.
    """
    if seen.worn is None:
        return None
    left = seen.worn & seen.after & ~dilate(seen.painted, 1)
    left[left] = (np.abs(seen.old[left].astype(np.int16) - seen.new[left]) <= UNCHANGED_LEVELS).all(1)
    if left.any():
        left = open_(left & dilate(seen.painted, BESIDE_PX), THIN_PX)
    if not left.any():
        return 0.0
    others = None
    if seen.labels is not None:
        others = palette(seen.old, erode(labelled(seen.labels, COVERED) & ~seen.worn, EDGE_PX) & ~dilate(seen.painted, EDGE_PX))
    if others is not None:
        left[left] = nearest(lab_of(seen.new[left]), others.lab.astype(np.float32) * LIGHTNESS_HALF) > OTHERS_DELTA
    within = left & fill_holes(dilate(seen.painted, 1))
    if garment is not None and within.any():
        left[within] = _from_shades(seen.new[within], garment) > OTHERS_DELTA
    return _pieces(open_(left, THIN_PX), np.zeros(left.shape, bool))


def _nearer_ground(pixels: RGB, ground: RGB, own: Callable[[], Lab]) -> NDArray[np.bool_]:
    """(n,) bool: whether pixels (n, 3) have the colour of the background beside them (n, 3), and clearly none of the person's.

    Args:
        pixels: (n, 3) uint8 RGB.
        ground: (n, 3) uint8 RGB.
        own: gives (k, 3) L*a*b* with lightness halved; asked where there is anything to decide.
    """
    lab = lab_of(pixels)
    away = np.sqrt(((lab - lab_of(ground)) ** 2) @ np.ones(3, np.float32))
    found: NDArray[np.bool_] = away < GROUND_DELTA
    if found.any():
        found[found] = away[found] < CLEARLY * nearest(lab[found], own())
    return found


def nearest(lab: Lab, colours: Lab) -> Lab:
    """(n,) distance of colours (n, 3) from the nearest of (k, 3)."""
    square = np.full(len(lab), np.inf, np.float32)
    for colour in colours:
        square = np.minimum(square, ((lab - colour) ** 2) @ np.ones(3, np.float32))
    return np.asarray(np.sqrt(square), np.float32)


def _from_shades(pixels: RGB, garment: Palette) -> Lab:
    """(n,) distance of pixels (n, 3) from the nearest of a garment's colours, in light or in the shade of a fold."""
    lab = lab_of(pixels)
    square = np.full(len(lab), np.inf, np.float32)
    for colour in garment.lab.astype(np.float32) * LIGHTNESS_HALF:
        darkest, step = DARKEST * colour, (1 - DARKEST) * colour
        share = np.clip((lab - darkest) @ step / max(float(step @ step), 1e-6), 0, 1)
        square = np.minimum(square, ((lab - darkest - share[:, None] * step) ** 2).sum(1))
    return np.asarray(np.sqrt(square), np.float32)


def _own_colours(seen: Silhouette, ground: NDArray[np.float32], garment: Palette) -> Lab:
    """(k, 3) the colours of the new garment and of the person beside the paint; skin is known by not being the background's."""
    kept = erode(seen.before, EDGE_PX) & ~dilate(seen.painted, EDGE_PX)
    sure = np.zeros(kept.shape, bool)
    sure[kept] = (np.abs(seen.new[kept] - ground[kept]) > GROUND_LEVELS).any(1)
    if seen.labels is not None:
        sure |= erode(labelled(seen.labels, COVERED), 2)
    others = palette(seen.new, kept & sure)
    colours = garment.lab if others is None else np.concatenate([garment.lab, others.lab])
    return colours.astype(np.float32) * LIGHTNESS_HALF


def lab_of(pixels: RGB) -> Lab:
    """(n, 3) uint8 RGB → (n, 3) float32 L*a*b* with lightness halved; CIEDE2000 would take ten times as long."""
    lab: Lab = to_lab(pixels[None])[0].astype(np.float32) * LIGHTNESS_HALF
    return lab


def _ground_behind(seen: Silhouette) -> tuple[NDArray[np.float32], Mask]:
    """(h, w, 3) float32: the background's colour beside each place, and (h, w) bool: where it has one."""
    planes = _planes(seen.old, (~dilate(seen.before, CLEAR_PX)).astype(np.float32))
    near, spread, there = _around(planes, seen.old.shape[1::-1], NEAR_PX)
    far, wide, anywhere = _around(planes, seen.old.shape[1::-1], FAR_PX)
    use = there > 0.02
    known = np.where(use, spread, wide) < BUSY_LEVELS
    return np.where(use[..., None], near, far), known & (anywhere > 0.003)


def _planes(picture: RGB, clear: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """At a quarter of the size, where clear: (h, w, 4) float32 colours and share, and (h, w, 2) grey and its square."""
    size = tuple(max(1, side // QUARTER) for side in picture.shape[1::-1])
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) * clear
    channels = [each * clear for each in cv2.split(picture)]
    colour, light = cv2.merge([*channels, clear]), cv2.merge([grey, grey * grey])
    small = [np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), np.float32) for each in (colour, light)]
    return small[0], small[1]


def _around(
    planes: tuple[NDArray[np.float32], NDArray[np.float32]], full: tuple[int, ...], reach_px: int
) -> tuple[NDArray[np.float32], ...]:
    """Mean colour (h, w, 3), its deviation in grey levels (h, w) and how much is known (h, w), of `_planes`; `full` (w, h)."""
    colour, light = (cv2.GaussianBlur(each, (0, 0), reach_px / QUARTER) for each in planes)
    share = np.maximum(colour[..., 3:], 1e-6)
    mean, square = np.moveaxis(light / share, 2, 0)
    found = (colour[..., :3] / share, np.sqrt(np.maximum(square - mean * mean, 0)), colour[..., 3])
    return tuple(cv2.resize(each, full, interpolation=cv2.INTER_LINEAR) for each in found)


def _pieces(mask: Mask, edge: Mask) -> float:
    """Area of the pieces of some size that do not lie in the edge alone, in squares of the shoulders' width."""
    numbers, areas = components(mask)
    inner = np.bincount(numbers[~edge], minlength=len(areas))
    real = (areas >= LEAST_PX) & (inner > 0)
    real[0] = False
    return float(areas[real].sum()) / SHOULDERS_PX**2
