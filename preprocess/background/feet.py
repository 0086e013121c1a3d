"""Shoes: where the floor has their colour, the person model is believed, not the colours; and a shoe's shadow is no shoe.

GrabCut takes a white sole or laces for the light floor, and a mask without soles floats. A shoe is small, so nothing of it lies
deep enough inside the outline to be sure; but the person model sees shoes well (docs/facts/embedded_methods.md#matte).
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.core import masks
from pipeline.core.arrays import RGB, Float, Lab, Points
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab
from preprocess.person import body_shapes as shapes

FEET = ((25, 27, 29, 31), (26, 28, 30, 32))
"""Knee, ankle, heel and toe of each side in MediaPipe's order."""
VISIBLE = 0.6
ROUND = (0.22, 0.16, 0.24)
"""Radius around ankle, heel and toe, in shin lengths: soles, and trousers over the shoe."""
SHOE_PROBABILITY = 0.45
AROUND = 0.25
"""How far around a shoe's place the floor's colour is read, in shin lengths."""
DARKER, TINT = (0.2, 0.85), 8.0
"""A shadow has this share of the floor's lightness, and its colour in proportion, to within the second in Lab."""
GOES_ON = 8.0
"""Distance in Lab to the most alike tenth of the floor beside it: a shadow goes on there, a shoe does not."""
SHADOW_PROBABILITY, LEAST_SHADOW_PX = 0.5, 8
EDGE = 0.02
"""The outermost part of a shoe, in shin lengths, is left to the colours: the model's outline is a few pixels wide."""


def surely_shoes(body: Float, probability: Float) -> Mask:
    """(h, w) bool: the inside of both shoes, as far as they are in the picture and seen.

    Args:
        body: (33, 4) landmarks in pixels of the picture, and their visibility.
        probability: (h, w) float32 in [0, 1] of the person.
    """
    found = np.zeros(probability.shape, bool)
    size = (probability.shape[0], probability.shape[1])
    for shin, place in feet_of(body):
        shoe = masks.erode(probability > SHOE_PROBABILITY, EDGE * shin)
        found |= shapes.painted(size, [place]) & shoe
    return found


def feet_of(body: Float) -> list[tuple[float, Points]]:
    """The length of the shin, and the place of the shoe as a polygon, of each foot that is seen.

    Args:
        body: (33, 4) landmarks in pixels, and their visibility.
    """
    feet = []
    for knee, *foot in FEET:
        shin = float(np.hypot(*(body[knee, :2] - body[foot[0], :2])))
        if body[[knee, *foot], 3].min() > VISIBLE and shin >= 1:
            discs = [shapes.disc(body[i, :2], r * shin) for i, r in zip(foot, ROUND, strict=True)]
            feet.append((shin, shapes.hull(np.concatenate(discs))))
    return feet


def foot_shadows(photo: RGB, found: Mask, probability: Float, body: Float) -> Mask:
    """(h, w) bool: what was taken for a shoe and is the floor in its shadow.

    Args:
        photo: (h, w, 3) uint8 RGB.
        found: (h, w) bool, True = person.
        probability: (h, w) float32 in [0, 1] of the person.
        body: (33, 4) landmarks in pixels of the picture, and their visibility.
    """
    shadows, feet = np.zeros(found.shape, bool), feet_of(body)
    place = shapes.painted((found.shape[0], found.shape[1]), [each for _, each in feet])
    floor = masks.dilate(place, AROUND * max((shin for shin, _ in feet), default=0)) & ~masks.dilate(found, 3)
    if not floor.any():
        return shadows
    lab = cv2.GaussianBlur(to_lab(photo), (0, 0), 0.7)
    may = place & found & (probability < SHADOW_PROBABILITY) & _in_shade(lab, np.median(lab[floor], 0))
    numbers, areas = masks.components(masks.open_(may, 1))
    for number in 1 + np.flatnonzero(areas[1:] >= LEAST_SHADOW_PX):
        patch = numbers == number
        beside = lab[masks.dilate(patch, 5) & ~masks.dilate(found, 1)]
        if len(beside) and np.percentile(np.linalg.norm(beside - lab[patch].mean(0), axis=1), 10) < GOES_ON:
            shadows |= patch
    return shadows


def _in_shade(lab: Lab, floor: Lab) -> Mask:
    """(h, w) bool: darker than the floor's (3,) colour, and tinted in proportion."""
    share = lab[..., 0] / max(float(floor[0]), 1)
    tint = np.linalg.norm(lab[..., 1:] - floor[1:] * np.clip(share, 0, 1)[..., None], axis=2)
    shade: Mask = (share > DARKER[0]) & (share < DARKER[1]) & (tint < TINT)
    return shade
