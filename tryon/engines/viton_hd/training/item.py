"""One pair as the trainings want it: whole files beside the small pictures that sheets and measures look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pipeline.core import images
from pipeline.core.arrays import RGB, Grey, Labels
from pipeline.core.errors import InputError
from pipeline.core.labels import LOWER_LABELS, UPPER_LABELS, Category, Parse
from pipeline.core.masks import Mask
from tryon.training.data.items import WHITE_FROM, Item, resized
from tryon.training.data.tree import Kind, TrainingPair

_EVERY = (Kind.IMAGE, Kind.AGNOSTIC, Kind.PARSE, Kind.POSE, Kind.CLOTH, Kind.CLOTH_MASK)
WANTED: dict[str, tuple[Kind, ...]] = {
    "seg": (*_EVERY, Kind.PARSE_AGNOSTIC),
    "gmm": _EVERY,
    "alias": (*_EVERY, Kind.PLACED, Kind.PLACED_MASK),
}
"""By stage."""


@dataclass(frozen=True)
class PairFiles:
    """Files of a pair at their own sizes.

    Args:
        image, agnostic, pose, cloth: (h, w, 3) uint8 RGB.
        cloth_mask: (h, w) bool.
        parse: (h, w) uint8 of `Parse`.
        parse_agnostic: the same without the garment; None where it is not there.
        placed: (h, w, 3) uint8 RGB, the garment bent onto the person; None where it is not there.
        placed_mask: (h, w) uint8, soft.
    """

    image: RGB
    agnostic: RGB
    pose: RGB
    cloth: RGB
    cloth_mask: Mask
    parse: Labels
    parse_agnostic: Labels | None = None
    placed: RGB | None = None
    placed_mask: Grey | None = None


@dataclass(frozen=True, kw_only=True)
class VitonHdItem(Item):
    """See `Item`; mask and worn are the garment by the parse map, and the skeleton stands in densepose's place."""

    fourth: ClassVar[str] = "skeleton"
    files: PairFiles


def worn_labels(lower: bool) -> tuple[Parse, ...]:
    """Labels of the garment that is exchanged."""
    return LOWER_LABELS if lower else UPPER_LABELS


def read_viton_hd_item(pair: TrainingPair, size: tuple[int, int]) -> VitonHdItem:
    """Read a pair, and of what one stage alone wants whatever is there.

    Args:
        pair: all that `WANTED` says of a stage are there.
        size: (height, width) of the small pictures.

    Raises:
        InputError: a file cannot be read.
    """
    try:
        files = read_files(pair)
    except OSError as problem:
        raise InputError(f"pair {pair.id}: a file cannot be read ({problem})", "the check before training names it") from None
    worn = resized(np.where(np.isin(files.parse, worn_labels(pair.category is Category.LOWER)), np.uint8(255), np.uint8(0)), size)
    return VitonHdItem(
        id=pair.id,
        image=resized(files.image, size),
        agnostic=resized(files.agnostic, size),
        densepose=resized(files.pose, size),
        cloth=resized(files.cloth, size),
        mask=worn,
        cloth_mask=resized(np.where(files.cloth_mask, np.uint8(255), np.uint8(0)), size),
        worn=worn,
        files=files,
    )


def read_files(pair: TrainingPair) -> PairFiles:
    """Decode; errors of the reading as they come."""
    files = pair.files
    return PairFiles(
        image=images.read_rgb(files[Kind.IMAGE]),
        agnostic=images.read_rgb(files[Kind.AGNOSTIC]),
        pose=images.read_rgb(files[Kind.POSE]),
        cloth=images.read_rgb(files[Kind.CLOTH]),
        cloth_mask=images.read_grey(files[Kind.CLOTH_MASK]) >= WHITE_FROM,
        parse=images.read_labels(files[Kind.PARSE]),
        parse_agnostic=images.read_labels(files[Kind.PARSE_AGNOSTIC]) if Kind.PARSE_AGNOSTIC in files else None,
        placed=images.read_rgb(files[Kind.PLACED]) if Kind.PLACED in files else None,
        placed_mask=images.read_grey(files[Kind.PLACED_MASK]) if Kind.PLACED_MASK in files else None,
    )
