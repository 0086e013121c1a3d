"""`viton-hd`: VITON-HD's own agnostic picture, with strokes of a fixed width and without the hands.

Facts: docs/facts/agnostic_rules.md#viton-hd.

Its constants are pixels of a 768 × 1024 half-body crop; on full-body photos `hr-viton`, which is proportional, fits better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.labels import HEAD_LABELS, LEG_LABELS, LOWER_LABELS, SHOE_LABELS, UPPER_LABELS, Category, Joint
from pipeline.core.masks import Mask
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.strokes import below_the_hem, finished, line, stretched_hips, with_margin
from preprocess.person import body_shapes as shapes
from preprocess.person.body import Joints

UNIT_PX = 20.0
"""VITON-HD's r on a canvas of 1024 rows."""
ROWS = 1024


def viton_hd(category: Category, conditions: Conditions) -> Mask:
    """(h, w) bool, True = repaint; for upper garments.

    What is worn is covered even where no stroke reaches it; face, glasses and what is below the hem are kept.
    """
    worn = masks.labelled(conditions.parse, UPPER_LABELS)
    area = strokes(conditions.body, conditions.size) | with_margin(worn, conditions.body, conditions.margins)
    lower = masks.labelled(conditions.parse, (*LOWER_LABELS, *LEG_LABELS, *SHOE_LABELS)) & below_the_hem(
        worn, conditions.body, conditions.margins
    )
    return finished(area, masks.labelled(conditions.parse, HEAD_LABELS) | lower)


def strokes(body: Joints, size: tuple[int, int]) -> Mask:
    """The skeleton drawing: shoulders, arms, hips, torso, neck.

    Args:
        body: joints on the canvas.
        size: (height, width) of the canvas.
    """
    r = UNIT_PX * size[0] / ROWS
    canvas = np.zeros(size, np.uint8)
    right, left = body.at(Joint.RIGHT_SHOULDER), body.at(Joint.LEFT_SHOULDER)
    line(canvas, right, left, 10 * r)
    for side in shapes.ARMS:
        _arm(canvas, body, side, r)
    hips = stretched_hips(body)
    for shoulder, hip in zip((right, left), hips, strict=True):
        shapes.paint(canvas, shapes.disc(hip, 3 * r, 6 * r), 1)
        line(canvas, shoulder, hip, 6 * r)
    line(canvas, *hips, 12 * r)
    shapes.paint(canvas, np.stack([right, left, hips[1], hips[0]]), 1)
    corners = np.array([[-7, -7], [7, -7], [7, 7], [-7, 7]], np.float32) * r
    shapes.paint(canvas, body.at(Joint.NECK) + corners, 1)
    return canvas.astype(bool)


def _arm(canvas: NDArray[np.uint8], body: Joints, side: str, r: float) -> None:
    """Shoulder disc, then bone and disc as far down as joints were detected; in place."""
    shoulder, elbow, wrist = shapes.ARMS[side]
    shapes.paint(canvas, shapes.disc(body.at(shoulder), 5 * r), 1)
    for start, end in ((shoulder, elbow), (elbow, wrist)):
        if body.known(start, end):
            line(canvas, body.at(start), body.at(end), 10 * r)
            shapes.paint(canvas, shapes.disc(body.at(end), 5 * r), 1)
