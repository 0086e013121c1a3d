"""What a user may take out of any rule's mask: hands, hair, bags, scarf."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from pipeline.core.labels import Parse
from pipeline.core.masks import Mask
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.hands import hands

Keepable = Literal["hands", "hair", "bags", "scarf"]
HANDS: Keepable = "hands"


def kept(conditions: Conditions, what: Sequence[Keepable]) -> Mask:
    """(h, w) bool: everything of the named kinds."""
    area = np.zeros(conditions.parse.shape, bool)
    for name in what:
        area |= _KINDS[name](conditions)
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
