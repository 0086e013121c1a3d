"""The agnostic picture: the person with the area to repaint in grey, made from the mask on disk.

A step of its own after the masks, so that a retouched mask is used and the two always agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.frame import check_canvas_size
from pipeline.core.items import Item, Person, Unit
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC, AGNOSTIC_MASK, IMAGE, Ref
from pipeline.core.masks import Mask, bytes_of
from pipeline.core.step import Produced, StepBase

GREY = 128
"""The fill of VITON-HD's agnostic pictures."""


@dataclass(frozen=True)
class PictureInputs:
    """One person's picture, (h, w, 3) RGB uint8, and its mask per category, (h, w) bool."""

    person: Person
    image: NDArray[np.uint8]
    masks: dict[Category, Mask]


class AgnosticPictureStep(StepBase):
    """Paints the masked area grey."""

    name: ClassVar[str] = "agnostic-picture"
    unit: ClassVar[Unit] = Unit.PERSON
    version: ClassVar[int] = 1
    seconds = 0.02

    def reads(self, item: Item) -> Sequence[Ref]:
        """The picture and one mask per category."""
        assert isinstance(item, Person)
        return [IMAGE.of(item.id), *(AGNOSTIC_MASK.of(item.id, category) for category in item.categories)]

    def writes(self, item: Item) -> Sequence[Ref]:
        """One picture per category."""
        assert isinstance(item, Person)
        return [AGNOSTIC.of(item.id, category) for category in item.categories]

    def read(self, item: Item) -> PictureInputs:
        """Decode.

        Raises:
            InputError: a mask that does not have the picture's size.
        """
        assert isinstance(item, Person)
        image = images.read_rgb(self.layout.path(IMAGE.of(item.id)))
        masks = {category: self._mask(item, category, image) for category in item.categories}
        return PictureInputs(item, image, masks)

    def _mask(self, person: Person, category: Category, image: NDArray[np.uint8]) -> Mask:
        ref = AGNOSTIC_MASK.of(person.id, category)
        mask = images.read_mask(self.layout.path(ref))
        check_canvas_size(self.layout, ref, mask.shape, image.shape)
        return mask

    def run(self, inputs: Sequence[PictureInputs]) -> Sequence[Produced]:
        """Make the pictures, one person at a time."""
        return [Produced(files=self._pictures(each)) for each in inputs]

    def _pictures(self, inputs: PictureInputs) -> dict[Ref, partial[bytes]]:
        return {
            AGNOSTIC.of(inputs.person.id, category): partial(images.jpeg, grey_out(inputs.image, mask))
            for category, mask in inputs.masks.items()
        }


def grey_out(image: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 RGB with the masked area in grey 128."""
    covered: NDArray[np.uint8] = cv2.copyTo(image, bytes_of(~mask), np.full_like(image, GREY))
    return covered
