"""Where the upper garment surely ends, for masks of lower garments: labels are least reliable at the waist.

A belt, a waistband or a skirt's top that a parser gave to the upper garment would show above the new trousers. From the waistline
downwards, what is labelled as upper garment stays only where it looks like the chest and unlike the legs
(docs/facts/embedded_methods.md#waist).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import RGB, Labels
from pipeline.core.labels import LOWER_LABELS, Joint, Parse
from pipeline.core.masks import Mask
from preprocess.agnostic.garment_looks import GarmentLooks, compare_looks
from preprocess.person import body_shapes as shapes
from preprocess.person.body import Joints, leg_in_view

WAISTLINE, HIGH_WAIST = 0.80, 0.62
"""Along the body (0 neck, 1 hips): above the first an upper garment is one where both look alike, above the second always."""
CHEST, LEGS = (0.1, 0.6), 1.05
"""Along the body: where the upper garment's look is read, and from where the lower one's."""
WORK_SCALE_PX = 130.0
"""The body's scale at which looks are compared; a larger photo is shrunk."""
LEAST_SEEDS = 100
WINDOW = 0.05
"""Looks are averaged over a square with this half side, in scales: a print has several colours."""
SURE_NATS, SLEEVE_NATS = 0.35, -0.8
"""Mean odds above which the torso, or a sleeve beside it, is upper garment."""
ALIKE = 0.25
"""Share of the two garments' looks that both have, from which the border is taken from the body."""
THIN, HEM, NEAR = 0.02, 0.025, 0.04
"""In scales: width of a thread, how far a settled hem is covered above its edge, and what lies at the lower garment."""
SHORT = 0.5
"""Of the thigh: a piece that ends above it may be two."""
LEAST_LOWER = 0.1
"""Of the squared scale: less than this is no garment for legs."""
PRINT_AREA = 0.03
"""Enclosed parts below this share of the squared scale belong to the upper garment: a pocket, a print."""


@dataclass(frozen=True)
class Waist:
    """The settled border of two garments.

    Args:
        parse: (h, w) uint8 of `Parse`.
        alike: share in [0, 1] of the garments' looks that both have; 0 when one of them is not there.
    """

    parse: Labels
    alike: float

    @property
    def guessed(self) -> bool:
        """Whether the garments look so much alike that the border follows from the body's proportions."""
        return self.alike >= ALIKE


