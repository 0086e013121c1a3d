"""Clothes and wall in one colour: there the networks are believed, not GrabCut, and what they are unsure of is doubted aloud.

GrabCut parts colours. A white hem before a white wall has none, so it is cut off, and the gap between white trousers is filled; a
skirt's shaded side looks like neither and goes too (docs/facts/embedded_methods.md#matte). Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.core import masks
from pipeline.core.arrays import RGB, Float, Grey, Lab
from pipeline.core.flags import Flag, Notice
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab
from preprocess.background.people import Selection

SIDE_PX = 512
SURE, NOBODY = 0.9, 0.1
"""Probabilities from which a pixel is surely the person, and up to which it surely is not."""
RIM, REACH = 0.012, 0.06
"""As shares of the longer side: what is left out at both borders, and half the window in which colours are averaged."""
ALIKE, WALL = 16.0, 10.0
"""Distances in Lab: up to which person and wall look the same, and up to which a pixel looks like the wall."""
UNLIKE, PLAIN = 12.0, 4.0
"""In Lab: from where a pixel is not the wall, where the wall varies by less than the second."""
UNLIKE_PROBABILITY, PERHAPS = 0.2, 0.05
"""Probability that part of a piece that is no wall must have to be the person's, and the rest of it."""
THICK, LEAST = 0.006, 0.003
"""As shares of the longer side and of the person's area: thinner and smaller pieces are edges."""
UNSURE = (0.2, 0.8)
SO_ALIKE, SO_WALL = 9.0, 7.0
"""As `ALIKE` and `WALL`, where it is asked whether anybody can tell."""
DOUBTED = 0.02
"""Share of the person's area that is unsure from which a word is said."""


@dataclass(frozen=True)
class Contrast:
    """How far the colours around each pixel tell person from wall; (h, w) each.

    Args:
        alike: bool, the person nearby and the wall nearby have one colour, and so has the pixel.
        unlike: bool, the wall nearby is plain and the pixel has another colour.
    """

    alike: Mask
    unlike: Mask


def contrast_of(lab: Lab, probability: Float, alike: float = ALIKE, wall_like: float = WALL) -> Contrast:
    """Compare each pixel, and the person near it, with the wall near it.

    Args:
        lab: (h, w, 3) float32.
        probability: (h, w) float32 in [0, 1] of the person.
        alike, wall_like: distances in Lab up to which person and wall look the same, and a pixel looks like the wall.
    """
    side = max(probability.shape)
    inner = masks.erode(probability > SURE, RIM * side)
    wall = ~masks.dilate(probability > NOBODY, RIM * side)
    person_colour, _, person_near = around(lab, inner, REACH * side)
    wall_colour, spread, wall_near = around(lab, wall, REACH * side)
    from_wall = np.linalg.norm(cv2.GaussianBlur(lab, (0, 0), 1) - wall_colour, axis=2)
    same = np.linalg.norm(person_colour - wall_colour, axis=2) < alike
    known = person_near & wall_near
    return Contrast(known & same & (from_wall < wall_like), wall_near & (spread < PLAIN) & (from_wall > UNLIKE))


def around(lab: Lab, where: Mask, reach: float, growth: tuple[float, ...] = (1, 3)) -> tuple[Lab, Float, Mask]:
    """What is seen of `where` in a window around each pixel; the window grows where it is empty.

    Args:
        lab: (h, w, 3) float32.
        where: (h, w) bool.
        reach: half of the window's side in pixels.
        growth: factors on it, each tried where the one before saw nothing.

    Returns:
        (h, w, 3) float32 mean colour, (h, w) float32 spread, and (h, w) bool whether any of it is seen.
    """
    weight = where.astype(np.float32)
    mean, square, total = np.zeros_like(lab), np.zeros(where.shape, np.float32), np.zeros(where.shape, np.float32)
    for factor in growth:
        size = (2 * round(factor * reach) + 1,) * 2
        amount = cv2.blur(weight, size)
        empty = (total < 0.01) & (amount >= 0.01)
        safe = np.maximum(amount, 1e-4)
        mean[empty] = (cv2.blur(lab * weight[..., None], size) / safe[..., None])[empty]
        square[empty] = (cv2.blur((lab**2).sum(2) * weight, size) / safe)[empty]
        total[empty] = amount[empty]
    spread = np.sqrt(np.maximum(square - (mean**2).sum(2), 0))
    return mean, spread, total >= 0.01


def settle_alike(photo: RGB, found: Mask, probability: Float, others: Float) -> Mask:
    """The mask, decided by the networks where colours cannot, and with pieces that are no wall.

    Args:
        photo: (h, w, 3) uint8 RGB, the person's window.
        found: (h, w) bool, what the colours gave.
        probability, others: (h, w) float32 in [0, 1] of the person and of all other people.
    """
    contrast = contrast_of(to_lab(photo), probability)
    side = max(found.shape)
    settled = np.where(contrast.alike, probability > 0.5, found)
    more = contrast.unlike & (probability > PERHAPS) & (others < 0.3) & ~settled
    numbers, areas = masks.components(masks.open_(more, THICK * side))
    keep = areas >= LEAST * np.count_nonzero(found)
    keep &= np.isin(np.arange(len(areas)), numbers[probability > UNLIKE_PROBABILITY])
    keep[0] = False
    kept: Mask = settled | (masks.dilate(keep[numbers], THICK * side) & more)
    return kept


def alike_notices(photo: RGB, alpha: Grey, selection: Selection) -> list[Notice]:
    """The flag of a person whose outline is a guess, because clothes and wall look the same.

    Args:
        photo: (h, w, 3) uint8 RGB.
        alpha: (h, w) uint8, 255 = person.
        selection: the person and their probability.
    """
    factor = min(1.0, SIDE_PX / max(alpha.shape))
    size = (max(1, round(alpha.shape[1] * factor)), max(1, round(alpha.shape[0] * factor)))
    probability = cv2.resize(selection.probability, size, interpolation=cv2.INTER_AREA)
    lab = to_lab(cv2.resize(photo, size, interpolation=cv2.INTER_AREA))
    person = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) >= 128
    share = doubted_share(lab, probability, person)
    return [Notice(Flag.MATTE_DOUBTFUL, f"{share:.1%} of the person's area")] if share >= DOUBTED else []


def doubted_share(lab: Lab, probability: Float, person: Mask) -> float:
    """Area where nothing tells person from wall, or that is no wall and was cut away, as a share of the person's area."""
    contrast = contrast_of(lab, probability, SO_ALIKE, SO_WALL)
    unsure = contrast.alike & (probability > UNSURE[0]) & (probability < UNSURE[1])
    doubted = masks.open_(unsure | (contrast.unlike & (probability > NOBODY) & ~person), THICK * max(person.shape))
    return int(np.count_nonzero(doubted)) / max(1, int(np.count_nonzero(person)))
