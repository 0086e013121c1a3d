"""The agnostic step: the person without the garment to replace, once per garment category that some pair wants.

A step of its own beside parsing, so that a parse map retouched by hand is followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pipeline.core import images, layout
from pipeline.core.config import StepConfig
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.items import Item, Person, Unit
from pipeline.core.labels import Category
from pipeline.core.layout import Ref
from pipeline.core.masks import Mask
from pipeline.core.step import Encode, Produced, StepBase
from preprocess.body import Body
from preprocess.parse_agnostic import parse_agnostic
from preprocess.parse_regions import leg_in_view
from preprocess.person_view import read_body
from preprocess.repaint_area import Margins, repaint_area

GREY = 128
"""The fill of VITON-HD's agnostic pictures."""
SHARES: dict[Category, tuple[float, float]] = {
    Category.UPPER: (0.05, 0.72),
    Category.LOWER: (0.05, 0.65),
    Category.DRESS: (0.10, 0.82),
}
"""Usual share of the canvas per category; outside of it something went wrong."""


class AgnosticConfig(StepConfig):
    """Settings of the agnostic masks."""

    margin: float = 0.046
    """Rim round the worn garment, as a share of the body's width (12 px on a VITON-HD photo)."""
    hem_margin: float = 0.03
    """How far the mask reaches below the worn garment's hem, as a share of the body's width."""


@dataclass(frozen=True)
class AgnosticInputs:
    """What one person's masks are made from; all on the same canvas.

    Args:
        person: the item.
        image: (h, w, 3) uint8 RGB.
        parse: (h, w) uint8 of `Parse`.
        body: the joints.
    """

    person: Person
    image: NDArray[np.uint8]
    parse: NDArray[np.uint8]
    body: Body


class AgnosticStep(StepBase):
    """Masks, grey pictures and reduced parse maps."""

    name: ClassVar[str] = "agnostic"
    unit: ClassVar[Unit] = Unit.PERSON
    version: ClassVar[int] = 1
    config: AgnosticConfig

    def reads(self, item: Item) -> Sequence[Ref]:
        """Picture, parse map, key-points."""
        return [kind.of(item.id) for kind in (layout.IMAGE, layout.PARSE, layout.POSE_JSON)]

    def may_read(self, item: Item) -> Sequence[Ref]:
        """Landmarks know where joints outside the frame are; a downloaded data set has none."""
        return [layout.LANDMARKS.of(item.id), layout.FRAME.of(item.id)]

    def writes(self, item: Item) -> Sequence[Ref]:
        """Three files per category."""
        assert isinstance(item, Person)
        return [kind.of(item.id, category) for category in item.categories for kind in layout.PER_CATEGORY]

    def read(self, item: Item) -> AgnosticInputs:
        """Decode.

        Raises:
            InputError: the parse map does not have the picture's size.
        """
        assert isinstance(item, Person)
        image = images.read_rgb(self.layout.path(layout.IMAGE.of(item.id)))
        path = self.layout.path(layout.PARSE.of(item.id))
        parse = images.read_labels(path)
        if parse.shape != image.shape[:2]:
            raise InputError(
                f"{path}: {parse.shape[0]}×{parse.shape[1]} px, the person's picture has {image.shape[0]}×{image.shape[1]}",
                "python run.py --step parsing --force",
            )
        return AgnosticInputs(item, image, parse, read_body(self.layout, item))

    def run(self, inputs: Sequence[AgnosticInputs]) -> Sequence[Produced]:
        """Make the masks, one person at a time."""
        return [self._one(each) for each in inputs]

    def _one(self, given: AgnosticInputs) -> Produced:
        margins = Margins(self.config.margin, self.config.hem_margin)
        files: dict[Ref, Encode] = {}
        notices: list[Notice] = []
        facts: dict[str, str] = {}
        for category in given.person.categories:
            mask = repaint_area(category, given.parse, given.body, margins)
            files |= artefacts(given, category, mask)
            notices += mask_notices(category, mask, given.body)
            facts[f"{category.value}_share"] = f"{mask.mean():.3f}"
        return Produced(files=files, notices=tuple(notices), facts=facts)


def artefacts(given: AgnosticInputs, category: Category, mask: Mask) -> dict[Ref, Encode]:
    """The encoders of one category's three files; the grey picture is made from the mask, so that the two cannot disagree."""
    name = given.person.id
    return {
        layout.AGNOSTIC_MASK.of(name, category): lambda: images.mask_png(mask),
        layout.AGNOSTIC.of(name, category): lambda: images.jpeg(grey_out(given.image, mask)),
        layout.PARSE_AGNOSTIC.of(name, category): lambda: images.labels_png(parse_agnostic(category, given.parse, given.body)),
    }


def grey_out(image: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 with the masked area in grey 128."""
    covered: NDArray[np.uint8] = np.where(mask[..., None], np.uint8(GREY), image)
    return covered


def mask_notices(category: Category, mask: Mask, body: Body) -> list[Notice]:
    """Flags on one mask: unusual share of the frame, or legs asked for that are not in the photo."""
    if category != Category.UPPER and not leg_in_view(body, (mask.shape[0], mask.shape[1])):
        return [Notice(Flag.LEGS_NOT_VISIBLE, category.value)]
    least, most = SHARES[category]
    share = float(mask.mean())
    detail = f"{category.value}: {share:.0%} of the frame, usual are {least:.0%} to {most:.0%}"
    notices = []
    if share < least:
        notices.append(Notice(Flag.MASK_TOO_SMALL, detail))
    if share > most:
        notices.append(Notice(Flag.MASK_TOO_LARGE, detail))
    return notices
