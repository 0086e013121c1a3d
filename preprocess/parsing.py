"""The parsing step: which pixel of the person is skin, hair, which garment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.core import images, layout
from pipeline.core.backend import Backend
from pipeline.core.config import StepConfig
from pipeline.core.items import Item, Person, Unit
from pipeline.core.labels import Parse
from pipeline.core.layout import Ref
from pipeline.core.step import BackendStep, Produced
from preprocess.person_view import PersonView, read_view


class ParsingBackend(Backend, Protocol):
    """Finds garments, skin and hair."""

    def parse(self, view: PersonView) -> NDArray[np.uint8]:
        """(h, w) uint8 of `Parse` on the canvas, `BACKGROUND` outside the person."""


class ParsingConfig(StepConfig):
    """Settings of the parsing step: none besides the backend, which the command line chooses."""


class ParsingStep(BackendStep[ParsingBackend]):
    """Writes the parse map: palette PNG of CIHP ids."""

    name: ClassVar[str] = "parsing"
    unit: ClassVar[Unit] = Unit.PERSON
    version: ClassVar[int] = 1

    def reads(self, item: Item) -> Sequence[Ref]:
        """Picture, landmarks, frame, matte, key-points."""
        kinds = (layout.IMAGE, layout.LANDMARKS, layout.FRAME, layout.MATTE, layout.POSE_JSON)
        return [kind.of(item.id) for kind in kinds]

    def writes(self, item: Item) -> Sequence[Ref]:
        """The parse map."""
        return [layout.PARSE.of(item.id)]

    def read(self, item: Item) -> tuple[str, PersonView]:
        """Decode what the backend looks at."""
        assert isinstance(item, Person)
        return item.id, read_view(self.layout, item)

    def run(self, inputs: Sequence[tuple[str, PersonView]]) -> Sequence[Produced]:
        """Label the pixels, one person at a time."""
        return [self._produce(item_id, self.backend.parse(view)) for item_id, view in inputs]

    def _produce(self, item_id: str, labels: NDArray[np.uint8]) -> Produced:
        card = self.backend.card
        found = ", ".join(Parse(int(label)).name.lower() for label in np.unique(labels) if label)
        quality = {"approximate": "yes"} if card.approximate else {}
        return Produced(
            files={layout.PARSE.of(item_id): lambda: images.labels_png(labels)},
            facts={"backend": card.name, "labels": found} | quality,
        )
