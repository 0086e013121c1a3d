"""OOTDiffusion behind the engine protocol. Reading this file loads nothing heavy; `load` does.

Two models share the network: `hd` for upper garments, `dc` for all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
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
from pipeline.core.layout import AGNOSTIC_MASK, CLOTH, IMAGE, POSE_IMAGE
from pipeline.core.machine.device import choose_device
from pipeline.core.step import Context
from pipeline.core.weights.access import converted_of, require_all, sha_of
from pipeline.core.weights.converted import INDEX
from pipeline.core.weights.files import read_json
from tryon.engines.ootdiffusion.config import OotdConfig, sampling_config
from tryon.engines.ootdiffusion.wiring import EYES, Wiring, wiring_from
from tryon.engines.ootdiffusion.words import FULL_BODY, HALF_BODY, Words, words_of
from tryon.networks.sd1 import smaller

if TYPE_CHECKING:
    import torch

    from tryon.engines.ootdiffusion.network import OotDiffusion
    from tryon.engines.ootdiffusion.runtime import Runtime

VAE, SCHEDULER, CLIP = "ootdiffusion-vae", "ootdiffusion-scheduler", "clip-vit-large-patch14"
"""Rows of the weights that both models share."""


@try_on_engine
class OotdHalfBody(EngineBase):
    """The model of VITON-HD at 1024×768: upper garments.

    Args:
        config: settings.
        context: device and folders of the run.
    """

    variant: ClassVar[str] = "hd"
    words: ClassVar[Words] = HALF_BODY
    card: EngineCard = EngineCard(
        name="ootdiffusion_hd",
        version=1,
        weights=("ootdiffusion-hd", VAE, SCHEDULER, CLIP),
        packages=("torch", "diffusers", "transformers", "safetensors", "einops"),
        extra="diffusion",
        seconds=1200,
        resources=Resources(cpu_threads=ALL_THREADS, memory_gb=8, gpu_memory_gb=10),
        categories=HALF_BODY.categories,
        person=(IMAGE, AGNOSTIC_MASK),
        garment=(CLOTH,),
        mask_rule="ootd-hd",
    )

    def __init__(self, config: OotdConfig, context: Context) -> None:
        self.config, self.context = config, context
        self._runtime: Runtime | None = None
        wiring, eye = _wiring_of(self.card.weights[0], context)
        if wiring.sees_pose:
            self.card = replace(self.card, person=(*self.card.person, POSE_IMAGE))
        if eye:
            self.card = replace(self.card, weights=(*self.card.weights, eye))

    @cached_property
    def batch_size(self) -> int:
        """Pictures made together: the settings' number, or as many as fit beside the weights that `load` will bring."""
        device = choose_device(self.context.device)
        if self.config.batch_size or device.kind == "cpu":
            return self.config.batch_size or 1
        from tryon.batching import pictures_that_fit
        from tryon.engines.ootdiffusion.architecture import CALL_BYTES_PER_PIXEL, KEPT_BYTES_PER_PIXEL, PARAMETERS
        from tryon.networks.precision import choose_dtype

        sampling = sampling_config(self.config)
        bytes_each = choose_dtype(sampling.dtype, device).itemsize
        answers = 2 if sampling.guided else 1
        kept = KEPT_BYTES_PER_PIXEL * bytes_each / 2 * answers
        reserved = PARAMETERS * bytes_each + self.config.keep_garments * kept * self._size[0] * self._size[1]
        per_pixel = CALL_BYTES_PER_PIXEL * bytes_each / 2 * answers + kept
        return pictures_that_fit(device, self._size, per_pixel, reserved)

    @property
    def _size(self) -> tuple[int, int]:
        """(height, width) the network works at, pixels."""
        return self.config.height, self.config.width

    def load(self, device: str) -> None:
        """Bring the weights onto a device.

        Raises:
            WeightsError: missing, damaged, unsafe, or another model.
        """
        from tryon.batching import Limits
        from tryon.engines.ootdiffusion.runtime import Runtime
        from tryon.networks.precision import choose_dtype
        from tryon.system_memory import give_freed_memory_back

        chosen, sampling = choose_device(device), sampling_config(self.config)
        if chosen.kind == "cpu":
            give_freed_memory_back()
        network, spacing = self._open(choose_dtype(sampling.dtype, chosen))
        limits = Limits(chosen, self.batch_size, smaller(self.card.name, self._size))
        self._runtime = Runtime(
            network,
            words_of(self.words, self.config.prompts),
            sampling,
            self._size,
            limits,
            spacing=spacing,
            keep_garments=self.config.keep_garments,
            save_attention=self.config.save_attention,
        )

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """Encode a person or a garment; what comes back serves all its pairs."""
        runtime = self._ready()
        return runtime.encode_person(part) if isinstance(part, PersonInputs) else runtime.encode_garment(part)

    def generate(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress; canvas-sized pictures in the order of the items."""
        return self._ready().dress(items)

    def describe(self) -> Mapping[str, Any]:
        """How this engine makes pictures, resolved."""
        runtime = self._ready()
        facts = {"weights": sha_of(self.card.weights[0], self.context.layout.weights), "size": list(self._size)}
        facts |= {"timestep_spacing": runtime.spacing, "prompts": self.config.prompts}
        return facts | asdict(runtime.config) | {"dtype": str(runtime.network.dtype).removeprefix("torch.")}

    def _open(self, dtype: torch.dtype) -> tuple[OotDiffusion, str]:
        """The network on the CPU, and how its sampler spreads timesteps."""
        from tryon.engines.ootdiffusion import checkpoint, folder

        row, root = self.card.weights[0], self.context.layout.weights
        _, vae, scheduler, clip, *eye = require_all(self.card.weights, root).values()
        unets = folder.unets_folder(row, root, sampling_config(self.config).dtype)
        folder.refuse_other_model(unets, self.variant, self.config.prompts)
        for file in eye:
            folder.refuse_other_eye(unets, file, sha_of(self.card.weights[-1], root))
        files = checkpoint.Files(
            unets=unets,
            vae=vae / checkpoint.VAE_FILE,
            clip=clip,
            row=row,
            wiring=folder.wiring_of(unets),
            eye=eye[0] if eye else None,
        )
        return checkpoint.load(files, dtype), checkpoint.read_spacing(scheduler)

    def _ready(self) -> Runtime:
        return loaded(self._runtime, self.card.name)


class OotdFullBody(OotdHalfBody):
    """The model of Dress Code at 1024×768: upper and lower garments, dresses."""

    variant: ClassVar[str] = "dc"
    words: ClassVar[Words] = FULL_BODY
    card = replace(
        OotdHalfBody.card,
        name="ootdiffusion_dc",
        weights=("ootdiffusion-dc", VAE, SCHEDULER, CLIP),
        categories=FULL_BODY.categories,
        mask_rule="ootd-dc",
    )


def _wiring_of(row: str, context: Context) -> tuple[Wiring, str]:
    """How the U-Nets are joined of the weights that are there, and the row of what an adapter looks with; "" = none of its own.

    Weights that look at the skeleton read it of every person.
    """
    made = converted_of(row, context.layout.weights)
    index = {} if made is None else read_json(made / INDEX)
    wiring = wiring_from(index.get("wiring", {}), made)
    return wiring, EYES[wiring.adapter_eye][0] if "eye" in wiring.extra_parts and "eye" in index else ""
