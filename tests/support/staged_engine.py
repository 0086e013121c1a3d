"""An engine with two stages, each made from the one before: the garment squeezed to half its width, then its outline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import cv2
import numpy as np

from pipeline.core import images
from pipeline.core.engine import DressedPerson, EngineBase, EngineCard, EngineConfig, GarmentInputs, PersonInputs, TryOnItem
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, CLOTH, CLOTH_WARP, CLOTH_WARP_MASK, IMAGE
from pipeline.core.pair_stage import PairMade, PairStageBase, StageCard, pair_stage
from pipeline.core.step import Context
from tryon.pair_step import PairStep

NAME = "staged"
TARGET, CONFIG = "staged_engine:StagedEngine", "staged_engine:StagedConfig"
STAGES = {"warp": "staged_engine:SqueezeStage", "outline": "staged_engine:OutlineStage"}


class StagedConfig(EngineConfig):
    """One setting for each stage, and one for the picture."""

    squeeze: int = 2
    grown_px: int = 3
    brightness: int = 0


class OutlineStep(PairStep):
    """A second stage of the step `tryon`, as an engine with a chain of stages would add one."""

    name: ClassVar[str] = "outline"


class _Stage(PairStageBase):
    def __init__(self, config: StagedConfig, context: Context) -> None:
        self.config = config
        self.loads: list[str] = []
        self.encoded: list[str] = []

    def load(self, device: str) -> None:
        self.loads.append(device)

    def encode(self, part: PersonInputs | GarmentInputs) -> Any:
        self.encoded.append(part.person.id if isinstance(part, PersonInputs) else part.garment.id)
        return part.image() if isinstance(part, PersonInputs) else part.cloth()


@pair_stage
class SqueezeStage(_Stage):
    """Makes the warped garment."""

    card = StageCard(
        name="squeeze",
        weights=("warper",),
        person=(IMAGE,),
        garment=(CLOTH,),
        makes=(CLOTH_WARP,),
        categories=frozenset({Category.UPPER}),
    )
    batch_size = 2

    def settings(self) -> Mapping[str, Any]:
        return {"squeeze": self.config.squeeze}

    def make(self, items: Sequence[TryOnItem]) -> list[PairMade]:
        return [PairMade({CLOTH_WARP: partial(images.png, self._squeezed(item))}) for item in items]

    def _squeezed(self, item: TryOnItem) -> np.ndarray:
        height, width = item.person.shape[:2]
        narrow = cv2.resize(item.garment, (width // self.config.squeeze, height))
        return np.ascontiguousarray(np.resize(np.pad(narrow, ((0, 0), (0, width - narrow.shape[1]), (0, 0))), item.person.shape))


@pair_stage
class OutlineStage(_Stage):
    """Makes the mask of whatever garment lies there, warped by the stage before or by hand."""

    card = StageCard(name="outline", person=(IMAGE,), pair=(CLOTH_WARP,), makes=(CLOTH_WARP_MASK,), seeded=True)

    def settings(self) -> Mapping[str, Any]:
        return {"grown_px": self.config.grown_px}

    def make(self, items: Sequence[TryOnItem]) -> list[PairMade]:
        return [PairMade({CLOTH_WARP_MASK: partial(images.png, self._outline(item))}) for item in items]

    def _outline(self, item: TryOnItem) -> np.ndarray:
        worn = (item.pair.picture(CLOTH_WARP).max(2) > 0).astype(np.uint8) * 255
        return cv2.dilate(worn, np.ones((self.config.grown_px,) * 2, np.uint8))


class StagedEngine(EngineBase):
    """Pastes the warped garment where its mask says."""

    card = EngineCard(
        name=NAME,
        categories=frozenset({Category.UPPER}),
        person=(IMAGE, AGNOSTIC_MASK),
        garment=(),
        pair=(CLOTH_WARP, CLOTH_WARP_MASK),
    )
    batch_size = 2

    def __init__(self, config: StagedConfig | None = None, context: Context | None = None) -> None:
        self.config = config or StagedConfig()

    def load(self, device: str) -> None:
        """Nothing."""

    def encode(self, part: PersonInputs | GarmentInputs) -> Any:
        return part.image() if isinstance(part, PersonInputs) else None

    def generate(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        return [DressedPerson(self._picture(item)) for item in items]

    def _picture(self, item: TryOnItem) -> np.ndarray:
        cloth, mask = item.pair.picture(CLOTH_WARP), item.pair.soft_mask(CLOTH_WARP_MASK)
        return np.where(mask[..., None] > 127, cloth, item.person) + np.uint8(self.config.brightness)
