"""`ootd-hd`, `ootd-dc`: OOTDiffusion's mask rule, also IDM-VTON's, without its documented bugs.

Facts: docs/facts/agnostic_rules.md#ootd.

The worn garment dilated by a square, arms as broad strips, the neck; minus what the category keeps. Against the published code:
every joint may be missing, no stroke wraps around the picture's edge, an empty parse map gives no mask, all parts of
the mask stay, and a bare leg below a top is not repainted. `ootd_compat.py` is the rule bug for bug.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.labels import (
    ARM_LABELS,
    HEAD_LABELS,
    LEG_LABELS,
    LOWER_LABELS,
    SHOE_LABELS,
    SIDE_LABELS,
    UPPER_LABELS,
    Category,
    Parse,
)
from pipeline.core.masks import Mask
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.strokes import SPECK_SHARE, line, skirt_of_dress
from preprocess.person import body_shapes as shapes
from preprocess.person.body import Joints

ROWS = 512
"""The rule's pixel sizes hold for a canvas of this height."""
STRIP_PX = {"hd": 60, "dc": 45}
"""Width of an arm's strip for the two published models: half-body VITON-HD and full-body DressCode."""
FOREARM = 1.2
"""The strip ends a fifth of the forearm beyond the wrist."""
GARMENT_PX, ARM_PX, NECK_PX = 10, 8, 2
"""By how much each part is dilated."""

ALWAYS_KEPT = (*HEAD_LABELS, *SHOE_LABELS, Parse.HAT, Parse.GLOVE)
REPLACED: dict[Category, tuple[Parse, ...]] = {
    Category.UPPER: UPPER_LABELS,
    Category.LOWER: (*LOWER_LABELS, *LEG_LABELS, Parse.SOCKS),
    Category.DRESS: (*UPPER_LABELS, *LOWER_LABELS),
}
KEPT: dict[Category, tuple[Parse, ...]] = {
    Category.UPPER: (*LOWER_LABELS, *LEG_LABELS, Parse.SOCKS),
    Category.LOWER: (Parse.UPPER_CLOTHES, Parse.COAT, *ARM_LABELS),
    Category.DRESS: (),
}


def ootd_hd(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint, with the strips of the half-body model."""
    return _area(category, conditions, STRIP_PX["hd"])


def ootd_dc(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint, with the strips of the full-body model."""
    return _area(category, conditions, STRIP_PX["dc"])


def _area(category: Category, conditions: Conditions, strip_px: int) -> Mask:
    parse, body = conditions.parse, conditions.body
    unit = parse.shape[0] / ROWS
    worn = masks.labelled(parse, REPLACED[category])
    if category is Category.LOWER:
        worn |= skirt_of_dress(parse, body)
    keep = masks.labelled(parse, (*ALWAYS_KEPT, *KEPT[category]))
    area = grow(worn, GARMENT_PX * unit)
    if category is not Category.LOWER and parse.any():
        strips = [arm_strip(parse, body, side, strip_px * unit) for side in SIDE_LABELS]
        for labels, strip in zip(SIDE_LABELS.values(), strips, strict=True):
            keep |= (parse == labels.arm) & ~strip
        neck = grow(parse == Parse.NECK, NECK_PX * unit) & ~masks.labelled(parse, HEAD_LABELS)
        area |= grow(strips[0] | strips[1], ARM_PX * unit) | neck
    return _tidied(area, keep)


def arm_strip(parse: NDArray[np.uint8], body: Joints, side: str, width_px: float) -> Mask:
    """One band from the shoulder over the elbow to beyond the wrist; the arm's label when a joint is missing.

    Args:
        parse: (h, w) uint8 of `Parse`.
        body: the joints.
        side: right or left.
        width_px: of the band.
    """
    joints = shapes.ARMS[side]
    if not body.known(*joints):
        bare: Mask = parse == SIDE_LABELS[side].arm
        return bare
    shoulder, elbow, wrist = (body.at(joint) for joint in joints)
    wrist = elbow + FOREARM * (wrist - elbow)
    canvas = np.zeros(parse.shape, np.uint8)
    for start, end in ((shoulder, elbow), (elbow, wrist)):
        line(canvas, start, end, width_px)
        shapes.paint(canvas, shapes.disc(start, width_px / 2), 1)
    return canvas.astype(bool)


def grow(mask: Mask, reach_px: float) -> Mask:
    """Dilated by a square that reaches `reach_px` to every side."""
    side = 2 * round(reach_px) + 1
    grown: Mask = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool)
    return grown


def _tidied(area: Mask, keep: Mask) -> Mask:
    """Small holes are filled, except with what is kept; specks are dropped."""
    filled = masks.fill_holes(area & ~keep, SPECK_SHARE * area.size) & ~keep
    return masks.keep_larger(filled, SPECK_SHARE * area.size)
