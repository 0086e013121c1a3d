"""One pair as OOTDiffusion's training wants it: what the engine is shown, made by the engine's own code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.labels import Category
from tryon.engines.ootdiffusion.encoding import PersonPictures, fit_picture, prepare_person
from tryon.engines.ootdiffusion.wiring import Wiring
from tryon.training.data.items import WHITE_FROM, Item, Size, resized
from tryon.training.data.tree import Kind, TrainingPair

WANTED = (Kind.IMAGE, Kind.MASK, Kind.CLOTH)


@dataclass(frozen=True, kw_only=True)
class OotdItem(Item):
    """See `Item`; the masked person stands in densepose's place, which this network does not see.

    Args:
        person: whole and with grey 127 in the mask, at the size the network works at.
        category: whose word the context holds.
        skeleton: file of the person's skeleton, where there is one; read by arrangements that look at it.
    """

    fourth: ClassVar[str] = "masked person"
    person: PersonPictures
    category: Category = Category.UPPER
    skeleton: Path | None = None

    def seen_by(self, wiring: Wiring) -> PersonPictures:
        """The person as the engine's network of a wiring sees it.

        Raises:
            InputError: the skeleton cannot be read.
        """
        if not wiring.sees_pose:
            return self.person
        assert self.skeleton is not None, "wanted of every pair"
        try:
            pose = images.read_rgb(self.skeleton)
        except OSError as problem:
            raise InputError(f"pair {self.id}: {self.skeleton} cannot be read ({problem})", "draw it again") from None
        return replace(self.person, pose=fit_picture(pose, self.person.repaint.shape))


def read_ootd_item(pair: TrainingPair, size: Size) -> OotdItem:
    """Read a pair; pictures are squashed as the engine squashes them, and the hole is cut at the size that the files have.

    Args:
        pair: all that `WANTED` says are there.
        size: (height, width) to work at.

    Raises:
        InputError: a file cannot be read, sizes differ, or the mask is empty.
    """
    files = pair.files
    try:
        image, mask = images.read_rgb(files[Kind.IMAGE]), images.read_grey(files[Kind.MASK]) >= WHITE_FROM
        cloth = images.read_rgb(files[Kind.CLOTH])
        cloth_mask = images.read_grey(files[Kind.CLOTH_MASK]) if Kind.CLOTH_MASK in files else np.zeros(cloth.shape[:2], np.uint8)
    except OSError as problem:
        raise InputError(f"pair {pair.id}: a file cannot be read ({problem})", "the check before training names it") from None
    person = prepare_person(image, mask, size)
    return OotdItem(
        id=pair.id,
        image=person.image,
        agnostic=person.masked,
        densepose=person.masked,
        cloth=fit_picture(cloth, size),
        mask=np.where(person.repaint, np.uint8(255), np.uint8(0)),
        cloth_mask=resized(cloth_mask, size),
        worn=np.zeros(size, np.uint8),
        person=person,
        category=pair.category,
        skeleton=files.get(Kind.POSE),
    )
