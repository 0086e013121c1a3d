"""The labels of LIP's and of ATR's network for one canvas, where a parser uses both, and the file with them.

CIHP's list does not include everything that both have: ATR has bags, and CatVTON's mask uses each network's own map.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.core.arrays import Labels
from pipeline.core.errors import InputError
from pipeline.core.labels import Atr, Lip
from pipeline.core.masks import Mask
from preprocess.person.label_tables import (
    ATR_FROM_CIHP,
    CIHP_FROM_ATR,
    CIHP_FROM_LIP,
    FACE_FOR_NECK,
    LIP_FROM_CIHP,
    converted,
    with_garments_of_lip,
)
from preprocess.person.sides import with_worn_sides

CURE = "python run.py --step parsing --force"


@dataclass(frozen=True)
class ParseLists:
    """Two networks' labels of one canvas.

    Args:
        lip: (h, w) uint8 of `Lip`.
        atr: (h, w) uint8 of `Atr` without the neck.
    """

    lip: Labels
    atr: Labels

    def arrays(self, parse: Labels) -> dict[str, Labels]:
        """The named arrays of the file; `parse` is the (h, w) uint8 map of `Parse` that was made from them."""
        return {"lip": self.lip, "atr": self.atr, "parse": parse}

    @property
    def opinions(self) -> tuple[Labels, Labels]:
        """(h, w) uint8 of `Parse` by LIP and by ATR; coats, socks and gloves of LIP are in both."""
        return converted(self.lip, CIHP_FROM_LIP), with_garments_of_lip(converted(self.atr, CIHP_FROM_ATR), self.lip)

    @property
    def bag(self) -> Mask:
        """(h, w) bool: what ATR labels as a bag."""
        carried: Mask = self.atr == Atr.BAG
        return carried


def lists_of(labels: Labels) -> ParseLists:
    """A map of `Parse` that was made without LIP and ATR, in the labels of both."""
    atr = converted(converted(with_worn_sides(labels), ATR_FROM_CIHP), FACE_FOR_NECK)
    return ParseLists(converted(labels, LIP_FROM_CIHP), atr)


def read_opinions(path: Path, parse: Labels) -> tuple[tuple[Labels, Labels], Mask]:
    """Both opinions and the bag, where the parse map is still the one that was made from them.

    Where the parse map was retouched or made by another backend, it replaces both opinions.

    Args:
        path: the file that the parsing step wrote.
        parse: (h, w) uint8 of `Parse`, as it is now.

    Raises:
        InputError: not such a file, or of another size.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            lip, atr, made = (arrays[name] for name in ("lip", "atr", "parse"))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as problem:
        raise InputError(f"{path}: no labels of LIP and ATR ({problem})", CURE) from None
    if not all(each.shape == parse.shape and each.dtype == np.uint8 for each in (lip, atr, made)):
        raise InputError(f"{path}: {lip.shape} {lip.dtype}, the parse map has {parse.shape} uint8", CURE)
    if lip.max(initial=0) > max(Lip) or atr.max(initial=0) > max(Atr):
        raise InputError(
            f"{path}: labels up to {lip.max()} and {atr.max()}, allowed are {int(max(Lip))} and {int(max(Atr))}", CURE
        )
    lists = ParseLists(lip, atr)
    same = made == parse
    by_lip, by_atr = (np.where(same, opinion, parse).astype(np.uint8) for opinion in lists.opinions)
    return (by_lip, by_atr), lists.bag & same
