"""What should not be in the dressed person any more: pieces of the old background and of the old garment."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.dressed_matte.difference import distance
from compose.gate.garment_colour import Palette, palette
from compose.gate.silhouette import SHOULDERS_PX, Silhouette
from pipeline.core.arrays import RGB, Lab
from pipeline.core.colour import to_lab
from pipeline.core.labels import Parse
from pipeline.core.masks import Mask, components, dilate, erode, labelled, open_

NEAR_PX, FAR_PX = 10, 40
"""How far away the background is read that would show at a place; far only where none is near."""
CLEAR_PX = 4
"""Distance from the person from which the background is nobody's edge."""
GROUND_LEVELS = 14.0
"""Skin differs by more from the background beside it."""
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
AROUND_PX = 12
"""How far from the paint old background counts: it lies between the new sleeve and the arm."""
LEAST_PX = 20
UNCHANGED_LEVELS = 8.0
QUARTER = 4
OTHERS_DELTA = 8.0
BESIDE_PX = 20
"""The old garment counts this near to the paint; a coat that is kept on purpose goes on beyond."""


def background_left(seen: Silhouette, garment: Palette | None) -> float | None:
    """Area of old background inside the dressed person, in squares of the shoulders' width.

    Args:
        seen: before and after.
        garment: the new garment's colours; None where they are not known, and then neither is what has the background's.
    """
    if garment is None:
        return None
    ground, known = _ground_behind(seen)
    own = seen.before & ~seen.painted
    if seen.labels is not None:
        own &= erode(labelled(seen.labels, COVERED), 2)
    places = known & seen.after & dilate(seen.painted, AROUND_PX) & ~own
    alike = np.zeros(places.shape, bool)
    if not places.any():
        return 0.0
    alike[places] = _nearer_ground(seen.new[places], ground[places], _own_colours(seen, ground, garment))
    return _pieces(open_(alike, THIN_PX), ~erode(seen.after, EDGE_PX))


def old_garment_pieces(seen: Silhouette) -> float | None:
    """Area of the replaced garment beside the new one, in squares of the shoulders' width; None where it is not known.

    What has the colours of the person's other clothes is not seen, and may be theirs.
    """
    if seen.worn is None:
        return None
    same = seen.worn & ~dilate(seen.painted, 1) & seen.after & (distance(seen.old, seen.new) <= UNCHANGED_LEVELS)
    left = open_(same & dilate(seen.painted, BESIDE_PX), THIN_PX)
    others = None
    if seen.labels is not None:
        others = palette(seen.old, erode(labelled(seen.labels, COVERED) & ~seen.worn, EDGE_PX) & ~dilate(seen.painted, EDGE_PX))
    if others is not None and left.any():
        left[left] = _nearest(_lab(seen.new[left]), others.lab.astype(np.float32) * LIGHTNESS_HALF) > OTHERS_DELTA
    return _pieces(open_(left, THIN_PX), np.zeros(left.shape, bool))


def _nearer_ground(pixels: RGB, ground: Lab, own: Lab) -> NDArray[np.bool_]:
    """(n,) bool: whether pixels (n, 3) have the colour of the background beside them (n, 3), and clearly none of the person's.

    Args:
        pixels: (n, 3) uint8 RGB.
        ground: (n, 3) RGB in 0..255.
        own: (k, 3) L*a*b* with lightness halved.
    """
    lab = _lab(pixels)
    away = np.sqrt(((lab - _lab(np.clip(ground, 0, 255).astype(np.uint8))) ** 2) @ np.ones(3, np.float32))
    found: NDArray[np.bool_] = away < GROUND_DELTA
    found[found] = away[found] < CLEARLY * _nearest(lab[found], own)
    return found


def _nearest(lab: Lab, colours: Lab) -> Lab:
    """(n,) distance of colours (n, 3) from the nearest of (k, 3)."""
    square = np.full(len(lab), np.inf, np.float32)
    for colour in colours:
        square = np.minimum(square, ((lab - colour) ** 2) @ np.ones(3, np.float32))
    return np.asarray(np.sqrt(square), np.float32)


def _own_colours(seen: Silhouette, ground: NDArray[np.float32], garment: Palette) -> Lab:
    """(k, 3) the colours of the new garment and of the person beside the paint; skin is known by not being the background's."""
    kept = erode(seen.before, EDGE_PX) & ~dilate(seen.painted, EDGE_PX)
    sure = distance(seen.new.astype(np.float32), ground) > GROUND_LEVELS
    if seen.labels is not None:
        sure |= erode(labelled(seen.labels, COVERED), 2)
    others = palette(seen.new, kept & sure)
    colours = garment.lab if others is None else np.concatenate([garment.lab, others.lab])
    return colours.astype(np.float32) * LIGHTNESS_HALF


def _lab(pixels: RGB) -> Lab:
    """(n, 3) uint8 RGB → (n, 3) float32 L*a*b* with lightness halved; CIEDE2000 would take ten times as long."""
    lab: Lab = to_lab(pixels[None])[0].astype(np.float32) * LIGHTNESS_HALF
    return lab


def _ground_behind(seen: Silhouette) -> tuple[NDArray[np.float32], Mask]:
    """(h, w, 3) float32: the background's colour beside each place, and (h, w) bool: where it has one."""
    clear = (~dilate(seen.before, CLEAR_PX)).astype(np.float32)
    near, spread, there = _around(seen.old, clear, NEAR_PX)
    far, wide, anywhere = _around(seen.old, clear, FAR_PX)
    use = there > 0.02
    known = np.where(use, spread, wide) < BUSY_LEVELS
    return np.where(use[..., None], near, far), known & (anywhere > 0.003)


def _around(picture: RGB, clear: NDArray[np.float32], reach_px: int) -> tuple[NDArray[np.float32], ...]:
    """Mean colour (h, w, 3), its deviation in grey levels (h, w) and how much is known (h, w); at a quarter of the size."""
    full = picture.shape[1::-1]
    size = (max(1, full[0] // QUARTER), max(1, full[1] // QUARTER))
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    planes = [np.dstack([picture * clear[..., None], clear]), np.dstack([grey * clear, grey * grey * clear])]
    colour, light = (
        cv2.GaussianBlur(cv2.resize(each, size, interpolation=cv2.INTER_AREA), (0, 0), reach_px / QUARTER) for each in planes
    )
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
