"""The door every try-on engine stands behind (architecture §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.card import Card
from pipeline.core.items import Garment, Person
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
    POSE_JSON,
    Folder,
    Layout,
    PerCategory,
)

Image = NDArray[np.uint8]
Encoded = Any
"""Whatever an engine makes of a person or garment once; opaque to everybody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCard(Card):
    """A card that also says which garments an engine can dress and which conditions it reads.

    Args:
        categories: garment categories it was made for.
        person: artefact kinds of the person it reads; changing one of them redoes its pictures.
        garment: artefact kinds of the garment it reads.
        recipe: the agnostic recipe whose masks it was trained with; "" = the default one.
    """

    categories: frozenset[Category]
    person: tuple[Folder | PerCategory, ...] = (IMAGE, AGNOSTIC, AGNOSTIC_MASK, DENSEPOSE)
    garment: tuple[Folder, ...] = (CLOTH, CLOTH_MASK)
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class PersonInputs:
    """A person's conditions, read when asked for. All arrays are canvas-sized: (1024, 768) unless a tree brings its own size."""

    person: Person
    category: Category
    layout: Layout

    def image(self) -> Image:
        """(h, w, 3) RGB uint8: the person."""
        return images.read_rgb(self.layout.path(IMAGE.of(self.person.id)))

    def agnostic(self) -> Image:
        """(h, w, 3) RGB uint8: the person with the area to repaint in grey 128."""
        return images.read_rgb(self.layout.path(AGNOSTIC.of(self.person.id, self.category)))

    def agnostic_mask(self) -> NDArray[np.bool_]:
        """(h, w) bool: True = repaint."""
        return images.read_mask(self.layout.path(AGNOSTIC_MASK.of(self.person.id, self.category)))

    def densepose(self) -> Image:
        """(h, w, 3) RGB uint8: body parts in VITON-HD's colours."""
        return images.read_rgb(self.layout.path(DENSEPOSE.of(self.person.id)))

    def parse(self) -> NDArray[np.uint8]:
        """(h, w) uint8 of `Parse`."""
        return images.read_labels(self.layout.path(PARSE.of(self.person.id)))

    def keypoints(self) -> Keypoints:
        """BODY_25 and hands, canvas pixels."""
        return keypoints_from_json(self.layout.path(POSE_JSON.of(self.person.id)).read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class GarmentInputs:
    """A garment's conditions, read when asked for."""

    garment: Garment
    layout: Layout

    def cloth(self) -> Image:
        """(h, w, 3) RGB uint8: the garment on light grey."""
        return images.read_rgb(self.layout.path(CLOTH.of(self.garment.id)))

    def cloth_mask(self) -> NDArray[np.bool_]:
        """(h, w) bool: True = garment."""
        return images.read_mask(self.layout.path(CLOTH_MASK.of(self.garment.id)))


@dataclass(frozen=True, slots=True)
class TryOnItem:
    """One picture to make: what `encode` gave for both parts, and the item's own seed."""

    person: Encoded
    garment: Encoded
    seed: int


class TryOnEngine(Protocol):
    """Five members; the runner never asks which engine it holds."""

    card: EngineCard
    batch_size: int

    def load(self, device: str) -> None:
        """Bring the weights onto a device: `auto`, `cpu`, `cuda`, `mps`."""

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """Do once per person or garment what does not depend on the other."""

    def generate(self, items: Sequence[TryOnItem]) -> list[Image]:
        """Dress; one (h, w, 3) RGB uint8 canvas per item, in order."""
