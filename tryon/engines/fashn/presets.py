"""How a picture is sampled: one frozen description, and the named presets as what differs from the base.

Facts: docs/facts/fashn_vton.md#sampling. The quality of the presets is **not verified** with the published weights.
Imports nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Every choice between prepared inputs and a picture; the defaults are the preset `balanced`."""

    steps: int = 30
    dtype: str = "bf16"  # fp32 or bf16; the network was not made for fp16
    guidance_scale: float = 1.5  # 1 = none
    unguided_steps: int = 1  # last steps without guidance
    segmentation_free: bool = True  # the network sees the whole photo; False = the worn garment is greyed
    garment_photo: str = "flat-lay"  # or "worn": what is not the garment is greyed


BALANCED = SamplingConfig()

PRESETS: dict[str, SamplingConfig] = {
    "reference": replace(BALANCED, dtype="fp32"),
    "quality": replace(BALANCED, steps=50),
    "balanced": BALANCED,
    "fast": replace(BALANCED, steps=20),
}
"""`reference` is the published code's default on a machine without bf16."""
