"""One training pair as arrays, exactly as the published loader reads it (docs/facts/stableviton.md#data)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.arrays import RGB, Grey
from pipeline.core.errors import InputError
from pipeline.core.labels import DENSEPOSE_COLOURS
from tryon.training.data.tree import Kind, TrainingPair

GREY = 128
"""Of the area to repaint."""
WHITE_FROM = 128
FEWEST_CLOTH_PIXELS = 4 * 30720
"""A cloth mask with fewer white pixels, counted at the file's size, is taken for a broken one: everything is cloth."""

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Item:
    """A training pair at working size; h and w are its sides.

    Args:
        id: of the pair.
        image: (h, w, 3) uint8 RGB: the person in the garment.
        agnostic: (h, w, 3) RGB, 0..255: uint8 as read, fp32 where it was composed again.
        densepose: (h, w, 3) uint8 RGB.
        cloth: (h, w, 3) uint8 RGB.
        mask: (h, w) uint8, fractional at borders: 255 = repaint, as on disk; `keep` is the network's polarity.
        cloth_mask: (h, w) uint8, 255 = garment.
        worn: (h, w) uint8, 255 = the garment worn in `image`; zeros where there is no such file.
    """

    fourth: ClassVar[str] = "densepose"
    """What the sheet of pairs calls the fourth picture; an engine's own item may keep another one there."""
    id: str
    image: RGB
    agnostic: NDArray[np.uint8] | NDArray[np.float32]
    densepose: RGB
    cloth: RGB
    mask: Grey
    cloth_mask: Grey
    worn: Grey

    @property
    def keep(self) -> Grey:
        """(h, w) uint8: 255 = keep."""
        return np.bitwise_not(self.mask)


def read_item(pair: TrainingPair, size: Size) -> Item:
    """Read and resize a pair; masks are cut at their file's size and become fractional by resizing.

    Args:
        pair: all wanted files are there.
        size: (height, width) to work at.

    Raises:
        InputError: a file cannot be read, or is no mask.
    """
    try:
        return _read(pair, size)
    except OSError as problem:
        raise InputError(f"pair {pair.id}: a file cannot be read ({problem})", "the check before training names it") from None


def _read(pair: TrainingPair, size: Size) -> Item:
    files = pair.files
    image, mask = images.read_rgb(files[Kind.IMAGE]), _cut(files, Kind.MASK)
    agnostic = images.read_rgb(files[Kind.AGNOSTIC]) if Kind.AGNOSTIC in files else _greyed(image, mask)
    cloth = images.read_rgb(files[Kind.CLOTH])
    cloth_mask = _cut(files, Kind.CLOTH_MASK) if Kind.CLOTH_MASK in files else np.zeros(cloth.shape[:2], np.uint8)
    if np.count_nonzero(cloth_mask) < FEWEST_CLOTH_PIXELS:
        cloth_mask = np.full_like(cloth_mask, 255)
    worn = _cut(files, Kind.WORN) if Kind.WORN in files else np.zeros(image.shape[:2], np.uint8)
    return Item(
        id=pair.id,
        image=resized(image, size),
        agnostic=resized(agnostic, size),
        densepose=resized(_densepose(files[Kind.DENSEPOSE]), size),
        cloth=resized(cloth, size),
        mask=resized(mask, size),
        cloth_mask=resized(cloth_mask, size),
        worn=resized(worn, size),
    )


def resized(array: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """OpenCV's bilinear, pictures and masks alike, to (height, width)."""
    return np.asarray(cv2.resize(array, size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def _cut(files: Mapping[Kind, Path], kind: Kind) -> Grey:
    return np.where(images.read_grey(files[kind]) >= WHITE_FROM, np.uint8(255), np.uint8(0))


def _greyed(image: RGB, mask: Grey) -> RGB:
    """DressCode's tree has no agnostic picture: made of the mask, as ours is."""
    if mask.shape != image.shape[:2]:
        raise InputError(f"agnostic mask {mask.shape} does not fit its image {image.shape[:2]}", "make the masks again")
    return np.where(mask[..., None] > 0, np.uint8(GREY), image)


def _densepose(file: Path) -> RGB:
    """VITON-HD's colours, or DressCode's raw index drawn in them."""
    if file.parent.name != "dense":
        return images.read_rgb(file)
    index = images.read_labels(file)
    if index.max(initial=0) >= len(DENSEPOSE_COLOURS):
        raise InputError(f"{file}: body part {index.max()}, expected 0 to 24", "take the raw index of the published tree")
    return np.asarray(DENSEPOSE_COLOURS, np.uint8)[index]
