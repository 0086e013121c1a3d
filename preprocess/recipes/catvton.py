"""`catvton`: CatVTON's mask from DensePose and the parse map, without key-points (issue 2.4).

The published code shrinks and enlarges by a fixed factor and breaks on sides that it does not divide; here the size is said.
Specks are dropped (issue 2.6).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.labels import LEG_LABELS, LOWER_LABELS, SHOE_LABELS, UPPER_LABELS, Body, Category, Parse
from pipeline.core.masks import Mask
from preprocess.recipes.conditions import Conditions
from preprocess.repaint_area import ARM_LABELS, SPECK_SHARE

GROW_SHARE, BLUR_SHARE = 250, 25
"""The longer side divided by these gives the sides of the growing square and of the blur."""
SHRINK = 4
THRESHOLD = 25
"""Of 255, after the blur."""

ACCESSORIES = (Parse.HAT, Parse.GLOVE, Parse.SUNGLASSES, Parse.SCARF, Parse.SOCKS, *SHOE_LABELS)
REPLACED: dict[Category, tuple[Parse, ...]] = {
    Category.UPPER: UPPER_LABELS,
    Category.LOWER: (*LOWER_LABELS, Parse.DRESS),
    Category.DRESS: (*UPPER_LABELS, *LOWER_LABELS),
}
SPARED: dict[Category, tuple[Parse, ...]] = {
    Category.UPPER: (*LEG_LABELS, *LOWER_LABELS),
    Category.LOWER: (*ARM_LABELS.values(), Parse.FACE, Parse.NECK, Parse.UPPER_CLOTHES, Parse.COAT),  # ATR's face has the neck
    Category.DRESS: (),
}
HANDS_AND_FEET = (Body.RIGHT_HAND, Body.LEFT_HAND, Body.LEFT_FOOT, Body.RIGHT_FOOT)
_TORSO_AND_ARMS = (Body.TORSO_BACK, Body.TORSO_FRONT, *(Body(part) for part in range(15, 23)))
_LEGS = tuple(Body(part) for part in range(7, 15))
PARTS: dict[Category, tuple[Body, ...]] = {
    Category.UPPER: _TORSO_AND_ARMS,
    Category.LOWER: _LEGS,
    Category.DRESS: (*_TORSO_AND_ARMS, *_LEGS),
}


def catvton(category: Category, given: Conditions) -> Mask:
    """(h, w) bool, True = repaint."""
    assert given.parts is not None, "the table says that this recipe needs the body parts"
    parse = given.parse
    grow, blur = (_odd(max(parse.shape) // share) for share in (GROW_SHARE, BLUR_SHARE))
    limbs = np.isin(parse, (*ARM_LABELS.values(), *LEG_LABELS))
    strong = (_grown(np.isin(given.parts, HANDS_AND_FEET), grow) & limbs) | (parse == Parse.FACE)
    weak = np.isin(parse, (Parse.HAIR, *ACCESSORIES, *SPARED[category])) | strong
    body = _coarse(np.isin(given.parts, PARTS[category]), grow)
    area = hull_of_parts(((parse != Parse.BACKGROUND) & ~weak) | body) & ~weak
    soft = cv2.GaussianBlur(np.where(area, 255, 0).astype(np.uint8), (blur, blur), 0)
    found = _grown(((soft >= THRESHOLD) | np.isin(parse, REPLACED[category])) & ~strong, grow)
    return masks.keep_larger(found, SPECK_SHARE * found.size)


def hull_of_parts(area: Mask) -> Mask:
    """The convex hull of every connected part by itself."""
    contours, _ = cv2.findContours(area.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    canvas = np.zeros(area.shape, np.uint8)
    for contour in contours:
        cv2.fillConvexPoly(canvas, cv2.convexHull(contour), 1)
    return canvas.astype(bool)


def _coarse(parts: Mask, side_px: int) -> Mask:
    """Shrunk, grown twice, enlarged to just the size it had: covers the gaps between body parts."""
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
