"""`viton-hd-exact` and `gs-viton-exact`: the published loaders' drawings, stroke for stroke (docs/facts/agnostic_rules.md#exact).

Drawn with Pillow, because the networks were trained on its strokes. Missing torso joints are completed, where the published code
divides by zero; nothing else differs. Lower garments, which no published loader draws, get the same strokes along the legs.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.core import masks
from pipeline.core.arrays import Labels
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
from preprocess.agnostic.rules.dci_vton import with_square_torso
from preprocess.person.body import Joints
from preprocess.person.body_shapes import ARMS, LEGS

ROWS = 1024
"""Of the canvas whose pixels the units below are."""
PICTURE_UNIT, PARSE_UNIT = 20, 10
"""VITON-HD's r of both drawings."""
WAIST_UNITS = 3
"""Above the hips that drawings of lower garments reach."""
GS_PICTURE_UNIT, GS_PARSE_UNIT = 12, 20
"""GS-VITON's, 6 and 10 in a square of 512."""

Point = tuple[float, float]


class _Pen:
    """Pillow's strokes on a mask.

    Args:
        size: (height, width).
        joints: (25, 2) x, y.
        unit: r in pixels.
    """

    def __init__(self, size: tuple[int, ...], joints: NDArray[np.float64], unit: float) -> None:
        self._canvas = Image.new("L", (size[1], size[0]))
        self._draw = ImageDraw.Draw(self._canvas)
        self._joints, self.unit = joints, unit

    @property
    def mask(self) -> Mask:
        """(height, width) bool of everything drawn."""
        drawn: Mask = np.asarray(self._canvas) > 0
        return drawn

    def at(self, joint: Joint) -> Point:
        """x, y of a joint."""
        x, y = self._joints[joint]
        return float(x), float(y)

    def line(self, joints: tuple[Joint, ...], units: float) -> None:
        """A line through joints."""
        self._draw.line([self.at(joint) for joint in joints], 255, round(units * self.unit))

    def oval(self, joint: Joint, across: float, along: float) -> None:
        """A filled ellipse with half axes in units."""
        x, y = self.at(joint)
        a, b = across * self.unit, along * self.unit
        self._draw.ellipse((x - a, y - b, x + a, y + b), 255, 255)

    def polygon(self, joints: tuple[Joint, ...]) -> None:
        """The field between joints."""
        self._draw.polygon([self.at(joint) for joint in joints], 255, 255)

    def square(self, joint: Joint, half: float) -> None:
        """A filled square around a joint."""
        x, y = self.at(joint)
        self._draw.rectangle((x - half * self.unit, y - half * self.unit, x + half * self.unit, y + half * self.unit), 255, 255)


