"""Label numbers of other lists → `Parse`, and back: the only place that converts between label lists.

Facts: docs/facts/label_lists.md#lists.

A table is a tuple: the index is the old number, the value the new one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.core.arrays import Labels
from pipeline.core.errors import InputError
from pipeline.core.labels import ARM_LABELS, LEG_LABELS, Atr, Fashn, Lip, Parse

CIHP_FROM_ATR: tuple[Parse, ...] = (
    Parse.BACKGROUND, Parse.HAT, Parse.HAIR, Parse.SUNGLASSES, Parse.UPPER_CLOTHES, Parse.SKIRT, Parse.PANTS, Parse.DRESS,
    Parse.PANTS,  # a belt: CIHP has none; it becomes part of the lower garment
    Parse.LEFT_SHOE, Parse.RIGHT_SHOE, Parse.FACE, Parse.LEFT_LEG, Parse.RIGHT_LEG, Parse.LEFT_ARM, Parse.RIGHT_ARM,
    Parse.BACKGROUND,  # a bag: CIHP has none
    Parse.SCARF, Parse.NECK,
)  # fmt: skip
"""By `Atr`; the face includes the neck unless a second model separates it."""

ATR_FROM_CIHP: tuple[Atr, ...] = (
    Atr.BACKGROUND, Atr.HAT, Atr.HAIR,
    Atr.LEFT_ARM,  # a glove: an arm in ATR; `sides.with_worn_sides` decides which
    Atr.SUNGLASSES, Atr.UPPER_CLOTHES, Atr.DRESS, Atr.UPPER_CLOTHES,
    Atr.LEFT_LEG,  # socks: a leg in ATR, in the same way
    Atr.PANTS, Atr.NECK, Atr.SCARF, Atr.SKIRT, Atr.FACE, Atr.LEFT_ARM, Atr.RIGHT_ARM, Atr.LEFT_LEG, Atr.RIGHT_LEG,
    Atr.LEFT_SHOE, Atr.RIGHT_SHOE,
)  # fmt: skip
"""By `Parse`, with the separate neck of the ATR + LIP hybrid."""

FACE_FOR_NECK: tuple[Atr, ...] = (*list(Atr)[:-1], Atr.FACE)
"""By `Atr`: the hybrid's neck as face, as in DressCode's own files."""


CIHP_FROM_LIP: tuple[Parse, ...] = tuple(Parse.DRESS if label is Lip.JUMPSUIT else Parse(label) for label in Lip)
"""By `Lip`; a jumpsuit covers what a dress covers."""

LIP_FROM_CIHP: tuple[Lip, ...] = tuple(Lip.BACKGROUND if label is Parse.NECK else Lip(label) for label in Parse)
"""By `Parse`; LIP leaves the neck unlabelled, and the ATR + LIP hybrid finds it by that."""

ONLY_LIP: dict[Lip, tuple[Parse, ...]] = {
    Lip.COAT: (Parse.UPPER_CLOTHES,),
    Lip.SOCKS: LEG_LABELS,
    Lip.GLOVE: ARM_LABELS,
}
"""Labels that LIP has and ATR has not, with ATR's labels for them: there LIP's label is used."""

CIHP_FROM_FASHN: tuple[Parse, ...] = (
    Parse.BACKGROUND, Parse.FACE, Parse.HAIR, Parse.UPPER_CLOTHES, Parse.DRESS, Parse.SKIRT, Parse.PANTS,
    Parse.PANTS,  # a belt
    Parse.BACKGROUND,  # a bag
    Parse.HAT, Parse.SCARF, Parse.SUNGLASSES,
    Parse.LEFT_ARM, Parse.LEFT_ARM, Parse.LEFT_LEG, Parse.LEFT_SHOE,  # `with_sides` corrects the right ones
    Parse.NECK,
    Parse.NECK,  # jewelry: usually a necklace
)  # fmt: skip
"""By `Fashn`; all limbs become left ones, `sides.with_sides` corrects them."""

FASHN_FROM_CIHP: tuple[Fashn, ...] = (
    Fashn.BACKGROUND, Fashn.HAT, Fashn.HAIR,
    Fashn.HANDS,  # a glove
    Fashn.GLASSES, Fashn.TOP, Fashn.DRESS, Fashn.TOP,
    Fashn.FEET,  # socks
    Fashn.PANTS, Fashn.TORSO, Fashn.SCARF, Fashn.SKIRT, Fashn.FACE, Fashn.ARMS, Fashn.ARMS, Fashn.LEGS, Fashn.LEGS,
    Fashn.FEET, Fashn.FEET,
)  # fmt: skip
"""By `Parse`; CIHP's arms include the hands."""


