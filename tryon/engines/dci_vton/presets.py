"""How a picture is sampled: one frozen description, and the named presets as what differs from the base.

Facts: docs/facts/dci_vton.md#sampling. The quality of every preset but `reference` is **not verified** with the published
weights. Imports nothing heavy: settings are read before any engine runs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """Every choice between encoded inputs and a picture; the defaults are the preset `balanced`."""

    solver: str = "unipc"  # one of tryon.samplers.library.SOLVERS
    steps: int = 20
    dtype: str = "bf16"  # fp32, bf16, fp16; what the machine lacks becomes the next best
    guidance_scale: float = 1.0  # 1 = one pass per step, as the published results were made
    rounded: bool = True  # to the nearest level; False cuts off like the published script


BALANCED = SamplingConfig()

PRESETS: dict[str, SamplingConfig] = {
    "reference": replace(BALANCED, solver="plms", steps=100, dtype="fp32", rounded=False),
    "balanced": BALANCED,
    "fast": replace(BALANCED, steps=10),
}
"""`reference` is the published recipe; what fewer calls cost: docs/performance.md"""
