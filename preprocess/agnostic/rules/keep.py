"""What a user may take out of any rule's mask: hands, hair, bags, scarf."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from pipeline.core.labels import SIDE_LABELS, Parse
from pipeline.core.masks import Mask
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.strokes import arm_drawing, unit_px
from preprocess.person import body_shapes as shapes

Keepable = Literal["hands", "hair", "bags", "scarf"]
HAND_POINTS = 15
"""A hand with at least this many detected key-points counts as found."""


def kept(conditions: Conditions, what: Sequence[Keepable]) -> Mask:
    """(h, w) bool: everything of the named kinds."""
    area = np.zeros(conditions.parse.shape, bool)
    for name in what:
        area |= _KINDS[name](conditions)
    return area


def hands(conditions: Conditions) -> Mask:
    """(h, w) bool: arm pixels beyond the wrist, and those inside the hull of a detected hand; gloves."""
    area: Mask = conditions.parse == Parse.GLOVE
    for side, labels in SIDE_LABELS.items():
        bare = conditions.parse == labels.arm
        area |= bare & ~arm_drawing(conditions.body, side, conditions.parse.shape, last_px=4 * unit_px(conditions.body))
        if (conditions.body.hand(side)[:, 2] > 0).sum() >= HAND_POINTS:
            area |= bare & shapes.painted(conditions.size, [shapes.hand(conditions.body, side)])
    return area


def bags(conditions: Conditions) -> Mask:
    """(h, w) bool: what a parser labels as a bag, and what the matte shows without a label: `Parse` has no bags."""
    carried = np.zeros(conditions.size, bool) if conditions.bag is None else conditions.bag.copy()
    if conditions.person is not None:
        carried |= conditions.person & (conditions.parse == Parse.BACKGROUND)
    return carried


def _hair(conditions: Conditions) -> Mask:
    hair: Mask = conditions.parse == Parse.HAIR
    return hair


def _scarf(conditions: Conditions) -> Mask:
    scarf: Mask = conditions.parse == Parse.SCARF
    return scarf


_KINDS: dict[Keepable, Callable[[Conditions], Mask]] = {"hands": hands, "hair": _hair, "bags": bags, "scarf": _scarf}
