"""One pair as the warping network's training wants it: whole files beside the small pictures that sheets and measures look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.core import images
from pipeline.core.arrays import RGB, Labels
from pipeline.core.errors import InputError
from pipeline.core.labels import UPPER_LABELS
from pipeline.core.masks import Mask
from tryon.engines.dci_vton.warp_conditions import WarpInputs, warp_inputs
from tryon.training.data.items import GREY, WHITE_FROM, Item, resized
from tryon.training.data.tree import Kind, TrainingPair

WANTED = (Kind.IMAGE, Kind.CLOTH, Kind.CLOTH_MASK, Kind.DENSEPOSE, Kind.PARSE, Kind.PARSE_AGNOSTIC)


@dataclass(frozen=True)
class WarpFiles:
    """Files of a pair at their own sizes.

    Args:
        image: (h, w, 3) uint8 RGB.
        cloth: (h, w, 3) uint8 RGB.
        cloth_mask: (h, w) bool.
        densepose: (h, w, 3) uint8 RGB.
        parse: (h, w) uint8 of `Parse`.
        parse_agnostic: the same without the garment and the arms under it.
    """

    image: RGB
    cloth: RGB
    cloth_mask: Mask
    densepose: RGB
    parse: Labels
    parse_agnostic: Labels

    def inputs(self, size: tuple[int, int]) -> WarpInputs:
        """What the network sees, at (height, width)."""
        return warp_inputs(self.cloth, self.cloth_mask, self.densepose, self.parse_agnostic, size)


@dataclass(frozen=True, kw_only=True)
class WarpItem(Item):
    """See `Item`; mask and worn are the garment by the parse map, the agnostic picture is grey there."""

    files: WarpFiles


def read_warp_item(pair: TrainingPair, size: tuple[int, int]) -> WarpItem:
    """Read a pair.

    Args:
        pair: all of `WANTED` are there.
        size: (height, width) of the small pictures.

    Raises:
        InputError: a file cannot be read, or sizes differ.
    """
    try:
        files = _files(pair)
    except OSError as problem:
        raise InputError(f"pair {pair.id}: a file cannot be read ({problem})", "the check before training names it") from None
    worn = np.where(np.isin(files.parse, [int(label) for label in UPPER_LABELS]), np.uint8(255), np.uint8(0))
    area = resized(worn, size)
    return WarpItem(
        id=pair.id,
        image=resized(files.image, size),
        agnostic=resized(np.where(worn[..., None] > 0, np.uint8(GREY), files.image), size),
        densepose=resized(files.densepose, size),
        cloth=resized(files.cloth, size),
        mask=area,
        cloth_mask=resized(np.where(files.cloth_mask, np.uint8(255), np.uint8(0)), size),
        worn=area,
        files=files,
    )


def on_white(picture: RGB, area: Mask) -> RGB:
    """(h, w, 3) uint8 where an area (h, w) is, white elsewhere."""
    return np.where(area[..., None], picture, np.uint8(255))


def _files(pair: TrainingPair) -> WarpFiles:
    files = pair.files
    return WarpFiles(
        image=images.read_rgb(files[Kind.IMAGE]),
        cloth=images.read_rgb(files[Kind.CLOTH]),
        cloth_mask=images.read_grey(files[Kind.CLOTH_MASK]) >= WHITE_FROM,
        densepose=images.read_rgb(files[Kind.DENSEPOSE]),
        parse=images.read_labels(files[Kind.PARSE]),
        parse_agnostic=images.read_labels(files[Kind.PARSE_AGNOSTIC]),
    )
