"""The door every try-on engine stands behind (docs/architecture.md#engines-and-backends)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.arrays import RGB, Grey, Labels
from pipeline.core.card import Card
from pipeline.core.config import StepConfig
from pipeline.core.errors import InputError, MissingArtefactError, UsageError
from pipeline.core.flags import Notice
from pipeline.core.frame import check_canvas_size
from pipeline.core.items import Garment, Pair, Person
from pipeline.core.keypoints import Keypoints, keypoints_from_json
from pipeline.core.labels import Category
from pipeline.core.layout import (
    AGNOSTIC,
    AGNOSTIC_MASK,
    CLOTH,
    CLOTH_MASK,
    DENSEPOSE,
    IMAGE,
    PARSE,
    PARSE_AGNOSTIC,
    POSE_IMAGE,
    POSE_JSON,
    Folder,
    Layout,
    PerCategory,
    PerEngine,
    Ref,
    make_again,
    maker,
)
from pipeline.core.masks import Mask

Pixel = TypeVar("Pixel", np.uint8, np.bool_)
Runtime = TypeVar("Runtime")
Encoded = Any
"""Whatever an engine makes of a person or garment once; opaque to everybody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCard(Card):
    """A card that also says which garments an engine can dress and which conditions it reads.

    Args:
        categories: garment categories it was made for.
        person: artefact kinds of the person it reads; changing one of them redoes its pictures.
        garment: artefact kinds of the garment it reads.
        pair: artefact kinds of the pair it reads; its stages make them (`pipeline.core.pair_stage`).
        mask_rule: the rule by whose agnostic masks it was trained; "" = the default one.
        seeded: another seed gives another picture.
    """

    categories: frozenset[Category]
    person: tuple[Folder | PerCategory, ...] = (IMAGE, AGNOSTIC, AGNOSTIC_MASK, DENSEPOSE)
    garment: tuple[Folder, ...] = (CLOTH, CLOTH_MASK)
    pair: tuple[PerEngine, ...] = ()
    mask_rule: str = ""
    seeded: bool = True

    @property
    def reads_mask(self) -> bool:
        """Whether it is told where the garment goes; otherwise it draws the whole picture anew."""
        return any(isinstance(kind, PerCategory) for kind in self.person)


class EngineConfig(StepConfig):
    """Base of an engine's settings."""

    def extras(self) -> tuple[PerEngine, ...]:
        """Kinds of pictures that these settings ask for beside the dressed person; asked before any engine is loaded."""
        return ()


@dataclass(frozen=True, slots=True)
class PersonInputs:
    """A person's conditions, read when asked for. All arrays are canvas-sized: (1024, 768) unless a tree brings its own size.

    Every reader raises `MissingArtefactError` when the file is not there, and `InputError` when it cannot be used: damaged, not
    of the canvas's size, or a mask that is none.
    """

    person: Person
    category: Category
    layout: Layout

    def image(self) -> RGB:
        """(h, w, 3) RGB uint8: the person."""
        return images.read_rgb(present(self.layout, IMAGE.of(self.person.id)))

    def agnostic(self) -> RGB:
        """(h, w, 3) RGB uint8: the person with the area to repaint in grey 128."""
        return self._on_canvas(AGNOSTIC.of(self.person.id, self.category), images.read_rgb)

    def agnostic_mask(self) -> Mask:
        """(h, w) bool: True = repaint; never empty."""
        ref = AGNOSTIC_MASK.of(self.person.id, self.category)
        mask = self._on_canvas(ref, images.read_mask)
        if not mask.any():
            raise InputError(
                f"{self.layout.path(ref)}: the mask is empty, there is nothing to dress",
                f"paint it white where the garment goes, or delete it and: {make_again(ref)}",
            )
        return mask

    def densepose(self) -> RGB:
        """(h, w, 3) RGB uint8: body parts in VITON-HD's colours."""
        return self._on_canvas(DENSEPOSE.of(self.person.id), images.read_rgb)

    def parse(self) -> Labels:
        """(h, w) uint8 of `Parse`."""
        return self._on_canvas(PARSE.of(self.person.id), images.read_labels)

    def parse_agnostic(self) -> Labels:
        """(h, w) uint8 of `Parse`: the parse map without the garment to replace."""
        return self._on_canvas(PARSE_AGNOSTIC.of(self.person.id, self.category), images.read_labels)

    def pose_image(self) -> RGB:
        """(h, w, 3) RGB uint8: the skeleton on black."""
        return self._on_canvas(POSE_IMAGE.of(self.person.id), images.read_rgb)

    def keypoints(self) -> Keypoints:
        """BODY_25 and hands, canvas pixels."""
        return keypoints_from_json(present(self.layout, POSE_JSON.of(self.person.id)).read_text("utf-8"))

    def _on_canvas(self, ref: Ref, read: Callable[[Path], NDArray[Pixel]]) -> NDArray[Pixel]:
        return _on_canvas(self.layout, self.person, ref, read)