CIHP_FROM_GP_VTON: tuple[Parse, ...] = (
    Parse.BACKGROUND, Parse.HAT, Parse.HAIR, Parse.GLOVE, Parse.SUNGLASSES, Parse.UPPER_CLOTHES, Parse.DRESS, Parse.COAT,
    Parse.SOCKS,
    Parse.PANTS, Parse.PANTS,  # left and right leg of trousers
    Parse.NECK, Parse.SCARF, Parse.SKIRT, Parse.FACE, Parse.LEFT_ARM, Parse.RIGHT_ARM, Parse.LEFT_LEG, Parse.RIGHT_LEG,
    Parse.LEFT_SHOE, Parse.RIGHT_SHOE,
    Parse.UPPER_CLOTHES, Parse.UPPER_CLOTHES,  # left and right sleeve
    Parse.BACKGROUND,  # a bag
    Parse.DRESS, Parse.DRESS,  # sleeves of a dress
    Parse.PANTS, Parse.PANTS, Parse.PANTS,  # kept with the lower garment by GP-VTON's loader
)  # fmt: skip
"""By the numbers of `parse-bytedance` (docs/facts/label_lists.md#gp-vton)."""


def has_gp_vton_numbers(labels: Labels) -> bool:
    """Whether a map's numbers are those of `parse-bytedance` and not CIHP's: 14 is the face there and an arm here.

    Numbers above 19 exist there only. Otherwise the higher one in the picture of 13 and 14 is the face.
    """
    if labels.max() > max(Parse):
        return int(labels.max()) < len(CIHP_FROM_GP_VTON)
    rows = {number: np.flatnonzero((labels == number).any(1)) for number in (13, 14)}
    person = np.flatnonzero(labels.any(1))
    if not len(person):
        return False
    middle = {number: float(found.mean()) if len(found) else np.inf for number, found in rows.items()}
    face = min(middle, key=lambda number: middle[number])
    upper_third = person[0] + (person[-1] - person[0]) / 3
    return face == 14 if middle[face] < upper_third else len(rows[13]) > 0 and not len(rows[14])


def with_garments_of_lip(labels: Labels, lip: Labels) -> Labels:
    """Coats, socks and gloves by LIP, where a map made from ATR has upper clothes, legs and arms.

    Args:
        labels: (h, w) uint8 of `Parse`.
        lip: (h, w) uint8 of `Lip`, the same frame.

    Returns:
        (h, w) uint8 of `Parse`.
    """
    result = labels.copy()
    for garment, ground in ONLY_LIP.items():
        result[(lip == garment) & np.isin(labels, ground)] = CIHP_FROM_LIP[garment]
    return result


def converted(labels: Labels, table: Sequence[int], name: str = "parse map") -> Labels:
    """Convert every pixel by a table.

    Args:
        labels: (h, w) uint8.
        table: one of this file's.
        name: name of the map, for the error.

    Returns:
        (h, w) uint8.

    Raises:
        InputError: a number that is not in the table.
    """
    if labels.size and int(labels.max()) >= len(table):
        raise InputError(
            f"{name}: label {int(labels.max())}, allowed are 0..{len(table) - 1}", "check which label list the file uses"
        )
    return np.asarray(table, np.uint8)[labels]
