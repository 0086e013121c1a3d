"""FASHN VTON 1.5 behind the engine protocol. Reading this file loads nothing heavy; `load` does."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.core.card import ALL_THREADS, Resources
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
from pipeline.core.layout import CLOTH, CLOTH_MASK, IMAGE, PARSE, POSE_JSON
from pipeline.core.machine.device import choose_device
from pipeline.core.step import Context
from pipeline.core.weights.access import require, sha_of
from tryon.engines.fashn.architecture import CALL_BYTES_PER_PIXEL, FULL, PARAMETERS
from tryon.engines.fashn.config import FashnConfig, sampling_config

if TYPE_CHECKING:
    import torch

    from pipeline.core.machine.device import Device
    from tryon.engines.fashn.runtime import CanvasPerson, Runtime

_log = logging.getLogger("lookbook")

CARD = EngineCard(
    name="fashn",
    version=1,
    weights=("fashn-vton-1.5",),
    packages=("torch", "diffusers", "safetensors"),
    extra="diffusion",
    seconds=600,
    resources=Resources(cpu_threads=ALL_THREADS, memory_gb=5, gpu_memory_gb=5),
    categories=frozenset(Category),
    person=(IMAGE, POSE_JSON),
    garment=(CLOTH, CLOTH_MASK),
    mask_rule="hr-viton",  # it reads no mask; `compose` does
)


@try_on_engine
class FashnVtonEngine(EngineBase):
    """All categories, no mask, no parser.

    Args:
        config: settings.
        context: device and folders of the run.
    """

    card: EngineCard = CARD

    def __init__(self, config: FashnConfig, context: Context) -> None:
        self.config, self.context = config, context
        if not sampling_config(config).segmentation_free:
            self.card = replace(CARD, person=(*CARD.person, PARSE))
        self._runtime: Runtime | None = None
        self._said = False

    @cached_property
    def batch_size(self) -> int:
        """Pictures made together: the settings' number, or as many as fit beside the weights that `load` will bring."""
        device = choose_device(self.context.device)
        if self.config.batch_size or device.kind == "cpu":
            return self.config.batch_size or 1
        from tryon.batching import pictures_that_fit

        sampling = sampling_config(self.config)
        bytes_each = _dtype(sampling.dtype, device).itemsize
        answers = 1 if sampling.guidance_scale == 1 else 2  # a guided call computes both at once
        return pictures_that_fit(device, FULL.canvas, CALL_BYTES_PER_PIXEL * bytes_each / 2 * answers, PARAMETERS * bytes_each)

    def load(self, device: str) -> None:
        """Bring the weights onto a device.

        Raises:
            WeightsError: missing, damaged, unsafe, or another model.
        """
        from tryon.batching import Limits
        from tryon.engines.fashn import checkpoint
        from tryon.engines.fashn.runtime import Runtime
        from tryon.system_memory import give_freed_memory_back

        chosen, sampling = choose_device(device), sampling_config(self.config)
        if chosen.kind == "cpu":
            give_freed_memory_back()
        network = checkpoint.load(require(self.card.weights[0], self.context.layout.weights), _dtype(sampling.dtype, chosen))
        limits = Limits(chosen, self.batch_size, "close other programs; this network has one size only")
        self._runtime = Runtime(network, sampling, limits)
        if self.config.compile:
            self._runtime.compile(graphs=self.config.compile == "graphs")

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """Prepare a person or a garment; what comes back serves all its pairs."""
        runtime = self._ready()
        if isinstance(part, GarmentInputs):
            return runtime.encode_garment(part)
        person = runtime.encode_person(part)
        self._say_which_pose(person)
        return person

    def generate(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress; canvas-sized pictures in the order of the items."""
        return self._ready().dress(items)

    def describe(self) -> Mapping[str, Any]:
        """How this engine makes pictures, resolved."""
        runtime = self._ready()
        facts = {"weights": sha_of(self.card.weights[0], self.context.layout.weights), "size": list(runtime.canvas)}
        return facts | asdict(runtime.config) | {"dtype": str(runtime.network.dtype).removeprefix("torch.")}

    def _say_which_pose(self, person: CanvasPerson) -> None:
        if not (person.has_face or self._said):
            self._said = True
            _log.info(
                "fashn: the weights were trained with the key-points of DWPose, which has points of the face; "
                "these have none: --backend pose=dwpose"
            )

    def _ready(self) -> Runtime:
        return loaded(self._runtime, self.card.name)


def _dtype(wanted: str, device: Device) -> torch.dtype:
    """bf16 where the machine has it, else fp32: the network was not made for fp16."""
    import torch

    from tryon.networks.precision import choose_dtype

    chosen = choose_dtype(wanted, device)
    return torch.float32 if chosen == torch.float16 else chosen
