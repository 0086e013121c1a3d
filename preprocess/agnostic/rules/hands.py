"""Hands that no mask covers: the way that never ruins a hand is not to draw it.

What a hand is comes from the surest source that there is: the hull of its key-points, else DensePose's hand, else what the parse
map calls arm beyond the wrist. The new garment is not known here: masks are made per person and category, not per pair. So what
is left to it is what garments cover in the photo (a sleeve over the hand, a hand in a pocket or behind the hip: no hand is seen
there), and the wrist, up to which a new sleeve reaches.
"""

from __future__ import annotations

import numpy as np

from pipeline.core import masks
from pipeline.core.hands.shape import BEYOND_WRIST, GROWN, bones_area, half_finger, hand_area
from pipeline.core.labels import LOWER_LABELS, SIDE_LABELS, UPPER_LABELS, BodyPart, Parse
from pipeline.core.masks import Mask
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.strokes import arm_drawing, unit_px
from preprocess.person.body import Joints
from preprocess.person.body_shapes import ARMS

VERSION = "3"
"""Raised when this rule's pixels change; part of the fingerprint where hands are kept."""
LEAST_POINTS = 15
"""A hand with at least this many detected key-points counts as found."""
ARM_LABEL_REACH = 0.12
"""Arm in the parse map is hand this far round the hull, in shoulder widths: key-points end inside fingertips."""
LEAST_SEEN = 0.25
"""Share of a hand that must not lie under garments."""
WORN = (*UPPER_LABELS, *LOWER_LABELS)
"""Garments: where the parse map has one, no hand is seen."""
PARTS = {"left": BodyPart.LEFT_HAND, "right": BodyPart.RIGHT_HAND}


def hands(conditions: Conditions) -> Mask:
    """(h, w) bool: both hands, as far as they are seen in the photo and lie beyond the wrist; gloves."""
    area: Mask = conditions.parse == Parse.GLOVE
    for side in SIDE_LABELS:
        area |= hand(conditions, side)
    return area


def hand(conditions: Conditions, side: str) -> Mask:
    """(h, w) bool: one hand.

    Args:
        conditions: the person; `parts` only where DensePose ran.
        side: the subject's `left` or `right`.
    """
    free = ~masks.labelled(conditions.parse, WORN)
    body, size = conditions.body, conditions.size
    found = source(conditions, side)
    bare: Mask = conditions.parse == SIDE_LABELS[side].arm
    beyond: Mask = bare & ~arm_drawing(body, side, size, last_px=4 * unit_px(body))
    if found == "points":
        points = body.hand(side)
        points = points[:, :2] if (points[:, 2] > 0).all() else filled(points)
        if seen(points, free):
            beyond |= hand_area(size, points, GROWN * body.scale) & free
            beyond |= hand_area(size, points, ARM_LABEL_REACH * body.scale) & bare
    if found == "parts" and conditions.parts is not None:
        beyond |= (conditions.parts == PARTS[side]) & free & _beyond_joint(body, side, size)
    return beyond


def source(conditions: Conditions, side: str) -> str:
    """What says where this hand is: `points`, `parts`, or `labels`, of which the parse map has only arms."""
    if (conditions.body.hand(side)[:, 2] > 0).sum() >= LEAST_POINTS:
        return "points"
    if conditions.parts is not None and (conditions.parts == PARTS[side]).any():
        return "parts"
    return "labels"


def seen(points: np.ndarray, free: Mask) -> bool:
    """Whether enough of a hand lies where no garment is: networks answer for hands in pockets too.

    Args:
        points: (21, 2) x, y.
        free: (h, w) bool, no garment.
    """
    bones = bones_area((free.shape[0], free.shape[1]), points, half_finger(points))
    return bool(np.count_nonzero(bones & free) >= LEAST_SEEN * max(1, int(np.count_nonzero(bones))))


def filled(points: np.ndarray) -> np.ndarray:
    """(21, 2) x, y with missing key-points at the middle of the others, which changes no hull."""
    known = points[:, 2] > 0
    return np.where(known[:, None], points[:, :2], points[known, :2].mean(0)).astype(np.float32)


def _beyond_joint(body: Joints, side: str, size: tuple[int, int]) -> Mask:
    """(h, w) bool: the hand's side of a line a little beyond the wrist; everything where the wrist was not detected."""
    _, elbow, wrist = ARMS[side]
    if not body.known(elbow, wrist):
        return np.ones(size, bool)
    along = body.at(wrist) - body.at(elbow)
    rows, columns = np.indices(size, np.float32)
    way = (columns - body.at(wrist)[0]) * along[0] + (rows - body.at(wrist)[1]) * along[1]
    return np.asarray(way >= BEYOND_WRIST * unit_px(body) * float(np.hypot(*along)))
