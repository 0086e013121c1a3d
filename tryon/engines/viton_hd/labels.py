"""Labels as the networks are told them: our parse map → 13 classes → 7 groups (docs/facts/viton_hd.md#labels)."""

from __future__ import annotations

import numpy as np

from pipeline.core.arrays import Labels
from pipeline.core.labels import THIRTEEN_GROUPS, Parse

UPPER = 3
"""The class of what is worn above."""
UPPER_GROUP = 2
"""Its group."""

_CLASSES = np.array(
    [next(number for number, labels in enumerate(THIRTEEN_GROUPS) if label in labels) for label in Parse], np.uint8
)
_SHOWN: tuple[Parse, ...] = (
    *(Parse.BACKGROUND, Parse.HAIR, Parse.FACE, Parse.UPPER_CLOTHES, Parse.PANTS, Parse.LEFT_ARM, Parse.RIGHT_ARM),
    *(Parse.LEFT_LEG, Parse.RIGHT_LEG, Parse.LEFT_SHOE, Parse.RIGHT_SHOE, Parse.SOCKS, Parse.GLOVE),
)
_GROUPED: tuple[tuple[int, ...], ...] = ((0,), (2, 4, 7, 8, 9, 10, 11), (3,), (1,), (5,), (6,), (12,))
"""Classes by group: background, what is pasted back, upper, hair, left arm, right arm, noise."""

GROUP_OF = np.array(
    [next(number for number, classes in enumerate(_GROUPED) if each in classes) for each in range(len(THIRTEEN_GROUPS))],
    np.uint8,
)
"""(13,) uint8."""


def classes_of(parse: Labels) -> Labels:
    """(h, w) uint8 of `Parse` → of the 13 classes."""
    return _CLASSES[parse]


def parse_of(classes: Labels) -> Labels:
    """(h, w) uint8 of the 13 classes → `Parse`: a label stands for each class, so that predictions look like parse maps."""
    return np.array(_SHOWN, np.uint8)[classes]
