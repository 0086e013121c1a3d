"""What a user may take out of any recipe's mask: hands, hair, bags, scarf."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from pipeline.core.labels import SIDE_LABELS, Parse
from pipeline.core.masks import Mask
from preprocess.agnostic.hr_viton_area import arm_drawing, unit_px
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.person import body_shapes as shapes

Keepable = Literal["hands", "hair", "bags", "scarf"]
HAND_POINTS = 15
"""So many found key-points make a hand."""


def kept(given: Conditions, what: Sequence[Keepable]) -> Mask:
    """(h, w) bool: everything of the named kinds."""
    area = np.zeros(given.parse.shape, bool)
    for name in what:
        area |= _KINDS[name](given)
    return area


def hands(given: Conditions) -> Mask:
    """Arm pixels beyond the wrist, and those inside the hull of a found hand; gloves."""
    area: Mask = given.parse == Parse.GLOVE
    for side, labels in SIDE_LABELS.items():
        bare = given.parse == labels.arm
        area |= bare & ~arm_drawing(given.body, side, given.parse.shape, last_px=4 * unit_px(given.body))
        if (given.body.hand(side)[:, 2] > 0).sum() >= HAND_POINTS:
            area |= bare & shapes.painted(given.size, [shapes.hand(given.body, side)])
    return area


def bags(given: Conditions) -> Mask:
    """What a parser called a bag, and what belongs to the person by the matte and has no label: parse maps have none for bags."""
    carried = np.zeros(given.size, bool) if given.bag is None else given.bag.copy()
    if given.person is not None:
        carried |= given.person & (given.parse == Parse.BACKGROUND)
    return carried


def _hair(given: Conditions) -> Mask:
    hair: Mask = given.parse == Parse.HAIR
    return hair


def _scarf(given: Conditions) -> Mask:
    scarf: Mask = given.parse == Parse.SCARF
    return scarf


_KINDS: dict[Keepable, Callable[[Conditions], Mask]] = {"hands": hands, "hair": _hair, "bags": bags, "scarf": _scarf}
