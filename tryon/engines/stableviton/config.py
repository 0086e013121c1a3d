"""Settings of the engine: a preset, and each of its fields that a user changes. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Literal

from pydantic import Field, field_validator

from pipeline.core.engine import EngineConfig
from pipeline.core.layout import ATTENTION, PerEngine
from tryon.engines.stableviton.presets import PRESETS, PosteriorDraw, SamplingConfig, Start
from tryon.engines.stableviton.variants import Unconditional
from tryon.networks.sd1 import SIDE_MULTIPLE

FEWEST_STEPS, MOST_STEPS = 2, 1000


class StableVITONConfig(EngineConfig):
    """What can be chosen; None = what the preset says."""

    preset: Literal["reference", "best", "balanced", "fast", "sift"] | None = None
    """How pictures are sampled; None = what the model was published with, `balanced` for most."""

    height: int | None = Field(default=None, ge=SIDE_MULTIPLE, multiple_of=SIDE_MULTIPLE)
    """Pixels the network works at; None = the size the model was trained at."""

    width: int | None = Field(default=None, ge=SIDE_MULTIPLE, multiple_of=SIDE_MULTIPLE)
    """Pixels, as height."""

    solver: Literal["plms", "ddim", "dpmpp_2m", "unipc"] | None = None
    """The sampler."""

    steps: int | None = None
    """Sampling steps, 2 to 1000."""

    dtype: Literal["fp32", "bf16", "fp16"] | None = None
    """Number format; what the machine lacks becomes the next best."""

    weight_format: Literal["full", "int8", "fp8"] | None = None
    """Approximation: int8 or fp8 keep all weights but the VAE's in 8 bits: about half the memory; slower on a CPU."""

    start: Start | None = None
    """Start code: person (leaks the old garment), agnostic, noise."""

    posterior: PosteriorDraw | None = None
    """The garment's latent: redrawn in every call, drawn once, or the mean."""

    guidance_scale: float | None = Field(default=None, ge=0, le=20)
    """1 = no guidance; anything else doubles the work."""

    unconditional: Unconditional | None = None
    """What the unguided pass leaves out."""

    control_every: int | None = Field(default=None, ge=1)
    """Approximation: compute garment features on every n-th call only."""

    deep_every: int | None = Field(default=None, ge=1)
    """Approximation: run the coarse half of the network on every n-th call only."""

    token_merging: float | None = Field(default=None, ge=0, le=0.75)
    """Approximation: share of the finest grid's tokens that self-attention merges with their like; 0.5 is the paper's choice."""

    decoder: Literal["vae", "tiny"] | None = None
    """What makes pixels of latents; `tiny` (weights: taesd) is for previews: a fraction of the time, fine detail invented."""

    repaint: bool | None = None
    """Paste the kept pixels back at model size; compose does it better."""

    rounded: bool | None = None
    """Round to grey levels instead of cutting off."""

    # Excluded below: what leaves the picture as it is, up to the rounding that another machine brings as well (±1 level).

    batch_size: int = Field(default=0, ge=0, exclude=True)
    """Pictures made together; 0 = as many as fit into the free memory of a GPU, at most 32; 1 without one."""

    compile: Literal[False, True, "graphs"] = Field(default=False, exclude=True)
    """Compile the network: the first batch takes minutes longer, every further step less; `graphs` = with CUDA graphs too."""

    save_attention: bool = Field(default=False, exclude=True)
    """Keep, per picture, where on the garment each patch looks."""

    @field_validator("steps")
    @classmethod
    def _several(cls, steps: int | None) -> int | None:
        if steps is not None and not FEWEST_STEPS <= steps <= MOST_STEPS:
            raise ValueError(
                f"allowed are {FEWEST_STEPS} to {MOST_STEPS}; a single step leaves noise or a blur, whatever the solver"
            )
        return steps

    def extras(self) -> tuple[PerEngine, ...]:
        """The attention pictures, where they are kept."""
        return (ATTENTION,) if self.save_attention else ()


def sampling_config(config: StableVITONConfig, preset: str) -> SamplingConfig:
    """The sampler's description.

    Args:
        config: settings.
        preset: taken when the settings name none.
    """
    base = PRESETS[config.preset or preset]
    wanted = {field.name: getattr(config, field.name, None) for field in fields(SamplingConfig)}
    return replace(base, **{name: value for name, value in wanted.items() if value is not None})