def settled_waist(parse: Labels, image: RGB, body: Joints) -> Waist:
    """The parse map in which what is not surely upper garment below the waistline belongs to the lower garment.

    Args:
        parse: (h, w) uint8 of `Parse`.
        image: (h, w, 3) uint8 RGB of the same size.
        body: the joints in pixels of `image`.

    Returns:
        The map, in which `UPPER_CLOTHES` and `COAT` may have become the lower label that is worn; how alike both garments are.
    """
    factor = min(1.0, WORK_SCALE_PX / body.scale)
    size = (max(1, round(parse.shape[1] * factor)), max(1, round(parse.shape[0] * factor)))
    small = cv2.resize(parse, size, interpolation=cv2.INTER_NEAREST)
    view = _WaistView(cv2.resize(image, size, interpolation=cv2.INTER_AREA), small, body.resized(factor))
    looks = view.looks()
    if looks is None:
        return Waist(parse.copy(), 0.0)
    freed = cv2.resize(masks.bytes_of(view.not_upper(looks)), parse.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0
    upper = masks.labelled(parse, (Parse.UPPER_CLOTHES, Parse.COAT))
    settled: Labels = np.where(freed & upper, np.uint8(_worn_below(parse)), parse)
    return Waist(settled, looks.alike)


def short_one_piece(parse: Labels, body: Joints) -> bool:
    """Whether what is worn as one piece ends above the middle of the thighs: a top and shorts of one colour look the same.

    Args:
        parse: (h, w) uint8 of `Parse`.
        body: the joints in pixels of the same canvas.
    """
    dress = parse == Parse.DRESS
    if not dress.any() or not body.known(Joint.RIGHT_KNEE, Joint.LEFT_KNEE):
        return False
    knees = (body.at(Joint.RIGHT_KNEE) + body.at(Joint.LEFT_KNEE)) / 2 - body.at(Joint.NECK)
    knee = float(knees @ body.down) / max(body.torso_length, 1.0)
    hem = float(np.quantile(body.along((parse.shape[0], parse.shape[1]))[dress], 0.98))
    return hem < 1 + SHORT * (knee - 1)


def lower_unseen(parse: Labels, body: Joints) -> bool:
    """Whether legs are in the photo and nothing is labelled as worn on them: shorts in the colour of skin, or of the top.

    Args:
        parse: (h, w) uint8 of `Parse`.
        body: the joints in pixels of the same canvas.
    """
    worn = masks.labelled(parse, (*LOWER_LABELS, Parse.DRESS))
    there = bool((parse != Parse.BACKGROUND).any()) and leg_in_view(body, (parse.shape[0], parse.shape[1]))
    return there and int(np.count_nonzero(worn)) < LEAST_LOWER * body.scale**2


class _WaistView:
    """One person at working size; (h, w) arrays."""

    def __init__(self, image: RGB, parse: Labels, body: Joints) -> None:
        self._image, self._scale = image, body.scale
        self._upper = masks.labelled(parse, (Parse.UPPER_CLOTHES, Parse.COAT))
        self._lower = masks.labelled(parse, LOWER_LABELS)
        size = (parse.shape[0], parse.shape[1])
        self._along: NDArray[np.float32] = body.along(size)
        arms = [shape for side in shapes.ARMS for shape in (shapes.upper_arm(body, side, 1.2), shapes.forearm(body, side, 1.2))]
        self._sleeves = shapes.painted(size, arms) & ~shapes.painted(size, [shapes.torso(body)])

    def looks(self) -> GarmentLooks | None:
        """How the chest and the legs look; None when too little of one is there."""
        rim = THIN * self._scale
        chest = masks.erode(self._upper, rim) & (self._along > CHEST[0]) & (self._along < CHEST[1]) & ~self._sleeves
        legs = masks.erode(self._lower, rim) & (self._along > LEGS)
        if min(np.count_nonzero(chest), np.count_nonzero(legs)) < LEAST_SEEDS:
            return None
        return compare_looks(self._image, chest, legs, self._upper & (self._along > HIGH_WAIST), self._scale)

    def not_upper(self, looks: GarmentLooks) -> Mask:
        """(h, w) bool: labelled as upper garment, but not surely, and at the lower garment."""
        if looks.alike >= ALIKE:
            freed = self._upper & (self._along > WAISTLINE) & ~self._sleeves
        else:
            doubtful = self._upper & (self._along > HIGH_WAIST)
            sure = self._sure(looks, self._upper & ~doubtful)
            edge = masks.dilate(doubtful & ~sure | self._lower, HEM * self._scale)
            freed = doubtful & ~(sure & (~edge | self._sleeves))
        return touching(freed, masks.dilate(self._lower, NEAR * self._scale))

    def _sure(self, looks: GarmentLooks, above: Mask) -> Mask:
        """(h, w) bool: looks like the chest and hangs together with what is above; a sleeve need not."""
        side = 2 * max(1, round(WINDOW * self._scale)) + 1
        weight = cv2.blur(self._upper.astype(np.float32), (side, side))
        mean = cv2.blur(looks.odds, (side, side)) / np.maximum(weight, 1e-4)
        joined = touching(masks.open_(self._upper & (mean > SURE_NATS), THIN * self._scale) | above, above)
        sleeves = self._sleeves & (mean > SLEEVE_NATS)
        whole: Mask = (masks.fill_holes(joined, PRINT_AREA * self._scale**2) | sleeves) & self._upper
        return whole


def touching(found: Mask, place: Mask) -> Mask:
    """The connected parts of `found` that reach into `place`; (h, w) bool each."""
    numbers, areas = masks.components(found)
    keep = np.zeros(len(areas), bool)
    keep[np.unique(numbers[place & found])] = True
    keep[0] = False
    parts: Mask = keep[numbers]
    return parts


def _worn_below(parse: Labels) -> Parse:
    """The lower label of which there is more."""
    trousers, skirt = (np.count_nonzero(parse == label) for label in LOWER_LABELS)
    return Parse.SKIRT if skirt > trousers else Parse.PANTS
