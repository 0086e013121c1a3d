"""Step 4, parsing: which pixel of the person is skin, hair or which garment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np

from pipeline.core import images, layout
from pipeline.core.backend import Backend
from pipeline.core.config import StepConfig
from pipeline.core.items import Item, Person, Unit
from pipeline.core.labels import Parse
from pipeline.core.layout import Ref
from pipeline.core.step import BackendStep, Encode, Produced
from preprocess.parsing.embedded.parser import ColourParser, parse_person
from preprocess.parsing.network_labels import Parsed
from preprocess.person.not_found import NotFound
from preprocess.person.parse_lists import lists_of
from preprocess.person.person_view import PersonView, read_view


class ParsingBackend(Backend, Protocol):
    """Finds garments, skin and hair."""

    keeps_lists: bool
    """Whether its results include the labels of LIP and ATR."""
    keeps_edges: bool
    """Whether they include the outlines between parts."""

    @property
    def batch_size(self) -> int:
        """People per call, once it is loaded."""

    def parse(self, views: Sequence[PersonView]) -> Sequence[Parsed | NotFound]:
        """One result per person, in order."""


class ParsingConfig(StepConfig):
    """Settings of the parsing step: none; `--backend` chooses the backend."""


class ParsingStep(BackendStep[ParsingBackend]):
    """Writes the parse map: palette PNG of CIHP ids."""

    name: ClassVar[str] = "parsing"
    unit: ClassVar[Unit] = Unit.PERSON
    version: ClassVar[int] = 1

    def reads(self, item: Item) -> Sequence[Ref]:
        """Picture, landmarks, frame, matte, key-points."""
        kinds = (layout.IMAGE, layout.LANDMARKS, layout.FRAME, layout.MATTE, layout.POSE_JSON)
        return [kind.of(item.id) for kind in kinds]

    @property
    def batch_size(self) -> int:  # type: ignore[override]  # a number in the base, here the backend's
        """As many people per call as the backend's device allows."""
        return self.backend.batch_size

    def writes(self, item: Item) -> Sequence[Ref]:
        """The parse map; the labels of LIP and ATR, and the outlines between parts, where the backend has them."""
        lists = (layout.PARSE_LISTS,) if self.backend.keeps_lists else ()
        kinds = (layout.PARSE, *lists, *((layout.PARSE_EDGES,) if self.backend.keeps_edges else ()))
        return [kind.of(item.id) for kind in kinds]

    def read(self, item: Item) -> tuple[str, PersonView]:
        """Decode what the backend needs."""
        assert isinstance(item, Person)
        return item.id, read_view(self.layout, item)

    def run(self, inputs: Sequence[tuple[str, PersonView]]) -> Sequence[Produced]:
        """Label the pixels; a person whom the network misses is labelled by the embedded parser and flagged."""
        answers = self.backend.parse([view for _, view in inputs])
        return [self._produce(item_id, view, answer) for (item_id, view), answer in zip(inputs, answers, strict=True)]

    def _produce(self, item_id: str, view: PersonView, answer: Parsed | NotFound) -> Produced:
        missed = isinstance(answer, NotFound)
        labels = parse_person(view.image, view.person, view.body) if isinstance(answer, NotFound) else answer.labels
        lists = None if isinstance(answer, NotFound) else answer.lists
        files: dict[Ref, Encode] = {layout.PARSE.of(item_id): lambda: images.labels_png(labels)}
        if self.backend.keeps_lists:
            files[layout.PARSE_LISTS.of(item_id)] = lambda: images.npz((lists or lists_of(labels)).arrays(labels))
        if self.backend.keeps_edges:
            edges = None if isinstance(answer, NotFound) else answer.edges
            files[layout.PARSE_EDGES.of(item_id)] = lambda: images.png(
                np.zeros(labels.shape, np.uint8) if edges is None else edges
            )
        card = ColourParser.card if missed else self.backend.card
        found = ", ".join(Parse(int(label)).name.lower() for label in np.unique(labels) if label)
        quality = {"approximate": "yes"} if card.approximate else {}
        notices = (answer.notice,) if isinstance(answer, NotFound) else ()
        return Produced(files, notices, {"backend": card.name, "labels": found} | quality)