@dataclass(frozen=True, slots=True)
class GarmentInputs:
    """A garment's conditions, read when asked for; a missing file is a `MissingArtefactError`."""

    garment: Garment
    layout: Layout

    def cloth(self) -> RGB:
        """(h, w, 3) RGB uint8: the garment on light grey."""
        return images.read_rgb(present(self.layout, CLOTH.of(self.garment.id)))

    def cloth_mask(self) -> Mask:
        """(h, w) bool: True = garment."""
        return images.read_mask(present(self.layout, CLOTH_MASK.of(self.garment.id)))


@dataclass(frozen=True, slots=True)
class PairInputs:
    """What an engine's stages made of a pair, or the user put in its place, read when asked for; raises as `PersonInputs`."""

    pair: Pair
    layout: Layout

    def picture(self, kind: PerEngine) -> RGB:
        """(h, w, 3) RGB uint8 on the person's canvas."""
        return self._on_canvas(kind, images.read_rgb)

    def soft_mask(self, kind: PerEngine) -> Grey:
        """(h, w) uint8 on the person's canvas, 255 = inside."""
        return self._on_canvas(kind, images.read_grey)

    def labels(self, kind: PerEngine) -> Labels:
        """(h, w) uint8 on the person's canvas: a label map, palette PNG."""
        return self._on_canvas(kind, images.read_labels)

    def _on_canvas(self, kind: PerEngine, read: Callable[[Path], NDArray[Pixel]]) -> NDArray[Pixel]:
        return _on_canvas(self.layout, self.pair.person, kind.of(self.pair.id, self.pair.engine), read)


def _on_canvas(layout: Layout, person: Person, ref: Ref, read: Callable[[Path], NDArray[Pixel]]) -> NDArray[Pixel]:
    """Read a condition and hold its size against the person's canvas, where there is one."""
    picture, canvas = read(present(layout, ref)), layout.path(IMAGE.of(person.id))
    if canvas.is_file():
        check_canvas_size(layout, ref, picture.shape, images.picture_size(canvas))
    return picture


def present(layout: Layout, ref: Ref) -> Path:
    """The path of a condition that is there.

    Raises:
        MissingArtefactError: it is not; names the step that makes it.
    """
    path = layout.path(ref)
    if not path.is_file():
        raise MissingArtefactError(f"{path}: missing; the {maker(ref)} step makes it", make_again(ref))
    return path


@dataclass(frozen=True, slots=True)
class TryOnItem:
    """One picture to make: what `encode` gave for both parts, the item's own seed, and what was made of the pair before.

    `pair` is for engines whose card names artefacts of the pair.
    """

    person: Encoded
    garment: Encoded
    seed: int
    pair: PairInputs | None = None


@dataclass(frozen=True, slots=True)
class DressedPerson:
    """What an engine made of one item.

    Args:
        picture: (h, w, 3) RGB uint8, the dressed person on the canvas.
        notices: what the engine knows to be weak about this picture.
        extra: the further pictures, RGB uint8: exactly the kinds that `config.extras()` names.
    """

    picture: RGB
    notices: tuple[Notice, ...] = ()
    extra: Mapping[PerEngine, RGB] = field(default_factory=dict)


@runtime_checkable
class TryOnEngine(Protocol):
    """Everything that is asked of an engine; the runner never knows which one it holds.

    An engine is made with its settings and the run's `Context`, without loading anything. `load` comes before `encode`,
    `generate` and `describe`.
    """

    @property
    def card(self) -> EngineCard:
        """What it is, what it needs, what it reads."""

    @property
    def config(self) -> EngineConfig:
        """Its settings; what decides pixels goes into fingerprints and recipes."""

    @property
    def batch_size(self) -> int:
        """Most pictures of one `generate`; asked when work begins, because an engine may have to look at the GPU first."""

    def load(self, device: str) -> None:
        """Bring the weights onto a device: `auto`, `cpu`, `cuda`, `mps`."""

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """Do once per person or garment what does not depend on the other."""

    def generate(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress; one result per item, in order."""

    def describe(self) -> Mapping[str, Any]:
        """How it samples, resolved, as JSON values for the recipe: what the settings' names alone do not say."""


def loaded(runtime: Runtime | None, name: str) -> Runtime:
    """What `load` brought of an engine, or of one of its stages.

    Raises:
        UsageError: nothing yet.
    """
    if runtime is None:
        raise UsageError(f"{name}: asked to work before its weights were loaded", "call load(device) first")
    return runtime


class EngineBase:
    """What an engine need not write itself."""

    def describe(self) -> Mapping[str, Any]:
        """Nothing beyond the settings unless an engine says so."""
        return {}


EngineClass = TypeVar("EngineClass", bound="type[TryOnEngine]")


def try_on_engine(engine: EngineClass) -> EngineClass:
    """Declare that a class is an engine: the type checker then holds it against `TryOnEngine`, member by member."""
    return engine
