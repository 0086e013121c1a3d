"""Labels as the networks are told them: our parse map → 13 classes → 7 groups (docs/facts/viton_hd.md#labels)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import Labels
from pipeline.core.labels import THIRTEEN_GROUPS, Parse

UPPER, LOWER = 3, 4
"""Classes of what is worn above and below."""
WORN_GROUP = 2
"""The group of the one that is exchanged."""

_CLASSES = np.array(
    [next(number for number, labels in enumerate(THIRTEEN_GROUPS) if label in labels) for label in Parse], np.uint8
)
_SHOWN: tuple[Parse, ...] = (
    *(Parse.BACKGROUND, Parse.HAIR, Parse.FACE, Parse.UPPER_CLOTHES, Parse.PANTS, Parse.LEFT_ARM, Parse.RIGHT_ARM),
    *(Parse.LEFT_LEG, Parse.RIGHT_LEG, Parse.LEFT_SHOE, Parse.RIGHT_SHOE, Parse.SOCKS, Parse.GLOVE),
)
Grouped = tuple[tuple[int, ...], ...]
_UPPER_GROUPED: Grouped = ((0,), (2, 4, 7, 8, 9, 10, 11), (3,), (1,), (5,), (6,), (12,))
"""Classes by group: background, what is pasted back, upper, hair, left arm, right arm, noise."""
_LOWER_GROUPED: Grouped = ((0,), (1, 2, 3, 5, 6, 9, 10, 11), (4,), (), (7,), (8,), (12,))
"""The same where what is worn below is exchanged: legs stand in the arms' places, and hair is pasted back."""


def _by_class(grouped: Grouped) -> NDArray[np.uint8]:
    groups = (next(number for number, classes in enumerate(grouped) if each in classes) for each in range(len(THIRTEEN_GROUPS)))
    return np.array(list(groups), np.uint8)


_GROUP_OF = {False: _by_class(_UPPER_GROUPED), True: _by_class(_LOWER_GROUPED)}


def worn_class(lower: bool) -> int:
    """The class of the garment that is exchanged."""
    return LOWER if lower else UPPER


def group_of(lower: bool) -> NDArray[np.uint8]:
    """(13,) uint8: the group of each class, where upper or lower garments are exchanged."""
    return _GROUP_OF[lower]


def classes_of(parse: Labels) -> Labels:
    """(h, w) uint8 of `Parse` → of the 13 classes."""
    return _CLASSES[parse]


def parse_of(classes: Labels) -> Labels:
    """(h, w) uint8 of the 13 classes → `Parse`: a label stands for each class, so that predictions look like parse maps."""
    return np.array(_SHOWN, np.uint8)[classes]
