"""Step 3, densepose: which pixel of the person is which part of the body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np

from pipeline.core import images, layout
from pipeline.core.backend import Backend
from pipeline.core.config import StepConfig
from pipeline.core.items import Item, Person, Unit
from pipeline.core.labels import BodyPart
from pipeline.core.layout import Ref
from pipeline.core.step import BackendStep, Produced
from preprocess.densepose.colours import render
from preprocess.densepose.embedded import LandmarkBody, draw_parts
from preprocess.person.body_parts import BodyParts
from preprocess.person.not_found import NotFound
from preprocess.person.person_view import PersonView, read_view

JPEG_QUALITY = 95


class DenseposeBackend(Backend, Protocol):
    """Finds body parts."""

    @property
    def batch_size(self) -> int:
        """People per call, once it is loaded."""

    def body_parts(self, views: Sequence[PersonView]) -> Sequence[BodyParts | NotFound]:
        """The parts of the person whom each matte shows, in order."""


class DenseposeConfig(StepConfig):
    """Settings of the densepose step: none; `--backend` chooses the backend."""


class DenseposeStep(BackendStep[DenseposeBackend]):
    """Draws the body parts in VITON-HD's colours and keeps the raw index in a second file."""

    name: ClassVar[str] = "densepose"
    unit: ClassVar[Unit] = Unit.PERSON
    version: ClassVar[int] = 1

    def reads(self, item: Item) -> Sequence[Ref]:
        """Picture, landmarks, frame, matte."""
        return [kind.of(item.id) for kind in (layout.IMAGE, layout.LANDMARKS, layout.FRAME, layout.MATTE)]

    def may_read(self, item: Item) -> Sequence[Ref]:
        """The key-points: they include the hands, and the user may have corrected them."""
        return [layout.POSE_JSON.of(item.id)]

    @property
    def batch_size(self) -> int:  # type: ignore[override]  # a number in the base, here the backend's
        """As many people per call as the backend's device allows."""
        return self.backend.batch_size

    def writes(self, item: Item) -> Sequence[Ref]:
        """The coloured picture and the raw index."""
        return [layout.DENSEPOSE.of(item.id), layout.DENSEPOSE_IUV.of(item.id)]

    def read(self, item: Item) -> tuple[str, PersonView]:
        """Decode what the backend needs."""
        assert isinstance(item, Person)
        return item.id, read_view(self.layout, item)

    def run(self, inputs: Sequence[tuple[str, PersonView]]) -> Sequence[Produced]:
        """Find the parts; a person whom the network misses is drawn from the landmarks and flagged."""
        answers = self.backend.body_parts([view for _, view in inputs])
        return [self._produce(item_id, view, answer) for (item_id, view), answer in zip(inputs, answers, strict=True)]

    def _produce(self, item_id: str, view: PersonView, answer: BodyParts | NotFound) -> Produced:
        parts = BodyParts(draw_parts(view.body, view.person)) if isinstance(answer, NotFound) else answer
        card = LandmarkBody.card if isinstance(answer, NotFound) else self.backend.card
        quality = {"approximate": "yes"} if card.approximate else {}
        return Produced(
            files={
                layout.DENSEPOSE.of(item_id): lambda: images.jpeg(render(parts.index), JPEG_QUALITY),
                layout.DENSEPOSE_IUV.of(item_id): lambda: images.npz(parts.arrays(card.name)),
            },
            notices=(answer.notice,) if isinstance(answer, NotFound) else (),
            facts={"body_share": f"{np.mean(parts.index != BodyPart.BACKGROUND):.3f}", "backend": card.name} | quality,
        )