def picture_mask(unit: int, category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint. Of upper garments hands too, not face, glasses and what is worn below; of lower ones legs, not
    shoes, arms and what is worn above.

    Args:
        unit: r on a canvas of 1024 rows.
        category: upper or lower.
        conditions: the person.
    """
    if category is Category.LOWER:
        kept = (*HEAD_LABELS, *UPPER_LABELS, *ARM_LABELS, *SHOE_LABELS, Parse.HAIR)
        return _lower_strokes(unit, conditions) & ~masks.labelled(conditions.parse, kept)
    return _upper_strokes(unit, conditions) & ~masks.labelled(
        conditions.parse, (*HEAD_LABELS, *LOWER_LABELS, *LEG_LABELS, *SHOE_LABELS)
    )


def _upper_strokes(unit: int, conditions: Conditions) -> Mask:
    body = conditions.body
    pen = _Pen(conditions.size, with_square_torso(body), unit * conditions.size[0] / ROWS)
    shoulders, hips = (Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER), (Joint.RIGHT_HIP, Joint.LEFT_HIP)
    pen.line(shoulders, 10)
    for shoulder in shoulders:
        pen.oval(shoulder, 5, 5)
    for shoulder, elbow, wrist in ARMS.values():
        for start, end in pairwise((shoulder, elbow, wrist)):
            if _drawn(body, start) and _drawn(body, end):
                pen.line((start, end), 10)
                pen.oval(end, 5, 5)
    for hip in hips:
        pen.oval(hip, 3, 6)
    for shoulder, hip in zip(shoulders, hips, strict=True):
        pen.line((shoulder, hip), 6)
    pen.line(hips, 12)
    pen.polygon((*shoulders, *hips[::-1]))
    pen.square(Joint.NECK, 7)
    return pen.mask


def _lower_strokes(unit: int, conditions: Conditions) -> Mask:
    """The garment, hips, legs as arms are drawn, and the field between them, which a skirt may fill; little above the hips."""
    body = conditions.body
    pen = _Pen(conditions.size, with_square_torso(body), unit * conditions.size[0] / ROWS)
    pen.line((Joint.RIGHT_HIP, Joint.LEFT_HIP), 12)
    for leg in LEGS.values():
        _limb(pen, body, leg)
    for end in zip(*LEGS.values(), strict=True):
        if all(body.known(joint) for joint in end):
            pen.polygon((Joint.RIGHT_HIP, Joint.LEFT_HIP, *end[::-1]))
    drawn = pen.mask
    waist = min(pen.at(joint)[1] for joint in (Joint.RIGHT_HIP, Joint.LEFT_HIP)) - WAIST_UNITS * pen.unit
    drawn[: max(0, round(waist))] = False
    worn = masks.labelled(conditions.parse, LOWER_LABELS)
    around = masks.dilate(worn, round(pen.unit))  # its outline would tell its shape
    around[: int(worn.any(axis=1).argmax())] = False
    return drawn | around


def _limb(pen: _Pen, body: Joints, joints: tuple[Joint, ...]) -> None:
    pen.oval(joints[0], 5, 5)
    for start, end in pairwise(joints):
        if body.known(start) and body.known(end):
            pen.line((start, end), 10)
            pen.oval(end, 5, 5)


def reduced_parse(unit: int, category: Category, parse: Labels, body: Joints) -> Labels:
    """(h, w) uint8 of `Parse` without the garment, and what of the arms, or below of the legs, the drawing covers.

    Args:
        unit: r on a canvas of 1024 rows.
        category: upper, without the neck too; or lower.
        parse: (h, w) uint8 of `Parse`.
        body: joints on the same canvas.
    """
    lower = category is Category.LOWER
    removed = masks.labelled(parse, LOWER_LABELS if lower else (*UPPER_LABELS, Parse.NECK))
    for side, labels in SIDE_LABELS.items():
        scaled = unit * parse.shape[0] / ROWS
        if lower:
            removed |= (parse == labels.leg) & _covered_leg(body, side, parse.shape, scaled)
        else:
            removed |= (parse == labels.arm) & _covered(body, side, parse.shape, scaled)
    left: Labels = np.where(removed, np.uint8(Parse.BACKGROUND), parse)
    return left


def _covered(body: Joints, side: str, size: tuple[int, ...], unit: float) -> Mask:
    pen = _Pen(size, body.xy.astype(np.float64), unit)
    shoulder, elbow, wrist = ARMS[side]
    other = Joint.LEFT_SHOULDER if side == "right" else Joint.RIGHT_SHOULDER
    for start, end in pairwise((other, shoulder, elbow, wrist)):
        if _drawn(body, start) and _drawn(body, end):
            pen.line((start, end), 10)
            radius = 4 if end is wrist else 15
            pen.oval(end, radius, radius)
    return pen.mask


def _covered_leg(body: Joints, side: str, size: tuple[int, ...], unit: float) -> Mask:
    pen = _Pen(size, body.xy.astype(np.float64), unit)
    _limb(pen, body, LEGS[side])
    return pen.mask


def _drawn(body: Joints, joint: Joint) -> bool:
    return joint in (Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER) or body.known(joint)


viton_hd_exact = partial(picture_mask, PICTURE_UNIT)
gs_viton_exact = partial(picture_mask, GS_PICTURE_UNIT)
viton_hd_parse = partial(reduced_parse, PARSE_UNIT)
gs_viton_parse = partial(reduced_parse, GS_PARSE_UNIT)
