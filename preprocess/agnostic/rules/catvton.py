"""`catvton`: CatVTON's mask from DensePose, LIP and ATR, without key-points; also for a shirt or a coat alone.

Facts: docs/facts/agnostic_rules.md#catvton.

Without LIP's and ATR's own maps the parse map stands for both. The published code shrinks and enlarges by a fixed factor and
fails on sides that the factor does not divide; here the target size is given. Specks are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.labels import ARM_LABELS, LEG_LABELS, LOWER_LABELS, SHOE_LABELS, UPPER_LABELS, BodyPart, Category, Parse
from pipeline.core.masks import Mask
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.strokes import SPECK_SHARE

GROW_SHARE, BLUR_SHARE = 250, 25
"""The longer side divided by these gives the side of the dilating square and of the blur."""
SHRINK = 4
THRESHOLD = 25
"""Of 255, after the blur."""

ACCESSORIES = (Parse.HAT, Parse.GLOVE, Parse.SUNGLASSES, Parse.SCARF, Parse.SOCKS, *SHOE_LABELS)
HANDS_AND_FEET = (BodyPart.RIGHT_HAND, BodyPart.LEFT_HAND, BodyPart.LEFT_FOOT, BodyPart.RIGHT_FOOT)
TORSO = (BodyPart.TORSO_BACK, BodyPart.TORSO_FRONT)
ARMS = tuple(BodyPart(part) for part in range(15, 23))
LEGS = tuple(BodyPart(part) for part in range(7, 15))


@dataclass(frozen=True)
class Replacement:
    """What one kind of garment replaces.

    Args:
        replaced: worn garments that must be repainted.
        kept: labels that stay, in addition to hair and accessories.
        parts: body parts under the garment.
    """

    replaced: tuple[Parse, ...]
    kept: tuple[Parse, ...]
    parts: tuple[BodyPart, ...]


BELOW = (*LEG_LABELS, *LOWER_LABELS)
ABOVE = (*ARM_LABELS, Parse.FACE, Parse.NECK, Parse.UPPER_CLOTHES, Parse.COAT)
"""ATR's face includes the neck, CIHP has a label for it: both stay above a lower garment."""
REPLACEMENTS: dict[Category, Replacement] = {
    Category.UPPER: Replacement(UPPER_LABELS, BELOW, (*TORSO, *ARMS)),
    Category.LOWER: Replacement((*LOWER_LABELS, Parse.DRESS), ABOVE, LEGS),
    Category.DRESS: Replacement((*UPPER_LABELS, *LOWER_LABELS), (), (*TORSO, *ARMS, *LEGS)),
}
INNER = Replacement((Parse.UPPER_CLOTHES,), (Parse.COAT, Parse.DRESS, *BELOW), TORSO)
OUTER = Replacement((Parse.COAT,), (Parse.UPPER_CLOTHES, Parse.DRESS, *BELOW), (*TORSO, *ARMS))


def catvton(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint."""
    return _area(REPLACEMENTS[category], conditions)


def catvton_inner(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint: the shirt under an open coat; the coat stays. For upper garments."""
    return _area(INNER, conditions)


def catvton_outer(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint: the coat; the shirt under it stays. For upper garments; needs a parser that labels coats."""
    return _area(OUTER, conditions)


def _area(kind: Replacement, conditions: Conditions) -> Mask:
    assert conditions.parts is not None, "needs_parts in the table of rules"
    grow, blur = (_odd(max(conditions.size) // share) for share in (GROW_SHARE, BLUR_SHARE))
    strong = _grown(masks.labelled(conditions.parts, HANDS_AND_FEET), grow) & conditions.labelled(*ARM_LABELS, *LEG_LABELS)
    strong |= conditions.parse == Parse.FACE  # not ATR's face, which reaches down to the collar
    weak = conditions.labelled(Parse.HAIR, *ACCESSORIES, *kind.kept) | strong
    weak |= np.zeros(conditions.size, bool) if conditions.bag is None else conditions.bag
    foreground = conditions.labelled(*(label for label in Parse if label is not Parse.BACKGROUND))
    area = hull_of_parts((foreground & ~weak) | _coarse(masks.labelled(conditions.parts, kind.parts), grow)) & ~weak
    soft = cv2.GaussianBlur(np.where(area, 255, 0).astype(np.uint8), (blur, blur), 0)
    found = _grown(((soft >= THRESHOLD) | conditions.labelled(*kind.replaced)) & ~strong, grow)
    return masks.keep_larger(found, SPECK_SHARE * found.size)


def hull_of_parts(area: Mask) -> Mask:
    """The convex hull of every connected part, each for itself."""
    contours, _ = cv2.findContours(area.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    canvas = np.zeros(area.shape, np.uint8)
    for contour in contours:
        cv2.fillConvexPoly(canvas, cv2.convexHull(contour), 1)
    return canvas.astype(bool)


def _coarse(parts: Mask, side_px: int) -> Mask:
    """Shrunk, dilated twice, enlarged to its old size: covers the gaps between body parts."""
    height, width = parts.shape
    small = (max(1, width // SHRINK), max(1, height // SHRINK))
    shrunk = cv2.resize(parts.astype(np.uint8), small, interpolation=cv2.INTER_NEAREST)
    grown = cv2.dilate(shrunk, _square(side_px), iterations=2)
    coarse: Mask = cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
    return coarse


def _grown(mask: Mask, side_px: int) -> Mask:
    grown: Mask = cv2.dilate(mask.astype(np.uint8), _square(side_px)).astype(bool)
    return grown


def _square(side_px: int) -> NDArray[np.uint8]:
    return np.ones((side_px, side_px), np.uint8)


def _odd(number: int) -> int:
    return number if number % 2 else number + 1
