"""Gaps that were filled: wall between arm and body, between the legs, inside a bent elbow. Pure functions.

The networks see a narrow gap as person, and GrabCut learns the wall's colour from it. But a gap shows the wall that is seen
beside the person, ends in an edge, and lies where no limb does (docs/facts/embedded_methods.md#gaps).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.core import masks
from pipeline.core.arrays import RGB, Float
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab
from preprocess.background.alike_wall import NOBODY, RIM, around
from preprocess.background.feet import feet_of
from preprocess.person import body_shapes as shapes


@dataclass(frozen=True)
class Rule:
    """What a gap must be like.

    Args:
        level: distance in Lab up to which a pixel shows the wall.
        apart: what surrounds the gap is farther from the wall than this, in Lab, ...
        sharp: ... on this share of the gap's border: a shaded fold fades into the wall's colour.
        unsure: probability below which all its pixels are; 1 = any.
        beside: whether it must lie between an arm and the torso.
    """

    level: float
    apart: float
    sharp: float = 0.75
    unsure: float = 1.0
    beside: bool = False


RULES = (Rule(2.5, 9.0), Rule(4.0, 9.0), Rule(6.0, 12.0), Rule(9.0, 22.0), Rule(3.0, 4.5, 0.5, unsure=0.85, beside=True))
"""Each is tried: a light shirt needs a finer level than a gap in shadow; where both are alike the networks must be unsure."""
BUSY = 6.0
"""Spread in Lab from which a wall has no colour of its own."""
REACH = 0.04
"""Half the window in which the wall's colour is averaged, as a share of the longer side."""
GROWTH = (1, 3, 8)
"""It grows by these factors: the wall may be far from the gap between two legs."""
SURE = 0.985
"""Mean probability from which a patch is the person, whatever its colour: a print, a button."""
TOUCHED = 0.2
"""Share of a patch that may lie on a limb or the torso."""
LEAST, MOST, LEAST_PX = 1e-4, 0.05, 8
"""Shares of the person's area that a gap has, and pixels; what is larger is a garment in the wall's colour."""
LIMBS = ((11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (25, 27), (24, 26), (26, 28))
HIPS = (23, 24)
"""Thighs are drawn where they are not seen, too: trousers reach into the photo."""
HANDS = ((15, 17, 19), (16, 18, 20))
TORSO = (11, 12, 24, 23)
THICK, HAND_THICK = 0.05, 0.015
"""Radius around bones and hands that is surely the person, in torso lengths."""
HEAD = 0.9
"""Radius of the head around its points' middle, in their distance from the shoulders' middle."""
VISIBLE = 0.5
SIDES = ((11, 13, 15, 23), (12, 14, 16, 24))
"""Shoulder, elbow, wrist and hip of each side."""
ARM = 0.08
"""Half an arm's thickness, in torso lengths."""
BLUR_PX = 0.7


@dataclass(frozen=True)
class _Seen:
    """The window, (h, w) each: person, limbs, what lies beside the torso, distance to the wall's colour, probability."""

    found: Mask
    limbs: Mask
    beside: Mask
    apart: Float
    probability: Float


def open_gaps(photo: RGB, found: Mask, probability: Float, body: Float) -> Mask:
    """The mask without patches of wall that it encloses.

    Args:
        photo: (h, w, 3) uint8 RGB, the person's window.
        found: (h, w) bool, True = person.
        probability: (h, w) float32 in [0, 1] of the person.
        body: (33, 4) landmarks in pixels of the window, and their visibility.
    """
    lab = cv2.GaussianBlur(to_lab(photo), (0, 0), BLUR_PX)
    wall = ~masks.dilate(found | (probability > NOBODY), RIM * max(found.shape))
    colour, spread, near = around(lab, wall, REACH * max(found.shape), GROWTH)
    apart = np.where(near & (spread < BUSY), np.linalg.norm(lab - colour, axis=2), np.inf).astype(np.float32)
    size = (found.shape[0], found.shape[1])
    limbs, beside = surely_body(body, size), beside_torso(body, size)
    for rule in RULES:  # what was opened no longer surrounds its neighbour
        found = found & ~_patches(_Seen(found, limbs, beside, apart, probability), rule)
    return found


def _patches(seen: _Seen, rule: Rule) -> Mask:
    """(h, w) bool: the gaps that a rule finds."""
    alike = seen.found & (seen.apart < rule.level) & (seen.probability <= rule.unsure)
    numbers, areas = masks.components(masks.open_(alike & seen.beside if rule.beside else alike, 1))
    least = max(LEAST_PX, LEAST * np.count_nonzero(seen.found))
    on_limbs = np.bincount(numbers[seen.limbs], minlength=len(areas))
    likely = np.bincount(numbers.ravel(), seen.probability.ravel(), len(areas))
    may = (
        (areas >= least)
        & (areas <= MOST * np.count_nonzero(seen.found))
        & (on_limbs <= TOUCHED * areas)
        & (likely < SURE * areas)
    )
    may[0] = False
    gaps = np.zeros(seen.found.shape, bool)
    for number in np.flatnonzero(may):
        patch = numbers == number
        if _has_edge(patch, seen, rule):
            gaps |= patch | (masks.dilate(patch, 1) & (seen.apart < rule.apart) & ~seen.limbs)  # its rim is half wall
    return gaps


def _has_edge(patch: Mask, seen: _Seen, rule: Rule) -> bool:
    """Whether the person begins abruptly around a patch."""
    box = masks.box_of(patch)
    assert box is not None
    window = box.window(patch.shape, 6)
    inside = patch[window]
    ring = masks.dilate(inside, 4) & ~masks.dilate(inside, 2) & seen.found[window]
    distances = seen.apart[window][ring]
    return bool(distances.size and (distances > rule.apart).mean() >= rule.sharp)


def beside_torso(body: Float, size: tuple[int, int]) -> Mask:
    """(h, w) bool: between each arm and the torso, without the arm.

    Args:
        body: (33, 4) landmarks in pixels, and their visibility.
        size: (height, width).
    """
    points, unit = body[:, :2], _torso_length(body)
    seen = [side for side in SIDES if body[list(side), 3].min() > VISIBLE]
    arms = [shapes.capsule(points[a], points[b], ARM * unit, ARM * unit) for a, b, c, _ in seen for a, b in ((a, b), (b, c))]
    return shapes.painted(size, [shapes.hull(points[list(side)]) for side in seen]) & ~shapes.painted(size, arms)


def _torso_length(body: Float) -> float:
    return float(np.hypot(*(body[[11, 12], :2].mean(0) - body[[23, 24], :2].mean(0))))


def surely_body(body: Float, size: tuple[int, int]) -> Mask:
    """(h, w) bool: torso, head, hands, feet and the middle of the limbs.

    Args:
        body: (33, 4) landmarks in pixels, and their visibility.
        size: (height, width).
    """
    points, unit = body[:, :2], _torso_length(body)
    head, shoulders = points[:11].mean(0), points[[11, 12]].mean(0)
    drawn = [shapes.hull(points[list(TORSO)]), shapes.disc(head, HEAD * float(np.hypot(*(head - shoulders))))]
    drawn += [
        shapes.capsule(points[a], points[b], THICK * unit, THICK * unit)
        for a, b in LIMBS
        if a in HIPS or body[[a, b], 3].min() > VISIBLE
    ]
    drawn += [
        shapes.capsule(points[wrist], points[knuckles].mean(0), HAND_THICK * unit, HAND_THICK * unit)
        for wrist, *knuckles in HANDS
        if body[[wrist, *knuckles], 3].min() > VISIBLE
    ]
    return shapes.painted(size, [*drawn, *(place for _, place in feet_of(body))])
