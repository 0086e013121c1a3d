"""The parse map without the garment to replace: what HR-VITON's condition generator reads.

Facts: docs/facts/agnostic_rules.md#parse-agnostic.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.labels import LEG_LABELS, LOWER_LABELS, SIDE_LABELS, UPPER_LABELS, Category, Joint, Parse
from pipeline.core.masks import Mask
from preprocess.agnostic.strokes import line, skirt_of_dress
from preprocess.person import body_shapes as shapes
from preprocess.person.body import Joints

SHOULDER_UNITS = 26.0
"""VITON-HD's r is 10 px for shoulders of about 260 px."""


def parse_agnostic(category: Category, parse: NDArray[np.uint8], body: Joints) -> NDArray[np.uint8]:
    """(h, w) uint8 of `Parse` → the same with the garment, the neck and the covered arms set to background.

    Args:
        category: which garment is removed; lower removes trousers, skirt and legs.
        parse: (h, w) uint8 of `Parse`.
        body: joints on the same canvas.
    """
    removed = np.zeros(parse.shape, bool)
    if category != Category.LOWER:
        removed |= masks.labelled(parse, (*UPPER_LABELS, Parse.NECK))
        for side, labels in SIDE_LABELS.items():
            removed |= (parse == labels.arm) & covered_arm(body, side, parse.shape)
    if category == Category.LOWER:
        removed |= masks.labelled(parse, (*LOWER_LABELS, *LEG_LABELS)) | skirt_of_dress(parse, body)
    if category == Category.DRESS:
        removed |= masks.labelled(parse, LOWER_LABELS)
    left: NDArray[np.uint8] = np.where(removed, np.uint8(Parse.BACKGROUND), parse)
    return left


def covered_arm(body: Joints, side: str, size: tuple[int, ...]) -> Mask:
    """From the other shoulder along this arm to the wrist; the hand beyond a small disc at the wrist is not covered."""
    r = max(body.shoulder_width, 0.55 * body.torso_length) / SHOULDER_UNITS
    canvas = np.zeros(size, np.uint8)
    shoulder, elbow, wrist = shapes.ARMS[side]
    other = Joint.LEFT_SHOULDER if side == "right" else Joint.RIGHT_SHOULDER
    chain = (other, shoulder, elbow, wrist)
    for start, end in pairwise(chain):
        if body.known(start, end):
            line(canvas, body.at(start), body.at(end), 10 * r)
            shapes.paint(canvas, shapes.disc(body.at(end), (4 if end == wrist else 15) * r), 1)
    return canvas.astype(bool)
