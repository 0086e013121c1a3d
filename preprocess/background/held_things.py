"""A thing in the hand that the matte leaves out: a bag, a helmet. Pure functions (docs/facts/embedded_methods.md#held-things).

Two signs, either of which is enough at a hand: the person model takes part of it for the person, or it stands
out from a plain wall.
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core import masks
from pipeline.core.arrays import RGB, Float, Grey, Lab
from pipeline.core.flags import Flag, Notice
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab
from preprocess.background.people import Selection

SIDE_PX = 512
SOLID = 128
HANDS = (15, 16, 17, 18, 19, 20, 21, 22)
VISIBLE = 0.5
HAND_REACH = 0.16
"""Radius around each point of a hand, in torso lengths, within which a thing is held."""
LIKELY = 0.25
"""Probability of the person above which a pixel beside the matte may be a thing."""
PLAIN, UNLIKE = 12.0, 25.0
"""Distance in Lab from the wall's colour: what three quarters of a plain wall keep within, and from where a thing begins."""
EDGE, WALL = 0.008, 0.05
"""As shares of the person's height: what belongs to the outline, and from where the wall's colour is read."""
LEAST = 0.012
"""Share of the person's area from which a thing is worth a word."""


def held_thing_notices(photo: RGB, alpha: Grey, selection: Selection) -> list[Notice]:
    """The flag of a thing in the hand that was cut away.

    Args:
        photo: (h, w, 3) uint8 RGB.
        alpha: (h, w) uint8, 255 = person.
        selection: the person and their probability.
    """
    factor = min(1.0, SIDE_PX / max(alpha.shape))
    size = (max(1, round(alpha.shape[1] * factor)), max(1, round(alpha.shape[0] * factor)))
    person = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) >= SOLID
    probability, others = (
        cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (selection.probability, selection.others)
    )
    lab = to_lab(cv2.resize(photo, size, interpolation=cv2.INTER_AREA))
    body = selection.landmarks.body * np.array([factor, factor, 1, 1], np.float32)
    share = held_share(lab, person, probability, body, others > LIKELY)
    return [Notice(Flag.THING_CUT_AWAY, f"{share:.0%} of the person's area, at a hand")] if share >= LEAST else []


def held_share(lab: Lab, person: Mask, probability: Float, body: Float, others: Mask) -> float:
    """Area of things at the hands that are not in the matte, as a share of the person's area.

    Args:
        lab: (h, w, 3) float32.
        person: (h, w) bool.
        probability: (h, w) float32 in [0, 1] of the person.
        body: (33, 4) landmarks in pixels of the same picture, and their visibility.
        others: (h, w) bool: other people, who are no things however close they stand.
    """
    box, hands = masks.box_of(person), _hands(body, person.shape)
    if box is None or not hands.any():
        return 0.0
    beside = ~masks.dilate(person | others, EDGE * box.height)
    wall = ~masks.dilate(person | others | (probability > LIKELY), WALL * box.height)
    things = masks.open_(((probability > LIKELY) | _stands_out(lab, wall)) & beside, EDGE * box.height)
    numbers, areas = masks.components(things)
    held = np.unique(numbers[hands & things])
    return float(areas[held].sum() / np.count_nonzero(person))


def _hands(body: Float, size: tuple[int, ...]) -> Mask:
    """(h, w) bool: around the points of both hands that are seen."""
    torso = float(np.hypot(*((body[11, :2] + body[12, :2] - body[23, :2] - body[24, :2]) / 2)))
    canvas = np.zeros(size, np.uint8)
    for point in body[list(HANDS)]:
        if point[3] > VISIBLE and (np.abs(point[:2]) < 4 * max(size)).all():
            cv2.circle(canvas, (round(float(point[0])), round(float(point[1]))), max(1, round(HAND_REACH * torso)), 1, -1)
    return canvas.astype(bool)


def _stands_out(lab: Lab, wall: Mask) -> Mask:
    """(h, w) bool: far from the wall's colour, where the wall is plain; nothing where it is not."""
    if not wall.any():
        return np.zeros(wall.shape, bool)
    apart = np.linalg.norm(lab - np.median(lab[wall], 0), axis=2)
    plain = float(np.percentile(apart[wall], 75)) <= PLAIN
    out: Mask = apart > UNLIKE if plain else np.zeros(wall.shape, bool)
    return out
