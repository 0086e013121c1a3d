"""The mask editor on the server: which masks exist, and saving one as a hand edit.

A saved file differs from the one that the ledger recorded, and so counts as edited by the user: the next run keeps it and redoes
what follows. The agnostic picture of a mask is a step of its own, which the next run repeats; cloth mask and cloth picture come
from one step, so both are saved together and always match.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.errors import InputError, UsageError
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, CLOTH, CLOTH_MASK, IMAGE, REVIEW, Layout, Ref
from pipeline.core.records.store import Store
from pipeline.review.workspace import Items

PNG_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


class Kind(StrEnum):
    """The kinds of masks."""

    AGNOSTIC = "agnostic"
    CLOTH = "cloth"


@dataclass(frozen=True, slots=True)
class MaskFiles:
    """A mask with its picture and the steps that use it.

    Args:
        mask: 255 = repaint (agnostic) or garment (cloth).
        under: the picture under the mask in the editor.
        shown: the picture that is saved with the mask, or "".
        only: the item whose pairs use the mask.
        steps: the steps to run after a change.
    """

    kind: Kind
    mask: Ref
    under: Ref
    shown: Ref
    only: str
    steps: tuple[str, ...]


def mask_files(items: Items, kind: Kind, ident: str, category: Category) -> MaskFiles:
    """The files of one mask.

    Raises:
        UnknownItemError: no such person or garment.
    """
    if kind is Kind.CLOTH:
        garment = items.garment(ident).id
        return MaskFiles(kind, CLOTH_MASK.of(garment), CLOTH.of(garment), CLOTH.of(garment), garment, ("tryon", "compose"))
    person = items.person(ident)
    mask, under, steps = AGNOSTIC_MASK.of(person.id, category), IMAGE.of(person.id), ("parsing", "tryon", "compose")
    return MaskFiles(kind, mask, under, "", person.original.id, steps)


def save_mask(layout: Layout, files: MaskFiles, data: bytes, store: Store) -> None:
    """Replace a mask, and the picture that is saved with it.

    Args:
        layout: the folders.
        files: of the mask.
        data: a PNG of the mask's size, light = inside.
        store: puts it in place; the caller holds the mask.

    Raises:
        UsageError: the mask has not been made yet.
        InputError: not a PNG, or of another size.
    """
    for ref in (files.mask, files.under):
        if not layout.path(ref).is_file():
            raise UsageError(f"{layout.path(ref)} is not made yet", f"python run.py --step all --only {files.only}")
    size = images.picture_size(layout.path(files.mask))
    mask = _decode(layout, data, size, store)
    if files.kind is Kind.CLOTH:
        gone = images.read_mask(layout.path(files.mask)) & ~mask
        cloth = _erased(images.read_rgb(layout.path(files.under)), gone)
        encoded = {files.mask: images.jpeg(np.where(mask, 255, 0).astype(np.uint8)), files.shown: images.jpeg(cloth)}
    else:
        encoded = {files.mask: images.mask_png(mask)}
    staged = [store.stage(ref, content) for ref, content in encoded.items()]
    for each in staged:
        store.replace(each)


def _erased(cloth: NDArray[np.uint8], gone: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 cloth picture in which the `gone` area has the colour of the canvas's corners."""
    ground = np.median(np.stack([cloth[0, 0], cloth[0, -1], cloth[-1, 0], cloth[-1, -1]]), axis=0).astype(np.uint8)
    painted: NDArray[np.uint8] = np.where(gone[..., None], ground, cloth)
    return painted


def _decode(layout: Layout, data: bytes, size: tuple[int, int], store: Store) -> NDArray[np.bool_]:
    """(h, w) bool; the size is checked in the file's header before pixels are decoded."""
    if not data.startswith(PNG_HEAD) or len(data) < 33:
        raise InputError("the mask is not a PNG", "send the canvas as image/png")
    width, height = struct.unpack(">II", data[16:24])
    if (height, width) != size:
        raise InputError(f"the mask has {height}×{width} px, needed are {size[0]}×{size[1]}")
    folder = layout.path(REVIEW)
    folder.mkdir(parents=True, exist_ok=True)
    staged = store.stage(f"{REVIEW}/mask.png", data)
    try:
        return images.read_mask(staged.temp)
    except (OSError, SyntaxError, ValueError) as problem:
        raise InputError(f"the mask is damaged ({problem})") from None
    finally:
        staged.temp.unlink(missing_ok=True)


def restore_mask(layout: Layout, files: MaskFiles) -> None:
    """Delete an edited mask and its picture; the next run makes them again."""
    for ref in filter(None, (files.mask, files.shown)):
        layout.path(ref).unlink(missing_ok=True)
