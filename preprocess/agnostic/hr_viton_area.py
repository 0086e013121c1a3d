"""Where a try-on model may paint: HR-VITON's agnostic recipe, proportional to the body and made safe.

Facts: docs/facts/agnostic_rules.md#hr-viton.

Masks are (h, w) bool, True = repaint. Lengths are multiples of `unit_px`, so that a full-body photo gets the same shape as a
close-up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import Labels, Points
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
from preprocess.person import body_shapes as shapes
from preprocess.person.body import Body

HIP_STRETCH = (0.8, 1.6)
"""The hips are drawn as wide as the shoulders, but not by more than this: profiles and seated people keep their trousers."""
DRESS_REACH = 0.5
"""How far down a bare shin a dress may reach."""
SKIRT_GAP = 1.6
"""Knees closer than this (in scales) leave room for a skirt between them."""
SPECK_SHARE = 0.002


@dataclass(frozen=True)
class Margins:
    """How far the mask goes beyond what is worn, in shares of the body's scale (260 px on a VITON-HD photo).

    Args:
        around: beyond the worn garment's outline.
        hem: below its lower edge, over the other garment.
    """

    around: float = 0.046
    hem: float = 0.03


def repaint_area(category: Category, parse: Labels, body: Body, margins: Margins) -> Mask:
    """The agnostic mask of one garment category.

    Args:
        category: upper, lower or dress.
        parse: (h, w) uint8 of `Parse`.
        body: joints on the same canvas.
        margins: safety margins.
    """
    area = {Category.UPPER: upper_area, Category.LOWER: lower_area, Category.DRESS: dress_area}[category]
    return area(parse, body, margins)


def upper_area(parse: Labels, body: Body, margins: Margins) -> Mask:
    """Torso, arms and neck are repainted; hands, face and the lower garment are given back."""
    worn = np.isin(parse, UPPER_LABELS)
    area = upper_drawing(body, parse.shape) | with_margin(worn, body, margins)
    below = _labelled(parse, *LOWER_LABELS, *LEG_LABELS, *SHOE_LABELS)
    return finished(area, _given_back(parse, body) | (below & below_the_hem(worn, body, margins)))


def lower_area(parse: Labels, body: Body, margins: Margins) -> Mask:
    """Trousers, skirt and legs are repainted, with room for a skirt; the upper garment, arms, face and shoes are given back."""
    worn = _labelled(parse, *LOWER_LABELS, *LEG_LABELS) | skirt_of_dress(parse, body)
    keep = _labelled(parse, *UPPER_LABELS, *HEAD_LABELS, *SHOE_LABELS, *ARM_LABELS, Parse.HAIR, Parse.HAT)
    keep &= ~skirt_of_dress(parse, body)
    return finished(masks.dilate(worn, 1.6 * margins.around * body.scale) | legs_drawing(body, parse.shape, 1.0), keep)


def dress_area(parse: Labels, body: Body, margins: Margins) -> Mask:
    """Everything worn but the shoes, arms and neck as for upper garments, legs down to the middle of the shin."""
    shape = parse.shape
    worn = _labelled(parse, *UPPER_LABELS, *LOWER_LABELS)
    skin = _labelled(parse, *LEG_LABELS) & legs_drawing(replace_shins(body, DRESS_REACH), shape, 1.3)
    area = upper_drawing(body, shape) | with_margin(worn | skin, body, margins)
    area |= legs_drawing(replace_shins(body, DRESS_REACH), shape, 1.0)
    return finished(area, _given_back(parse, body) | _labelled(parse, *SHOE_LABELS))


def unit_px(body: Body) -> int:
    """HR-VITON's r: the shoulder width over 16, from the torso where the shoulders cover each other."""
    return int(max(body.shoulder_width, 0.55 * body.torso_length) // 16) + 1


def upper_drawing(body: Body, size: tuple[int, ...]) -> Mask:
    """The recipe's torso, neck block, shoulders and arms."""
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


def _draw_torso(canvas: NDArray[np.uint8], body: Body, r: int) -> None:
    right, left = stretched_hips(body)
    shoulders = body.at(Joint.RIGHT_SHOULDER), body.at(Joint.LEFT_SHOULDER)
    for shoulder, hip in zip(shoulders, (right, left), strict=True):
        shapes.paint(canvas, shapes.disc(hip, 3 * r, 6 * r), 1)
        line(canvas, shoulder, hip, 6 * r)
    line(canvas, right, left, 12 * r)
    shapes.paint(canvas, np.stack([*shoulders, left, right]), 1)


def stretched_hips(body: Body) -> tuple[Points, Points]:
    """The hip pair as far apart as the shoulders, within `HIP_STRETCH`."""
    right, left, middle = body.at(Joint.RIGHT_HIP), body.at(Joint.LEFT_HIP), body.at(Joint.MID_HIP)
    middle = (right + left) / 2 if body.known(Joint.RIGHT_HIP, Joint.LEFT_HIP) else middle
    factor = float(np.clip(body.shoulder_width / max(body.length(Joint.RIGHT_HIP, Joint.LEFT_HIP), 1.0), *HIP_STRETCH))
    return middle + factor * (right - middle), middle + factor * (left - middle)


def arm_drawing(body: Body, side: str, size: tuple[int, ...], last_px: float) -> Mask:
    """Shoulder ellipse, upper arm, forearm, discs at elbow and wrist; a bone whose end nobody saw is left out.

    Args:
        body: the joints.
        side: right or left.
        size: (height, width) of the canvas.
        last_px: radius of the disc at the wrist.
    """
    r = unit_px(body)
    canvas = np.zeros(size, np.uint8)
    shoulder, elbow, wrist = shapes.ARMS[side]
    shapes.paint(canvas, shapes.disc(body.at(shoulder), 5 * r, 6 * r), 1)
    if body.known(elbow):
        line(canvas, body.at(shoulder), body.at(elbow), 10 * r)
        shapes.paint(canvas, shapes.disc(body.at(elbow), 5 * r), 1)
    if body.known(elbow, wrist):
        line(canvas, body.at(elbow), body.at(wrist), 10 * r)
        shapes.paint(canvas, shapes.disc(body.at(wrist), last_px), 1)
    return canvas.astype(bool)


def legs_drawing(body: Body, size: tuple[int, ...], wide: float) -> Mask:
    """Both legs as limbs, the hips, and the room between legs that are close together."""
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


def replace_shins(body: Body, share: float) -> Body:
    """The same body with its ankles pulled up to a share of the shin, so that drawings end there."""
    xy = body.xy.copy()
    for _, knee, ankle in shapes.LEGS.values():
        xy[ankle] = xy[knee] + share * (xy[ankle] - xy[knee])
    return replace(body, xy=xy)


def skirt_of_dress(parse: Labels, body: Body) -> Mask:
    """The part of a worn dress below the waist: what a lower garment replaces."""
    dress = parse == Parse.DRESS
    below: Mask = dress & (body.along((parse.shape[0], parse.shape[1])) > 0.85) if dress.any() else dress
    return below


def with_margin(worn: Mask, body: Body, margins: Margins) -> Mask:
    """The worn garment and a rim round it."""
    return masks.dilate(worn, margins.around * body.scale)


def below_the_hem(worn: Mask, body: Body, margins: Margins) -> Mask:
    """(h, w) bool: everywhere but on what is worn and in a band just below its lower edge."""
    reach = round(margins.hem * body.scale)
    grown = cv2.dilate(worn.astype(np.uint8), np.ones((2 * reach + 1, 1), np.uint8)).astype(bool) if reach > 0 else worn
    below: Mask = ~grown
    return below


def _given_back(parse: Labels, body: Body) -> Mask:
    """Face, glasses, gloves, and hands: arm pixels that the covered arm does not reach."""
    keep = _labelled(parse, *HEAD_LABELS, Parse.GLOVE)
    for side, labels in SIDE_LABELS.items():
        keep |= (parse == labels.arm) & ~arm_drawing(body, side, parse.shape, last_px=4 * unit_px(body))
    return keep


def finished(area: Mask, keep: Mask) -> Mask:
    """Close gaps, fill small holes, give back, and drop specks of both kinds (docs/facts/agnostic_rules.md#what-goes-wrong).

    Args:
        area: (h, w) bool, what a recipe drew.
        keep: (h, w) bool, what must not be repainted.
    """
    closed = masks.tidy(masks.close(area, math.ceil(0.0044 * area.shape[0])), SPECK_SHARE)
    kept = masks.keep_larger(keep & closed, 0.1 * SPECK_SHARE * area.size)
    return masks.keep_larger(closed & ~kept, SPECK_SHARE * area.size)


def _labelled(parse: Labels, *labels: Parse) -> Mask:
    return np.isin(parse, labels)


def line(canvas: NDArray[np.uint8], start: Points, end: Points, width_px: float) -> None:
    """A straight band with flat ends, in place."""
    along = end - start
    length = float(np.hypot(*along))
    if length < 1e-3:
        return
    across = np.array([-along[1], along[0]], np.float32) / length * (width_px / 2)
    shapes.paint(canvas, np.stack([start + across, end + across, end - across, start - across]), 1)
