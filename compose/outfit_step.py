"""Between the two passes of an outfit: what the first pass made of a person becomes a person, whom the second pass dresses.

The first result goes back into the photo at the photo's own resolution, as a finished picture does; pose and body parts stay
those of the photo. Parse map and masks are made anew by their own steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from compose.delivery import PhotoDelivery
from compose.dressed_matte.matte import dressed_cutout
from compose.gate.gate import measure_pair
from compose.restore_inputs import RestoreInputs, judged_by, restored_from
from compose.restore_step import RestoreConfig, RestoreStep
from pipeline.core import images
from pipeline.core.backend import MatteBackend
from pipeline.core.items import Item, Pair, Person, Unit
from pipeline.core.layout import (
    CUTOUT,
    DENSEPOSE,
    DENSEPOSE_IUV,
    FRAME,
    IMAGE,
    LANDMARKS,
    MATTE,
    OUTFIT,
    POSE_IMAGE,
    POSE_JSON,
    Ref,
)
from pipeline.core.step import Context, Encode, Produced, StepBase

REUSED = (FRAME, LANDMARKS, POSE_JSON, POSE_IMAGE, DENSEPOSE, DENSEPOSE_IUV)
"""What a garment does not change: where the person is and how they stand."""


@dataclass(frozen=True)
class OutfitInputs:
    """The first pass, ready to be restored, and the bytes of the files that are reused."""

    person: Person
    restored: RestoreInputs
    reused: dict[Ref, bytes]


class OutfitStep(StepBase):
    """The shell; its item is the person to be made.

    Args:
        config: as for finished pictures; how those are handed on does not matter here.
        context: what every step of the run shares.
        backend: as for finished pictures.
    """

    name: ClassVar[str] = "outfit"
    unit: ClassVar[Unit] = Unit.PERSON
    version: ClassVar[int] = RestoreStep.version
    packages = RestoreStep.packages
    seconds = RestoreStep.seconds

    def __init__(self, config: RestoreConfig, context: Context, backend: MatteBackend | None = None) -> None:
        own = config.model_copy(update=dict.fromkeys(PhotoDelivery.model_fields))
        super().__init__(own, context)
        self._restore = RestoreStep(own, context, backend)
        self.resources = self._restore.resources

    def reads(self, item: Item) -> Sequence[Ref]:
        """What the first pass is restored from, and what is reused."""
        first = _first_pass(item)
        return (*restored_from(first, self.context.dressed), *(kind.of(first.person.id) for kind in REUSED if kind is not FRAME))

    def may_read(self, item: Item) -> Sequence[Ref]:
        """What the quality gate holds the picture against."""
        return judged_by(_first_pass(item), self._restore.config.keep)

    def writes(self, item: Item) -> Sequence[Ref]:
        """Everything that the steps before parsing make of a photo, and the photo."""
        return tuple(kind.of(item.id) for kind in (OUTFIT, CUTOUT, MATTE, IMAGE, *REUSED))

    def signature(self, item: Item) -> Mapping[str, str]:
        """As for finished pictures."""
        return self._restore.signature(_first_pass(item))

    def load(self) -> None:
        """Bring up the background backend."""
        self._restore.load()

    def read(self, item: Item) -> OutfitInputs:
        """Decode the first pass.

        Raises:
            InputError: artefacts that do not fit each other in size.
        """
        assert isinstance(item, Person)
        first = _first_pass(item)
        reused = {kind.of(item.id): self.layout.path(kind.of(first.person.id)).read_bytes() for kind in REUSED}
        return OutfitInputs(item, self._restore.read(first), reused)

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        """Make each person."""
        return [self._one(each) for each in inputs]

    def _one(self, inputs: OutfitInputs) -> Produced:
        ident, restored = inputs.person.id, inputs.restored
        photos, alpha, hands = self._restore.dressed(restored)
        cutout = dressed_cutout(photos, restored.cutout, alpha)
        files: dict[Ref, Encode] = {
            OUTFIT.of(ident): partial(images.png, photos.dressed),
            CUTOUT.of(ident): partial(images.png, cutout),
            MATTE.of(ident): partial(images.png, alpha),
            IMAGE.of(ident): partial(images.jpeg, restored.frame.to_canvas(photos.dressed)),
        }
        files |= {ref: partial(bytes, content) for ref, content in inputs.reused.items()}
        scores = measure_pair(restored, photos, cutout, self._restore.read_face, hands)
        notices = (*scores.notices(self._restore.config), *self._restore.redrawn(restored))
        return Produced(files, notices, {"changed": f"{float(photos.changed.mean()):.4f}"})


def _first_pass(item: Item) -> Pair:
    assert isinstance(item, Person) and item.after is not None, f"outfit works on what a first pass made, not on {item.id}"
    return item.after
