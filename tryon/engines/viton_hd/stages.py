"""What is made of a pair before its picture: predicted parse map → warped garment → misaligned area.

Each lies on disk, can be looked at and retouched, and what follows is redone (`pipeline/core/pair_stage.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pipeline.core import images
from pipeline.core.card import ALL_THREADS, Resources
from pipeline.core.engine import Encoded, GarmentInputs, PairInputs, PersonInputs, TryOnItem
from pipeline.core.errors import UsageError
from pipeline.core.flags import Flag, Notice
from pipeline.core.labels import UPPER_LABELS, Category
from pipeline.core.layout import (
    AGNOSTIC,
    CLOTH,
    CLOTH_MASK,
    CLOTH_WARP,
    CLOTH_WARP_MASK,
    MISALIGNED,
    PARSE_AGNOSTIC,
    POSE_IMAGE,
    PREDICTED_PARSE,
)
from pipeline.core.machine.device import choose_device
from pipeline.core.pair_stage import PairMade, PairStageBase, StageCard, pair_stage
from pipeline.core.step import Context
from pipeline.core.weights.access import require
from tryon.engines.viton_hd.config import GsVitonConfig, VitonHdConfig

if TYPE_CHECKING:
    from pathlib import Path

    from tryon.engines.viton_hd.runtime import PlacingRuntime, SegmentingRuntime

Runtime = TypeVar("Runtime")
UPPER = frozenset({Category.UPPER})
MUCH_MISALIGNED = 0.25
"""Share of the expected garment from which the warp did not fit: raised or crossed arms, another shape."""
RESOURCES = Resources(cpu_threads=ALL_THREADS, memory_gb=2, gpu_memory_gb=2)


class _Stage(PairStageBase):
    """Settings and weights of one engine's stage."""

    weights = "viton-hd"

    def __init__(self, config: VitonHdConfig, context: Context) -> None:
        self.config, self.context = config, context

    def settings(self) -> Mapping[str, Any]:
        """The number format."""
        return {"dtype": self.config.dtype}

    def _file(self, network: str) -> Path:
        return require(self.weights, self.context.layout.weights) / f"{network}_final.pth"


@pair_stage
class SegmentationStage(_Stage):
    """Predicts the parse map once the garment is worn."""

    card = StageCard(
        name="viton_hd-segmentation",
        weights=("viton-hd",),
        packages=("torch",),
        extra="diffusion",
        seconds=2,
        resources=RESOURCES,
        person=(AGNOSTIC, POSE_IMAGE, PARSE_AGNOSTIC),
        garment=(CLOTH, CLOTH_MASK),
        makes=(PREDICTED_PARSE,),
        categories=UPPER,
        seeded=True,
    )
    _runtime: SegmentingRuntime | None = None

    def load(self, device: str) -> None:
        """Bring the weights onto a device.

        Raises:
            WeightsError: missing, damaged, unsafe, or another network.
        """
        from tryon.engines.viton_hd.runtime import SegmentingRuntime

        path, chosen = self._file("seg"), choose_device(device)
        sees_noise = isinstance(self.config, GsVitonConfig) and self.config.segmentation_sees == "noise"
        self._runtime = SegmentingRuntime.load(path, self.weights, self.config.dtype, chosen, sees_noise)

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """Bring a person or a garment to the networks' size."""
        runtime = _ready(self._runtime)
        if isinstance(part, GarmentInputs):
            return runtime.garment(part.cloth(), part.cloth_mask())
        return runtime.person(part.agnostic(), part.pose_image(), part.parse_agnostic())

    def make(self, items: Sequence[TryOnItem]) -> list[PairMade]:
        """A parse map per pair."""
        maps = _ready(self._runtime).predict(
            [item.person for item in items], [item.garment for item in items], [item.seed for item in items]
        )
        return [PairMade({PREDICTED_PARSE: partial(images.labels_png, parse)}) for parse in maps]


@pair_stage
class PlacingStage(_Stage):
    """Bends the garment onto the person, where the predicted parse map has it."""

    card = StageCard(
        name="viton_hd-warp",
        weights=("viton-hd",),
        packages=("torch",),
        extra="diffusion",
        seconds=1,
        resources=RESOURCES,
        person=(AGNOSTIC, POSE_IMAGE),
        garment=(CLOTH, CLOTH_MASK),
        pair=(PREDICTED_PARSE,),
        makes=(CLOTH_WARP, CLOTH_WARP_MASK),
        categories=UPPER,
    )
    _runtime: PlacingRuntime | None = None

    def load(self, device: str) -> None:
        """Bring the weights onto a device.

        Raises:
            WeightsError: missing, damaged, unsafe, or another network.
        """
        from tryon.engines.viton_hd.runtime import PlacingRuntime

        self._runtime = PlacingRuntime.load(self._file("gmm"), self.weights, self.config.dtype, choose_device(device))

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """Bring a person to the networks' size; of a garment also its features."""
        runtime = _ready(self._runtime)
        if isinstance(part, GarmentInputs):
            return runtime.garment_with_features(part.cloth(), part.cloth_mask())
        return runtime.person(part.agnostic(), part.pose_image(), None)

    def make(self, items: Sequence[TryOnItem]) -> list[PairMade]:
        """The warped garment and its mask per pair."""
        parses = [_pair(item).labels(PREDICTED_PARSE) for item in items]
        placed = _ready(self._runtime).place([item.person for item in items], [item.garment for item in items], parses)
        return [
            PairMade({CLOTH_WARP: partial(images.png, each.cloth), CLOTH_WARP_MASK: partial(images.png, each.mask)}, each.notices)
            for each in placed
        ]


@pair_stage
class MisalignmentStage(_Stage):
    """Where a garment is expected and the warped one does not reach: there the generator has to invent."""

    card = StageCard(
        name="viton_hd-misalignment",
        person=(AGNOSTIC,),
        pair=(PREDICTED_PARSE, CLOTH_WARP_MASK),
        makes=(MISALIGNED,),
        categories=UPPER,
    )

    def load(self, device: str) -> None:
        """Nothing to load."""

    def settings(self) -> Mapping[str, Any]:
        """None."""
        return {}

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """Nothing of one part alone."""
        return None

    def make(self, items: Sequence[TryOnItem]) -> list[PairMade]:
        """A soft mask per pair."""
        return [self._one(item) for item in items]

    def _one(self, item: TryOnItem) -> PairMade:
        expected = np.isin(_pair(item).labels(PREDICTED_PARSE), UPPER_LABELS)
        area = np.where(expected, 255 - _pair(item).soft_mask(CLOTH_WARP_MASK), 0).astype(np.uint8)
        share = float(area.sum()) / 255 / max(1, int(expected.sum()))
        notices: tuple[Notice, ...] = ()
        if share > MUCH_MISALIGNED:
            notices = (Notice(Flag.GARMENT_MISALIGNED, f"{share:.0%} of the expected garment is beyond the warped one"),)
        return PairMade({MISALIGNED: partial(images.png, area)}, notices)


def _ready(runtime: Runtime | None) -> Runtime:
    if runtime is None:
        raise UsageError("viton_hd: a stage was asked to work before its weights were loaded", "call load(device) first")
    return runtime


def _pair(item: TryOnItem) -> PairInputs:
    assert item.pair is not None, "the step hands over what was made of the pair"
    return item.pair
