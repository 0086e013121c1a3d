"""Label numbers: enums, palettes and conversions between the field's vocabularies.

Sources: docs/facts/label_lists.md#lists. VITON-HD files use CIHP ids. Left and right are the subject's.
`Parse.UPPER_CLOTHES`, never `5`: a misspelt enum fails at import, a misspelt string masks nothing.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple


class Category(StrEnum):
    """Which part of the outfit a garment replaces."""

    UPPER = "upper"
    LOWER = "lower"
    DRESS = "dress"


class Parse(IntEnum):
    """CIHP ids, the pixel values of `image-parse-v3`."""

    BACKGROUND = 0
    HAT = 1
    HAIR = 2
    GLOVE = 3
    SUNGLASSES = 4
    UPPER_CLOTHES = 5
    DRESS = 6
    COAT = 7
    SOCKS = 8
    PANTS = 9
    NECK = 10  # "torso skin" in CIHP; jumpsuit in LIP: not interchangeable
    SCARF = 11
    SKIRT = 12
    FACE = 13
    LEFT_ARM = 14
    RIGHT_ARM = 15
    LEFT_LEG = 16
    RIGHT_LEG = 17
    LEFT_SHOE = 18
    RIGHT_SHOE = 19


class Atr(IntEnum):
    """ATR ids: SCHP-ATR, SegFormer clothes, DressCode's `label_maps`; `NECK` exists only where a second model adds it."""

    BACKGROUND = 0
    HAT = 1
    HAIR = 2
    SUNGLASSES = 3
    UPPER_CLOTHES = 4
    SKIRT = 5
    PANTS = 6
    DRESS = 7
    BELT = 8
    LEFT_SHOE = 9
    RIGHT_SHOE = 10
    FACE = 11
    LEFT_LEG = 12
    RIGHT_LEG = 13
    LEFT_ARM = 14
    RIGHT_ARM = 15
    BAG = 16
    SCARF = 17
    NECK = 18


class Lip(IntEnum):
    """LIP ids (SCHP-LIP): CIHP's but for 10, which is a garment here and skin there."""

    BACKGROUND = 0
    HAT = 1
    HAIR = 2
    GLOVE = 3
    SUNGLASSES = 4
    UPPER_CLOTHES = 5
    DRESS = 6
    COAT = 7
    SOCKS = 8
    PANTS = 9
    JUMPSUIT = 10
    SCARF = 11
    SKIRT = 12
    FACE = 13
    LEFT_ARM = 14
    RIGHT_ARM = 15
    LEFT_LEG = 16
    RIGHT_LEG = 17
    LEFT_SHOE = 18
    RIGHT_SHOE = 19


class Fashn(IntEnum):
    """Ids of the FASHN human parser; limbs have no sides, hands and feet are labels of their own."""

    BACKGROUND = 0
    FACE = 1
    HAIR = 2
    TOP = 3
    DRESS = 4
    SKIRT = 5
    PANTS = 6
    BELT = 7
    BAG = 8
    HAT = 9
    SCARF = 10
    GLASSES = 11
    ARMS = 12
    HANDS = 13
    LEGS = 14
    FEET = 15
    TORSO = 16
    JEWELRY = 17


class BodyPart(IntEnum):
    """DensePose chart index `I`, the 24 body parts."""

    BACKGROUND = 0
    TORSO_BACK = 1
    TORSO_FRONT = 2
    RIGHT_HAND = 3
    LEFT_HAND = 4
    LEFT_FOOT = 5
    RIGHT_FOOT = 6
    RIGHT_THIGH_BACK = 7
    LEFT_THIGH_BACK = 8
    RIGHT_THIGH_FRONT = 9
    LEFT_THIGH_FRONT = 10
    RIGHT_SHIN_BACK = 11
    LEFT_SHIN_BACK = 12
    RIGHT_SHIN_FRONT = 13
    LEFT_SHIN_FRONT = 14
    LEFT_UPPER_ARM_INNER = 15
    RIGHT_UPPER_ARM_INNER = 16
    LEFT_UPPER_ARM_OUTER = 17
    RIGHT_UPPER_ARM_OUTER = 18
    LEFT_FOREARM_INNER = 19
    RIGHT_FOREARM_INNER = 20
    LEFT_FOREARM_OUTER = 21
    RIGHT_FOREARM_OUTER = 22
    HEAD_RIGHT = 23
    HEAD_LEFT = 24


