"""Settings of the engine: a preset, and each of its fields that a user changes. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Literal

from pydantic import Field

from pipeline.core.engine import EngineConfig
from pipeline.core.layout import ATTENTION, SAMPLES, PerEngine
from tryon.engines.ootdiffusion.presets import PRESETS, SamplingConfig
from tryon.engines.ootdiffusion.words import Prompts
from tryon.networks.sd1 import SIDE_MULTIPLE


class OotdConfig(EngineConfig):
    """What can be chosen; None = what the preset says."""

    preset: Literal["reference", "balanced", "fast"] = "balanced"
    """How pictures are sampled: 20 steps; `fast` 10, `reference` 20 in fp32."""

    height: int = Field(default=1024, ge=SIDE_MULTIPLE, multiple_of=SIDE_MULTIPLE)
    """Pixels the network works at; the published weights were trained at 1024×768 and are reported to be poor below."""

    width: int = Field(default=768, ge=SIDE_MULTIPLE, multiple_of=SIDE_MULTIPLE)
    """Pixels, as height."""

    steps: int | None = Field(default=None, ge=2, le=1000)
    """Sampling steps."""

    dtype: Literal["fp32", "bf16", "fp16"] | None = None
    """Number format; what the machine lacks becomes the next best."""

    guidance_scale: float | None = Field(default=None, ge=0, le=20)
    """Of the garment; up to 1 = no guidance, half the work. The authors advise 1.5 to 2."""

    samples: int | None = Field(default=None, ge=1, le=8)
    """Pictures of a pair that differ in their start noise: the first is the result, all stand side by side in another folder."""

    prompts: Prompts = "published"
    """What the text encoder is told; weights that were trained with another set of prompts refuse it."""

    # Excluded below: what leaves the picture as it is, up to the rounding that another machine brings as well (±1 level).

    batch_size: int = Field(default=0, ge=0, exclude=True)
    """Pictures made together; 0 = as many as fit into the free memory of a GPU, at most 32; 1 without one."""

    keep_garments: int = Field(default=4, ge=0, exclude=True)
    """Garments whose keys and values stay in memory: about 0.3 GB each at 1024×768 in 16 bits."""

    save_attention: bool = Field(default=False, exclude=True)
    """Keep, per picture, where on the garment each patch looks."""

    def extras(self) -> tuple[PerEngine, ...]:
        """The attention pictures and the samples, where they are kept."""
        kept = (ATTENTION,) if self.save_attention else ()
        return (*kept, SAMPLES) if sampling_config(self).samples > 1 else kept


def sampling_config(config: OotdConfig) -> SamplingConfig:
    """The sampler's description."""
    wanted = {field.name: getattr(config, field.name, None) for field in fields(SamplingConfig)}
    return replace(PRESETS[config.preset], **{name: value for name, value in wanted.items() if value is not None})
