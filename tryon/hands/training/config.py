"""Settings of a hand LoRA's training: ours as defaults, the published recipe as a preset. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from pipeline.core.config import StepConfig
from tryon.training.config import DataConfig, LoopConfig
from tryon.training.data.augment import AugmentConfig


class HandLoraConfig(StepConfig):
    """What only this training has."""

    rank: int = Field(32, ge=1, le=1024)
    """Width of the narrow middle of each layer's change; kohya's network_dim."""
    alpha: float | None = Field(None, gt=0)
    """The change is scaled by alpha / rank; none = half the rank."""
    text_encoder: bool = False
    """Train the text encoder's layers too."""
    outside: float = Field(0.1, ge=0, le=1)
    """What the loss outside the hand's mask weighs; 1 = no mask is looked at."""
    drop_caption: float = Field(0.1, ge=0, le=1)
    """Share of pictures that are shown without their caption, so that guidance has something to compare with."""
    draw_steps: int = Field(20, ge=2, le=1000)
    """Of the pictures on the sheets: the held-out hands painted anew under their masks."""
    draw_strength: float = Field(0.6, gt=0, le=1)
    """Share of these that is run."""

    @property
    def scaled_by(self) -> float:
        """Alpha."""
        return self.rank / 2 if self.alpha is None else self.alpha


class HandData(DataConfig):
    """Crops of hands, as `hands dataset` writes them."""

    height: int = Field(512, ge=64, multiple_of=64)
    """Pixels that the network works at."""
    width: int = Field(512, ge=64, multiple_of=64)
    """Pixels, as height."""


class HandLoop(LoopConfig):
    """Steps, and what is kept of them."""

    steps: int = Field(3000, ge=1)
    """Optimiser steps in all."""
    ema_decay: float = Field(0.0, ge=0, lt=1)
    """Of the moving average of trained weights, which warms up; 0 = none."""
    measure_every: int = Field(0, ge=0)
    """Steps between measures of drawn pictures; 0 = none: a repainted hand need not be the photo's."""
    keep_every: int = Field(1000, ge=0)
    """Checkpoints whose step divides by this are kept for good; 0 = none."""


class HandAugment(AugmentConfig):
    """What is changed at random. A mirrored left hand is a right hand, so captions that name the side forbid the mirror."""

    flip: float = Field(0.0, ge=0, le=1)
    """Left-right."""
    move: float = Field(0.0, ge=0, le=1)
    """Shift and scale; what comes in from outside would be black."""
    hsv: float = Field(0.3, ge=0, le=1)
    """Hue, saturation and value."""
    contrast: float = Field(0.3, ge=0, le=1)
    """Brightness and contrast."""


WITHOUT_AUGMENTATION = ("augment.flip=0", "augment.move=0", "augment.hsv=0", "augment.contrast=0")
KOHYA_SEED = (
    *WITHOUT_AUGMENTATION,
    *(
        "hand_lora.rank=64",
        "hand_lora.alpha=32",
        "hand_lora.text_encoder=true",
        "hand_lora.outside=1",
        "hand_lora.drop_caption=0",
    ),
    *("optimiser.learning_rate=2e-6", "loop.steps=1500", "loop.batch=1", "loop.accumulation=4"),
    *("precision.numbers=fp16", "precision.recompute=true", "data.height=576", "data.width=448"),
)
PRESETS: Mapping[str, tuple[str, ...]] = {
    "small": ("hand_lora.rank=16",),
    "large": ("hand_lora.rank=64", "loop.steps=6000"),
    "kohya-seed": KOHYA_SEED,
}
"""Ours in two more sizes; `kohya-seed` is the hand adapter's command with the values that its flags leave to kohya's tools."""
