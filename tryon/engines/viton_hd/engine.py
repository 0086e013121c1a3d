"""VITON-HD and GS-VITON behind the engine protocol. Reading this file loads nothing heavy; `load` does."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.core.engine import (
    DressedPerson,
    Encoded,
    EngineBase,
    EngineCard,
    GarmentInputs,
    PersonInputs,
    TryOnItem,
    loaded,
    try_on_engine,
)
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC, CLOTH_WARP, MISALIGNED, POSE_IMAGE, PREDICTED_PARSE
from pipeline.core.machine.device import choose_device
from pipeline.core.step import Context
from pipeline.core.weights.access import require, sha_of
from tryon.engines.viton_hd.architecture import PARAMETERS
from tryon.engines.viton_hd.config import VitonHdConfig
from tryon.engines.viton_hd.stages import RESOURCES

if TYPE_CHECKING:
    from tryon.engines.viton_hd.runtime import PaintingRuntime

_log = logging.getLogger("lookbook")

CALL_BYTES_PER_PIXEL = 2400
"""Of one picture in fp32: two maps of 80 channels at full size and what a convolution needs beside them. By arithmetic, **not
measured** on a GPU."""

CARD = EngineCard(
    name="viton_hd",
    version=1,
    weights=("viton-hd",),
    packages=("torch",),
    extra="diffusion",
    seconds=8,
    resources=RESOURCES,
    categories=frozenset({Category.UPPER}),
    person=(AGNOSTIC, POSE_IMAGE),
    garment=(),
    pair=(PREDICTED_PARSE, CLOTH_WARP, MISALIGNED),
    mask_rule="viton-hd-exact",
)


@try_on_engine
class VitonHdEngine(EngineBase):
    """Upper garments, one pass.

    Args:
        config: settings.
        context: device and folders of the run.
    """

    card: EngineCard = CARD

    def __init__(self, config: VitonHdConfig, context: Context) -> None:
        self.config, self.context = config, context
        self._runtime: PaintingRuntime | None = None
        self._said = False

    @cached_property
    def batch_size(self) -> int:
        """Pictures made together: the settings' number, or as many as fit beside the weights that `load` will bring."""
        device = choose_device(self.context.device)
        if self.config.batch_size or device.kind == "cpu":
            return self.config.batch_size or 1
        from tryon.batching import pictures_that_fit
        from tryon.engines.viton_hd.runtime import ARCHITECTURES
        from tryon.networks.precision import choose_dtype

        bytes_each = choose_dtype(self.config.dtype, device).itemsize
        size = ARCHITECTURES[self.card.weights[0]].size
        return pictures_that_fit(device, size, CALL_BYTES_PER_PIXEL * bytes_each / 4, PARAMETERS["alias"] * bytes_each)

    def load(self, device: str) -> None:
        """Bring the weights onto a device.

        Raises:
            WeightsError: missing, damaged, unsafe, or another model.
        """
        from tryon.batching import Limits
        from tryon.engines.viton_hd.runtime import PaintingRuntime

        row = self.card.weights[0]
        path = require(row, self.context.layout.weights) / "alias_final.pth"
        limits = Limits(choose_device(device), self.batch_size, "close other programs; this network has one size only")
        self._runtime = PaintingRuntime.load(path, row, self.config.dtype, limits, self.config.label_tables)

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """Bring a person to the network's size; of a garment it reads what was made of the pair."""
        runtime = self._ready()
        if isinstance(part, GarmentInputs):
            return None
        return runtime.person(part.agnostic(), part.pose_image(), None)

    def generate(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress; canvas-sized pictures in the order of the items."""
        from tryon.engines.viton_hd.runtime import PictureItem

        wanted = []
        for item in items:
            assert item.pair is not None, "the step hands over what was made of the pair"
            made = item.pair.labels(PREDICTED_PARSE), item.pair.picture(CLOTH_WARP), item.pair.soft_mask(MISALIGNED)
            wanted.append(PictureItem(item.person, *made, item.seed))
        return [DressedPerson(picture) for picture in self._ready().dress(wanted)]

    def describe(self) -> Mapping[str, Any]:
        """How this engine makes pictures, resolved."""
        runtime = self._ready()
        weights = sha_of(self.card.weights[0], self.context.layout.weights)
        size = list(runtime.architecture.size)
        return {"weights": weights, "size": size, "dtype": str(runtime.dtype).removeprefix("torch.")}

    def _ready(self) -> PaintingRuntime:
        return loaded(self._runtime, self.card.name)


@try_on_engine
class GsVitonEngine(VitonHdEngine):
    """The seed's variant: 512 × 512."""

    card = replace(CARD, name="gs_viton", weights=("gs-viton",), seconds=5, mask_rule="gs-viton-exact")
