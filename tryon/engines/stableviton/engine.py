"""StableVITON behind the engine protocol. Reading this file loads nothing heavy; `load` does.

The models that share the network are rows: a name, a weights row, the size it was trained at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

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
from pipeline.core.layout import AGNOSTIC, AGNOSTIC_MASK, CLOTH, DENSEPOSE, IMAGE
from pipeline.core.machine.device import choose_device
from pipeline.core.step import Context
from pipeline.core.weights.access import require, sha_of
from tryon.engines.stableviton.config import StableVITONConfig, sampling_config
from tryon.networks.sd1 import smaller

if TYPE_CHECKING:
    import torch

    from tryon.engines.stableviton.runtime import Runtime

TINY_DECODER = "taesd"
"""Row of the weights that `decoder = "tiny"` needs; the engine runs without them."""


@try_on_engine
class StableVITON(EngineBase):
    """The model of VITON-HD at 512×384: upper garments.

    Args:
        config: settings.
        context: device and folders of the run.
    """

    card: ClassVar[EngineCard] = EngineCard(
        name="stableviton",
        version=2,
        weights=("stableviton-vitonhd",),
        packages=("torch", "diffusers", "transformers", "safetensors", "einops"),
        extra="diffusion",
        seconds=90,
        resources=Resources(cpu_threads=ALL_THREADS, memory_gb=5, gpu_memory_gb=8),
        categories=frozenset({Category.UPPER}),
        person=(IMAGE, AGNOSTIC, AGNOSTIC_MASK, DENSEPOSE),
        garment=(CLOTH,),
        mask_rule="hr-viton",
    )
    native_size: ClassVar[tuple[int, int]] = (512, 384)  # (height, width) it was trained at, pixels
    native_preset: ClassVar[str] = "balanced"

    def __init__(self, config: StableVITONConfig, context: Context) -> None:
        self.config, self.context = config, context
        self._runtime: Runtime | None = None

    @cached_property
    def batch_size(self) -> int:
        """Pictures made together: the settings' number, or as many as fit beside the weights that `load` will bring."""
        device = choose_device(self.context.device)
        if self.config.batch_size or device.kind == "cpu":
            return self.config.batch_size or 1
        from tryon.batching import pictures_that_fit
        from tryon.engines.stableviton.architecture import CALL_BYTES_PER_PIXEL, PARAMETERS
        from tryon.networks.precision import choose_dtype
        from tryon.networks.savings.quantised import FULL_FORMAT

        sampling = sampling_config(self.config, self.native_preset)
        bytes_each = choose_dtype(sampling.dtype, device).itemsize
        weight_bytes = PARAMETERS * (bytes_each if sampling.weight_format == FULL_FORMAT else 1)
        pictures = 1 if sampling.guidance_scale == 1 else 2  # a guided call computes both answers at once
        return pictures_that_fit(device, self._size, CALL_BYTES_PER_PIXEL * bytes_each / 2 * pictures, weight_bytes)

    @property
    def _size(self) -> tuple[int, int]:
        """(height, width) the network works at, pixels."""
        return self.config.height or self.native_size[0], self.config.width or self.native_size[1]

    def load(self, device: str) -> None:
        """Bring the weights onto a device: a converted folder where there is one, else the published file.

        Raises:
            WeightsError: missing, damaged, unsafe, or another model.
        """
        from tryon.batching import Limits
        from tryon.engines.stableviton.folder import load
        from tryon.engines.stableviton.runtime import Runtime
        from tryon.networks.precision import choose_dtype
        from tryon.system_memory import give_freed_memory_back

        chosen, sampling = choose_device(device), sampling_config(self.config, self.native_preset)
        if chosen.kind == "cpu":
            give_freed_memory_back()
        loaded = load(self._weights_path(sampling.dtype, sampling.weight_format), choose_dtype(sampling.dtype, chosen))
        loaded = replace(loaded, identity=sha_of(self.card.weights[0], self.context.layout.weights))
        limits = Limits(chosen, self.batch_size, self._smaller())
        tiny_decoder = self._tiny_decoder(loaded.network.dtype) if sampling.decoder == "tiny" else None
        self._runtime = Runtime(loaded, sampling, self._size, limits, self.config.save_attention, tiny_decoder)
        if self.config.compile:
            self._runtime.compile(graphs=self.config.compile == "graphs")

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """Encode a person or a garment; what comes back serves all its pairs."""
        runtime = self._ready()
        return runtime.encode_person(part) if isinstance(part, PersonInputs) else runtime.encode_garment(part)

    def generate(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress; canvas-sized pictures in the order of the items."""
        return self._ready().dress(items)

    def describe(self) -> Mapping[str, Any]:
        """How this engine makes pictures, resolved: what a preset's name alone does not say."""
        from dataclasses import asdict

        runtime = self._ready()
        tiny = {"decoder_weights": sha_of(TINY_DECODER, self.context.layout.weights)} if runtime.config.decoder == "tiny" else {}
        facts = {"variant": runtime.variant.name, "weights": runtime.identity, "size": list(self._size)}
        return facts | tiny | asdict(runtime.config) | {"dtype": str(runtime.network.dtype).removeprefix("torch.")}

    def _weights_path(self, dtype: str, weight_format: str = "full") -> Path:
        """See `network_folder.weights_path`."""
        from tryon.network_folder import weights_path

        return weights_path(self.card.name, self.card.weights[0], self.context.layout.weights, dtype, weight_format)

    def _tiny_decoder(self, dtype: torch.dtype) -> Any:
        """The decoder for previews, strictly.

        Raises:
            WeightsError: missing, damaged, or another model.
        """
        from tryon.checkpoints import difference, open_checkpoint, refuse_difference
        from tryon.networks.tiny_decoder import build_tiny_decoder, decoder_weights, fill_tiny_decoder

        path = require(TINY_DECODER, self.context.layout.weights)
        weights = open_checkpoint(path)
        refuse_difference(path, "TAESD", difference(decoder_weights(weights), build_tiny_decoder().state_dict()))
        return fill_tiny_decoder(weights, dtype)

    def _smaller(self) -> str:
        """The settings that need about half the memory."""
        return smaller(self.card.name, self._size)

    def _ready(self) -> Runtime:
        return loaded(self._runtime, self.card.name)


class StableVITON1024(StableVITON):
    """The model of VITON-HD at 1024×768."""

    card: ClassVar[EngineCard] = replace(
        StableVITON.card,
        name="stableviton_1024",
        weights=("stableviton-1024",),
        seconds=500,
        resources=Resources(cpu_threads=ALL_THREADS, memory_gb=7.2, gpu_memory_gb=16),
    )
    native_size: ClassVar[tuple[int, int]] = (1024, 768)


class SiftVTON(StableVITON):
    """SIFT-VTON: the same network, fine-tuned with correspondences, sampled its own way."""

    card: ClassVar[EngineCard] = replace(StableVITON.card, name="sift_vton", weights=("sift-vton",), seconds=250)
    native_preset: ClassVar[str] = "sift"
