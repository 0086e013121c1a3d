"""Settings of both engines: a preset, and each of its fields that a user changes. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Literal

from pydantic import Field, field_validator

from pipeline.core.engine import EngineConfig
from tryon.engines.dci_vton.presets import PRESETS, SamplingConfig

FEWEST_STEPS, MOST_STEPS = 2, 500


class DciVtonConfig(EngineConfig):
    """What can be chosen; None = what the preset says."""

    preset: Literal["reference", "balanced", "fast"] = "balanced"
    """How pictures are sampled; `reference` is the published recipe."""

    solver: Literal["plms", "ddim", "dpmpp_2m", "unipc"] | None = None
    """The sampler."""

    steps: int | None = None
    """Sampling steps, 2 to 500."""

    dtype: Literal["fp32", "bf16", "fp16"] | None = None
    """Number format; what the machine lacks becomes the next best."""

    guidance_scale: float | None = Field(default=None, ge=0, le=20)
    """1 = no guidance, as published; anything else doubles the work."""

    rounded: bool | None = None
    """Round to grey levels instead of cutting off."""

    # Excluded below: what leaves the picture as it is, up to the rounding that another machine brings as well (±1 level).

    batch_size: int = Field(default=0, ge=0, exclude=True)
    """Pictures made together; 0 = as many as fit into the free memory of a GPU, at most 32; 1 without one."""

    @field_validator("steps")
    @classmethod
    def _several(cls, steps: int | None) -> int | None:
        if steps is not None and not FEWEST_STEPS <= steps <= MOST_STEPS:
            raise ValueError(
                f"allowed are {FEWEST_STEPS} to {MOST_STEPS}; above, every count means all timesteps, and the script fails"
            )
        return steps


def sampling_config(config: DciVtonConfig) -> SamplingConfig:
    """The sampler's description that settings ask for."""
    wanted = {field.name: getattr(config, field.name) for field in fields(SamplingConfig)}
    return replace(PRESETS[config.preset], **{name: value for name, value in wanted.items() if value is not None})
