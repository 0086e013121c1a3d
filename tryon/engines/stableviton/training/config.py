"""Settings of StableVITON's training, and its presets as what differs from the defaults. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from pipeline.core.config import StepConfig


class StableVitonTraining(StepConfig):
    """What only this engine's training has."""

    attention_loss: bool = False
    """The attention total-variation loss of the second stage; needs `gt_cloth_warped_mask`."""
    drop_token: float = Field(0.2, ge=0, le=1)
    """Probability, per batch, that the learned "no garment" token takes the garment's place."""
    unlock: tuple[Literal["decoder", "all", "encoder", "clip"], ...] = ()
    """Trained on top: decoder (published --sd_unlocked), all (--all_unlocked), encoder (with gradients), clip (the mapper)."""
    plain_addition: bool = False
    """The paper's ablation: garment maps are added as ControlNet does, without attention."""
    cache: int = Field(0, ge=0)
    """Pairs whose encodings by VAE and CLIP are kept in memory, 0.4 MB each at 512 × 384; 0 = none. Not with augmentation."""
    draw_steps: int = Field(20, ge=2, le=1000)
    """Sampling steps of the pictures on the sheets, by the engine's preset `balanced`."""


WITHOUT_AUGMENTATION = ("augment.flip=0", "augment.move=0", "augment.hsv=0", "augment.contrast=0")
BASE = ("loop.batch=32", "loop.ema_decay=0.9999")
ATV = (*BASE, "stableviton.attention_loss=true", "loop.steps=36000")

PRESETS: Mapping[str, tuple[str, ...]] = {
    "base": BASE,
    "atv": ATV,
    "base-1024": (*BASE, "data.height=1024", "data.width=768"),
    "atv-1024": (*ATV, "data.height=1024", "data.width=768"),
    "dresscode-upper": BASE,
    "dresscode-upper-atv": ATV,
    "ablation-controlnet": (*BASE, "stableviton.plain_addition=true"),
    "ablation-without-augmentation": (*BASE, *WITHOUT_AUGMENTATION),
    "ablation-without-atv": (*BASE, "loop.steps=396000"),
}
"""The first stage, the second on top of it, and the paper's ablations; `ablation-without-atv` trains on for as many steps."""