class Joint(IntEnum):
    """BODY_25 key-points of OpenPose; right and left are the subject's."""

    NOSE = 0
    NECK = 1
    RIGHT_SHOULDER = 2
    RIGHT_ELBOW = 3
    RIGHT_WRIST = 4
    LEFT_SHOULDER = 5
    LEFT_ELBOW = 6
    LEFT_WRIST = 7
    MID_HIP = 8
    RIGHT_HIP = 9
    RIGHT_KNEE = 10
    RIGHT_ANKLE = 11
    LEFT_HIP = 12
    LEFT_KNEE = 13
    LEFT_ANKLE = 14
    RIGHT_EYE = 15
    LEFT_EYE = 16
    RIGHT_EAR = 17
    LEFT_EAR = 18
    LEFT_BIG_TOE = 19
    LEFT_SMALL_TOE = 20
    LEFT_HEEL = 21
    RIGHT_BIG_TOE = 22
    RIGHT_SMALL_TOE = 23
    RIGHT_HEEL = 24


UPPER_LABELS = (Parse.UPPER_CLOTHES, Parse.DRESS, Parse.COAT)
LOWER_LABELS = (Parse.PANTS, Parse.SKIRT)
ARM_LABELS = (Parse.LEFT_ARM, Parse.RIGHT_ARM)
LEG_LABELS = (Parse.LEFT_LEG, Parse.RIGHT_LEG)
SHOE_LABELS = (Parse.LEFT_SHOE, Parse.RIGHT_SHOE)
HEAD_LABELS = (Parse.FACE, Parse.SUNGLASSES)
BARE_LABELS = (*ARM_LABELS, Parse.GLOVE)
"""What a hand is in a parse map."""
REPLACED_LABELS = {
    Category.UPPER: (Parse.UPPER_CLOTHES, Parse.COAT),
    Category.LOWER: LOWER_LABELS,
    Category.DRESS: (*UPPER_LABELS, *LOWER_LABELS),
}
"""What a garment of each category replaces, beside the part of a dress that the mask covers."""


class SideLabels(NamedTuple):
    """The labels of one side of the body."""

    arm: Parse
    leg: Parse
    shoe: Parse


SIDE_LABELS: dict[str, SideLabels] = {
    "right": SideLabels(Parse.RIGHT_ARM, Parse.RIGHT_LEG, Parse.RIGHT_SHOE),
    "left": SideLabels(Parse.LEFT_ARM, Parse.LEFT_LEG, Parse.LEFT_SHOE),
}
"""By side of the subject."""

THIRTEEN_GROUPS: tuple[tuple[Parse, ...], ...] = (
    (Parse.BACKGROUND, Parse.NECK), (Parse.HAT, Parse.HAIR), HEAD_LABELS, UPPER_LABELS, LOWER_LABELS,
    (Parse.LEFT_ARM,), (Parse.RIGHT_ARM,), (Parse.LEFT_LEG,), (Parse.RIGHT_LEG,), (Parse.LEFT_SHOE,), (Parse.RIGHT_SHOE,),
    (Parse.SOCKS,), (Parse.GLOVE, Parse.SCARF),
)  # fmt: skip
"""The 13 groups of CIHP labels that VITON-HD's family predicts (docs/facts/label_lists.md#thirteen-groups)."""

CIHP_PALETTE: tuple[tuple[int, int, int], ...] = (
    (0, 0, 0), (128, 0, 0), (255, 0, 0), (0, 85, 0), (170, 0, 51),
    (255, 85, 0), (0, 0, 85), (0, 119, 221), (85, 85, 0), (0, 85, 85),
    (85, 51, 0), (52, 86, 128), (0, 128, 0), (0, 0, 255), (51, 170, 221),
    (0, 255, 255), (85, 255, 170), (170, 255, 85), (255, 255, 0), (255, 170, 0),
)  # fmt: skip
"""RGB of `Parse` 0..19 in VITON-HD's palette PNGs; readers use the index, never the colour."""

DENSEPOSE_COLOURS: tuple[tuple[int, int, int], ...] = (
    (0, 0, 0),
    (37, 60, 163), (20, 80, 194), (4, 97, 223), (8, 110, 221), (14, 122, 216), (20, 132, 212),
    (15, 144, 208), (11, 156, 203), (6, 166, 198), (22, 173, 185), (38, 179, 172), (55, 185, 159),
    (86, 187, 144), (114, 189, 130), (145, 191, 116), (170, 189, 105), (192, 188, 96), (216, 186, 86),
    (228, 192, 74), (240, 199, 60), (252, 206, 46), (251, 220, 36), (250, 235, 25), (249, 251, 14),
)  # fmt: skip
"""RGB of `BodyPart` 0..24 in VITON-HD's `image-densepose`: floor(I * 255 / 24) in OpenCV's Parula map, background pure black."""
