"""`hr-viton`: the shape with which StableVITON was trained, in proportion to the body and made safe.

Facts: docs/facts/agnostic_rules.md#hr-viton.
"""

from __future__ import annotations

from dataclasses import replace

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
    Joint,
    Parse,
)
from pipeline.core.masks import Mask
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.strokes import (
    arm_drawing,
    below_the_hem,
    finished,
    line,
    skirt_of_dress,
    stretched_hips,
    unit_px,
    with_margin,
)
from preprocess.person import body_shapes as shapes
from preprocess.person.body import Joints

DRESS_REACH = 0.5
"""How far down a bare shin a dress may reach."""
SKIRT_GAP = 1.6
"""Between knees closer than this (in scales) the mask leaves space for a skirt."""


def hr_viton(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint; HR-VITON itself has no rule for lower garments and dresses, ours follow the same idea."""
    area = {Category.UPPER: upper_area, Category.LOWER: lower_area, Category.DRESS: dress_area}[category]
    return area(conditions)


def upper_area(conditions: Conditions) -> Mask:
    """Torso, arms and neck are repainted; hands, face and the lower garment are kept."""
    parse, body, margins = conditions.parse, conditions.body, conditions.margins
    worn = masks.labelled(parse, UPPER_LABELS)
    area = upper_drawing(body, parse.shape) | with_margin(worn, body, margins)
    below = masks.labelled(parse, (*LOWER_LABELS, *LEG_LABELS, *SHOE_LABELS))
    return finished(area, _kept(conditions) | (below & below_the_hem(worn, body, margins)))


def lower_area(conditions: Conditions) -> Mask:
    """Trousers, skirt and legs are repainted, with space for a skirt; the upper garment, arms, face and shoes are kept."""
    parse, body = conditions.parse, conditions.body
    skirt = skirt_of_dress(parse, body)
    worn = masks.labelled(parse, (*LOWER_LABELS, *LEG_LABELS)) | skirt
    keep = masks.labelled(parse, (*UPPER_LABELS, *HEAD_LABELS, *SHOE_LABELS, *ARM_LABELS, Parse.HAIR, Parse.HAT)) & ~skirt
    return finished(masks.dilate(worn, 1.6 * conditions.margins.around * body.scale) | legs_drawing(body, parse.shape, 1.0), keep)


def dress_area(conditions: Conditions) -> Mask:
    """Everything worn except the shoes, arms and neck as for upper garments, legs down to the middle of the shin."""
    parse, body, shape = conditions.parse, conditions.body, conditions.parse.shape
    short = with_short_shins(body, DRESS_REACH)
    worn = masks.labelled(parse, (*UPPER_LABELS, *LOWER_LABELS))
    skin = masks.labelled(parse, LEG_LABELS) & legs_drawing(short, shape, 1.3)
    area = upper_drawing(body, shape) | with_margin(worn | skin, body, conditions.margins)
    area |= legs_drawing(short, shape, 1.0)
    return finished(area, _kept(conditions) | masks.labelled(parse, SHOE_LABELS))


def upper_drawing(body: Joints, size: tuple[int, ...]) -> Mask:
    """The rule's torso, neck block, shoulders and arms."""
    r = unit_px(body)
    canvas = np.zeros(size, np.uint8)
    _draw_torso(canvas, body, r)
    neck = body.at(Joint.NECK)
    block = np.array([[-5, -9], [5, -9], [5, 0], [-5, 0]], np.float32) * r
    shapes.paint(canvas, neck + block, 1)
    right, left = body.at(Joint.RIGHT_SHOULDER), body.at(Joint.LEFT_SHOULDER)
    line(canvas, right, left, 12 * r)
    for side in shapes.ARMS:
        canvas |= arm_drawing(body, side, size, last_px=5 * r).astype(np.uint8)
    return canvas.astype(bool)


def _draw_torso(canvas: NDArray[np.uint8], body: Joints, r: int) -> None:
    right, left = stretched_hips(body)
    shoulders = body.at(Joint.RIGHT_SHOULDER), body.at(Joint.LEFT_SHOULDER)
    for shoulder, hip in zip(shoulders, (right, left), strict=True):
        shapes.paint(canvas, shapes.disc(hip, 3 * r, 6 * r), 1)
        line(canvas, shoulder, hip, 6 * r)
    line(canvas, right, left, 12 * r)
    shapes.paint(canvas, np.stack([*shoulders, left, right]), 1)


def legs_drawing(body: Joints, size: tuple[int, ...], wide: float) -> Mask:
    """Both legs as limbs, the hips, and the space between legs that are close together."""
    height, width = size[0], size[1]
    parts = [shape for side in shapes.LEGS for shape in (shapes.thigh(body, side, wide), shapes.shin(body, side, wide))]
    right, left = stretched_hips(body)
    parts.append(shapes.capsule(right, left, 3.0 * unit_px(body), 3.0 * unit_px(body)))
    knees = [body.at(Joint.RIGHT_KNEE), body.at(Joint.LEFT_KNEE)]
    if float(np.hypot(*(knees[0] - knees[1]))) < SKIRT_GAP * body.scale:
        ankles = [body.at(Joint.RIGHT_ANKLE), body.at(Joint.LEFT_ANKLE)]
        parts.append(shapes.hull(np.stack([right, left, *knees])))
        parts.append(shapes.hull(np.stack([*knees, *ankles])))
    return shapes.painted((height, width), parts)


def with_short_shins(body: Joints, share: float) -> Joints:
    """The same joints with the ankles moved up to a share of the shin, so that drawings end there."""
    xy = body.xy.copy()
    for _, knee, ankle in shapes.LEGS.values():
        xy[ankle] = xy[knee] + share * (xy[ankle] - xy[knee])
    return replace(body, xy=xy)


def _kept(conditions: Conditions) -> Mask:
    """Face, glasses, gloves, and hands: arm pixels that the covered arm does not reach."""
    parse, body = conditions.parse, conditions.body
    keep = masks.labelled(parse, (*HEAD_LABELS, Parse.GLOVE))
    for side, labels in SIDE_LABELS.items():
        keep |= (parse == labels.arm) & ~arm_drawing(body, side, parse.shape, last_px=4 * unit_px(body))
    return keep
