"""A try-on engine whose picture depends on its seed: some seeds give the garment's colours, the others their opposites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from pipeline.core.engine import DressedPerson, EngineBase, EngineCard, EngineConfig, GarmentInputs, PersonInputs, TryOnItem
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, CLOTH, CLOTH_MASK, DENSEPOSE, IMAGE
from pipeline.core.step import Context

NAME = "seeded"
TARGET = "seeded_engine:SeededEngine"
CONFIG = "seeded_engine:SeededConfig"


class SeededConfig(EngineConfig):
    """Nothing to set."""


def shade(seed: int) -> int:
    """How many grey levels a seed's picture is off: 0, or 85 to 185."""
    return seed % 6 and 60 + 25 * (seed % 6)


class SeededEngine(EngineBase):
    """Draws the middle of the garment, as crisp as it is, on the body inside the mask."""

    card = EngineCard(
        name=NAME,
        version=1,
        categories=frozenset(Category),
        person=(IMAGE, AGNOSTIC_MASK, DENSEPOSE),
        garment=(CLOTH, CLOTH_MASK),
    )
    batch_size = 2

    def __init__(self, config: SeededConfig | None = None, context: Context | None = None) -> None:
        self.config = config or SeededConfig()

    def load(self, device: str) -> None:
        """Nothing."""

    def encode(self, part: PersonInputs | GarmentInputs) -> Any:
        """The person with the mask, or the garment."""
        if isinstance(part, PersonInputs):
            return part.image(), part.agnostic_mask() & part.densepose().any(2)
        return part.cloth(), part.cloth_mask()

    def generate(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """One picture per item."""
        return [DressedPerson(self._picture(item)) for item in items]

    def _picture(self, item: TryOnItem) -> np.ndarray:
        (person, mask), (cloth, inside) = item.person, item.garment
        rows, columns = np.nonzero(inside)
        middle = cloth[int(np.percentile(rows, 35)) : int(np.percentile(rows, 65)), columns.min() : columns.max()]
        middle = middle[:, int(0.35 * middle.shape[1]) : int(0.65 * middle.shape[1])]
        sheet = cv2.resize(middle, (person.shape[1], person.shape[0]), interpolation=cv2.INTER_NEAREST)
        picture = person.copy()
        picture[mask] = cv2.absdiff(sheet, np.full_like(sheet, shade(item.seed)))[mask]
        return picture
