"""One pair as the diffusion network's training wants it: the engine's own inputs beside the pictures of sheets and measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pipeline.core import images
from pipeline.core.arrays import RGB, Float, Grey
from pipeline.core.errors import InputError
from pipeline.core.masks import Mask
from pipeline.core.parse_hole import parse_hole
from tryon.engines.dci_vton.conditions import (
    DiffusionInputs,
    PersonConditions,
    first_model_inputs,
    reference_garment,
    second_model_inputs,
)
from tryon.training.data.items import GREY, WHITE_FROM, Item, resized
from tryon.training.data.tree import Kind, TrainingPair

OF_EACH = (Kind.IMAGE, Kind.AGNOSTIC, Kind.CLOTH, Kind.CLOTH_MASK, Kind.WARPED, Kind.WARPED_MASK)
WANTED: dict[str, tuple[Kind, ...]] = {
    "v1": (*OF_EACH, Kind.PARSE, Kind.PARSE_AGNOSTIC),
    "v2": (*OF_EACH, Kind.MASK),
}
"""By variant."""
GREY_WITHIN, NOT_GREY_AT_MOST = 24, 0.2
"""How far grey may be from 128, in levels, after JPEG; and the share of the hole that may be farther."""


@dataclass(frozen=True, kw_only=True)
class VtonItem(Item):
    """See `Item`; the mask is the hole, and the warped garment stands in densepose's place, which this network does not see.

    Args:
        person: at the files' own sizes.
        warped: (h, w, 3) uint8 RGB, the garment warped onto the person.
        warped_mask: (h, w) uint8, soft.
        reference: (3, 224, 224) float32, the garment as CLIP sees it.
    """

    fourth: ClassVar[str] = "warped garment"
    person: PersonConditions
    warped: RGB
    warped_mask: Grey
    reference: Float

    def inputs(self, variant: str) -> DiffusionInputs:
        """What the network of a variant is shown; the square's side is the item's height.

        Raises:
            InputError: v2's agnostic picture and mask are not of one drawing, or the parse map shows nothing to dress.
        """
        side = self.image.shape[0]
        if variant != "v2":
            return first_model_inputs(self.person, self.warped, self.warped_mask, side)
        refuse_other_drawing(self.id, self.person.agnostic, self.person.repaint)
        return second_model_inputs(self.person, self.warped, self.warped_mask, side)


def read_vton_item(pair: TrainingPair, size: tuple[int, int]) -> VtonItem:
    """Read a pair, and of parse maps and agnostic mask what is there.

    Args:
        pair: all that `WANTED` says of one variant are there.
        size: (height, width) of sheets and measures.

    Raises:
        InputError: a file cannot be read, or the mask of cloth is empty.
    """
    try:
        return _read(pair, size)
    except OSError as problem:
        raise InputError(f"pair {pair.id}: a file cannot be read ({problem})", "the check before training names it") from None


def refuse_other_drawing(name: str, agnostic: RGB, repaint: Mask) -> None:
    """Refuse a mask whose area is not grey in the agnostic picture: v2 draws both with the same strokes.

    Raises:
        InputError: they are of two drawings, as the first model's data are.
    """
    if not repaint.any() or agnostic.shape[:2] != repaint.shape:
        raise InputError(f"pair {name}: the agnostic mask is empty, or of another size than its picture", "make both again")
    apart = np.abs(agnostic[repaint].astype(int) - GREY).max(axis=1) > GREY_WITHIN
    if apart.mean() > NOT_GREY_AT_MOST:
        raise InputError(
            f"pair {name}: {apart.mean():.0%} of the agnostic mask is not grey in the agnostic picture: not v2's data, where "
            "both are one drawing",
            "--set dci_vton.variant=v1, or draw them again: python run.py --step parsing, then export viton-hd",
        )


def _read(pair: TrainingPair, size: tuple[int, int]) -> VtonItem:
    files = pair.files
    image, agnostic = images.read_rgb(files[Kind.IMAGE]), images.read_rgb(files[Kind.AGNOSTIC])
    drawn = Kind.MASK in files
    repaint = images.read_grey(files[Kind.MASK]) >= WHITE_FROM if drawn else np.zeros(image.shape[:2], bool)
    parse, parse_agnostic = (images.read_labels(files[k]) if k in files else None for k in (Kind.PARSE, Kind.PARSE_AGNOSTIC))
    warped, warped_mask = images.read_rgb(files[Kind.WARPED]), images.read_grey(files[Kind.WARPED_MASK])
    cloth, cloth_mask = images.read_rgb(files[Kind.CLOTH]), images.read_grey(files[Kind.CLOTH_MASK]) >= WHITE_FROM
    hole = repaint if parse is None else parse_hole(parse)
    return VtonItem(
        id=pair.id,
        image=resized(image, size),
        agnostic=resized(agnostic, size),
        densepose=resized(warped, size),
        cloth=resized(cloth, size),
        mask=resized(np.where(hole, np.uint8(255), np.uint8(0)), size),
        cloth_mask=resized(np.where(cloth_mask, np.uint8(255), np.uint8(0)), size),
        worn=resized(warped_mask, size),
        person=PersonConditions(image, agnostic, repaint, parse, parse_agnostic),
        warped=warped,
        warped_mask=warped_mask,
        reference=reference_garment(cloth, cloth_mask),
    )
