"""DCI-VTON behind the engine protocol: two published models, an engine each. Reading this file loads nothing heavy; `load` does.

What the engines read of the pair, the warped garment, their stage makes before: `warp_stage.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
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
from pipeline.core.layout import (
    AGNOSTIC,
    AGNOSTIC_MASK,
    CLOTH,
    CLOTH_MASK,
    CLOTH_WARP,
    CLOTH_WARP_MASK,
    IMAGE,
    PARSE,
    PARSE_AGNOSTIC,
)
from pipeline.core.machine.device import choose_device
from pipeline.core.step import Context
from pipeline.core.weights.access import sha_of
from tryon.engines.dci_vton.config import DciVtonConfig, sampling_config
from tryon.engines.dci_vton.variants import FIRST, SECOND, known_variant, refuse_other_variant

if TYPE_CHECKING:
    from tryon.engines.dci_vton.runtime import Runtime

WARP_WEIGHTS = "dci-vton-warp"


@try_on_engine
class DciVtonEngine(EngineBase):
    """The first model (`viton512.ckpt`): upper garments; its masks are the garment and both arms, hands included.

    Args:
        config: settings.
        context: device and folders of the run.
    """

    card: ClassVar[EngineCard] = EngineCard(
        name="dci_vton",
        weights=("dci-vton", WARP_WEIGHTS),
        packages=("torch", "diffusers", "transformers", "safetensors", "einops"),
        extra="diffusion",
        seconds=120,
        resources=Resources(cpu_threads=ALL_THREADS, memory_gb=5, gpu_memory_gb=8),
        categories=frozenset({Category.UPPER}),
        person=(IMAGE, AGNOSTIC_MASK, PARSE, PARSE_AGNOSTIC),
        garment=(CLOTH, CLOTH_MASK),
        pair=(CLOTH_WARP, CLOTH_WARP_MASK),
        mask_rule="dci-vton-v1",
        version=2,  # paints where the agnostic mask says
    )
    variant: ClassVar[str] = FIRST
    side: ClassVar[int] = 512  # pixels of the square that both models were trained at

    def __init__(self, config: DciVtonConfig, context: Context) -> None:
        self.config, self.context = config, context
        self._runtime: Runtime | None = None

    @cached_property
    def batch_size(self) -> int:
        """Pictures made together: the settings' number, or as many as fit beside the weights that `load` will bring."""
        device = choose_device(self.context.device)
        if self.config.batch_size or device.kind == "cpu":
            return self.config.batch_size or 1
        from tryon.batching import pictures_that_fit
        from tryon.engines.dci_vton.architecture import CALL_BYTES_PER_PIXEL, PARAMETERS
        from tryon.networks.precision import choose_dtype

        sampling = sampling_config(self.config)
        bytes_each = choose_dtype(sampling.dtype, device).itemsize
        pictures = 1 if sampling.guidance_scale == 1 else 2  # a guided call computes both answers at once
        need = CALL_BYTES_PER_PIXEL * bytes_each / 2 * pictures
        return pictures_that_fit(device, (self.side, self.side), need, PARAMETERS * bytes_each)

    def load(self, device: str) -> None:
        """Bring the weights onto a device: a converted folder where there is one, else the published file.

        Raises:
            WeightsError: missing, damaged, unsafe, another model, or those of the other variant.
        """
        from tryon.batching import Limits
        from tryon.engines.dci_vton.folder import load
        from tryon.engines.dci_vton.runtime import Runtime
        from tryon.network_folder import weights_path
        from tryon.networks.precision import choose_dtype
        from tryon.system_memory import give_freed_memory_back

        chosen, sampling, root = choose_device(device), sampling_config(self.config), self.context.layout.weights
        if chosen.kind == "cpu":
            give_freed_memory_back()
        name = self.card.weights[0]
        path, identity = weights_path(self.card.name, name, root, sampling.dtype), sha_of(name, root)
        refuse_other_variant(path, known_variant(identity), self.variant)
        network = load(path, choose_dtype(sampling.dtype, chosen), self.variant)
        limits = Limits(chosen, self.batch_size, "--set run.device=cpu")
        self._runtime = Runtime(network, self.variant, sampling, limits, self.side)

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """Prepare a person or a garment; what comes back serves all its pairs."""
        runtime = self._ready()
        return runtime.encode_person(part) if isinstance(part, PersonInputs) else runtime.encode_garment(part)

    def generate(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress; canvas-sized pictures in the order of the items."""
        return self._ready().dress(items)

    def describe(self) -> Mapping[str, Any]:
        """How this engine makes pictures, resolved: what a preset's name alone does not say."""
        from dataclasses import asdict

        runtime, root = self._ready(), self.context.layout.weights
        facts = {"variant": self.variant, "weights": sha_of(self.card.weights[0], root), "size": [self.side, self.side]}
        return facts | asdict(runtime.config) | {"dtype": str(runtime.network.dtype).removeprefix("torch.")}

    def _ready(self) -> Runtime:
        return loaded(self._runtime, self.card.name)


class DciVtonV2Engine(DciVtonEngine):
    """The second model (`viton512_v2.ckpt`): hole and picture are the agnostic drawing, so hands outside of it stay."""

    card: ClassVar[EngineCard] = replace(
        DciVtonEngine.card,
        name="dci_vton_v2",
        weights=("dci-vton-v2", WARP_WEIGHTS),
        person=(IMAGE, AGNOSTIC, AGNOSTIC_MASK),
        mask_rule="dci-vton",
        version=1,
    )
    variant: ClassVar[str] = SECOND
