"""How a picture is sampled: one frozen description, and the named presets as what differs from the base.

Facts: docs/facts/ootdiffusion.md#sampling. The quality of the presets is **not verified** with the published weights.
Imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Every choice between encoded inputs and a picture; the defaults are the preset `balanced`."""

    steps: int = 20
    dtype: str = "bf16"  # fp32, bf16 or fp16; what the machine lacks becomes the next best
    guidance_scale: float = 2.0  # of the garment; below 1 there is no guidance, and half the work
    samples: int = 1  # pictures of a pair, which differ in their start noise; the first is the result
    rounded: bool = True  # to the nearest level

    @property
    def guided(self) -> bool:
        """Whether a second answer, without garment, is asked for. At 1 it would be multiplied by nothing."""
        return self.guidance_scale > 1


BALANCED = SamplingConfig()

PRESETS: dict[str, SamplingConfig] = {
    "reference": replace(BALANCED, dtype="fp32"),
    "balanced": BALANCED,
    "fast": replace(BALANCED, steps=10),
}
"""`reference` is the published command line's default, in fp32 instead of fp16."""
