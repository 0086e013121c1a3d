"""Settings of the engine: a preset, and each of its fields that a user changes. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Literal

from pydantic import Field

from pipeline.core.engine import EngineConfig
from tryon.engines.fashn.presets import PRESETS, SamplingConfig


class FashnConfig(EngineConfig):
    """What can be chosen; None = what the preset says."""

    preset: Literal["reference", "quality", "balanced", "fast"] = "balanced"
    """How pictures are sampled: 30 steps; `quality` 50, `fast` 20, `reference` 30 in fp32."""

    steps: int | None = Field(default=None, ge=2, le=1000)
    """Sampling steps."""

    dtype: Literal["fp32", "bf16"] | None = None
    """Number format; what the machine lacks becomes fp32."""

    guidance_scale: float | None = Field(default=None, ge=0, le=20)
    """1 = no guidance; anything else doubles the work of a guided step."""

    unguided_steps: int | None = Field(default=None, ge=0)
    """Last steps without guidance."""

    segmentation_free: bool | None = None
    """The network sees the whole photo. False = the worn garment is greyed first, by the parse map."""

    garment_photo: Literal["flat-lay", "worn"] | None = None
    """What the garments' pictures show. `worn` = somebody wears it: everything but the garment is greyed."""

    # Excluded below: what leaves the picture as it is, up to the rounding that another machine brings as well (±1 level).

    batch_size: int = Field(default=0, ge=0, exclude=True)
    """Pictures made together; 0 = as many as fit into the free memory of a GPU, at most 32; 1 without one."""

    compile: Literal[False, True, "graphs"] = Field(default=False, exclude=True)
    """Compile the network: the first batch takes minutes longer, every further step less; `graphs` = with CUDA graphs too."""


def sampling_config(config: FashnConfig) -> SamplingConfig:
    """The sampler's description."""
    wanted = {field.name: getattr(config, field.name, None) for field in fields(SamplingConfig)}
    return replace(PRESETS[config.preset], **{name: value for name, value in wanted.items() if value is not None})
