"""Settings of DCI-VTON's trainings, and their presets. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from pipeline.core.config import Schema, StepConfig
from tryon.training.config import DataConfig, LoopConfig, PrecisionConfig
from tryon.training.data.augment import AugmentConfig
from tryon.training.optimiser import OptimiserConfig


class Unchanged(AugmentConfig):
    """Nothing is changed at random, as published."""

    flip: float = Field(0.0, ge=0, le=0)
    """Always 0."""
    move: float = Field(0.0, ge=0, le=0)
    """Always 0."""
    hsv: float = Field(0.0, ge=0, le=0)
    """Always 0."""
    contrast: float = Field(0.0, ge=0, le=0)
    """Always 0."""


class WarpData(DataConfig):
    """Which pictures, and how large: the size of the published training."""

    height: int = Field(256, ge=64, multiple_of=64)
    """Pixels of the finest flow."""
    width: int = Field(192, ge=64, multiple_of=64)
    """Pixels, as height."""


class WarpOptimiser(OptimiserConfig):
    """Adam, half of the epochs at the whole rate, half of them falling."""

    learning_rate: float = Field(5e-5, gt=0)
    """As published."""
    constant_epochs: int = Field(50, ge=0)
    """Epochs at the whole learning rate."""
    decay_epochs: int = Field(50, ge=0)
    """Epochs in which it then falls, by an equal part each; 0 = it never does."""
    weight_decay: float = Field(0.0, ge=0)
    """None: AdamW without it is Adam."""
    betas: tuple[float, float] = (0.5, 0.999)
    """As published."""


class WarpLoop(LoopConfig):
    """As published: 32 pairs on each of four GPUs."""

    epochs: int = Field(100, ge=0)
    """Epochs in all, of whole steps; 0 = `steps` counts."""
    batch: int | Literal["auto"] = 32
    """Pairs per process and micro-batch; statistics of the norms are those of all processes' micro-batches together."""
    ema_decay: float = Field(0.0, ge=0, lt=1)
    """Of the moving average; 0 = none, as published."""


class WarpPrecision(PrecisionConfig):
    """Flows are places: 16 bits would tell them to one pixel in two hundred."""

    numbers: Literal["fp32"] = "fp32"
    """Always."""
    recompute: Literal[False] = False
    """Never: maps calculated twice would count twice in the norms' statistics."""


class WarpTraining(StepConfig):
    """What only the warping network's training has; level k of five, the coarsest first, counts k times."""

    cloth: float = Field(1.0, ge=0)
    """Weight of the mean absolute difference to the worn garment, on white."""
    mask: float = Field(2.0, ge=0)
    """The same of their masks."""
    bend: float = Field(6.0, ge=0)
    """Weight of second differences of the flow."""
    variation: float = Field(0.01, ge=0)
    """Weight of jumps between neighbouring offsets, not counted by level."""
    vgg: float = Field(0.2, ge=0)
    """Weight of VGG-19's distance at the three finest levels, where its weights are given."""
    vgg_file: str = ""
    """torchvision's vgg19-dcbb9e9d.pth (as published), vgg19_conv.pth, or a DCI-VTON checkpoint with its VGG; "" = without."""


WARP_SECTION = "dci_warp"
WARP_SECTIONS: Schema = {
    "data": WarpData,
    "augment": Unchanged,
    "optimiser": WarpOptimiser,
    "loop": WarpLoop,
    "precision": WarpPrecision,
    WARP_SECTION: WarpTraining,
}
WARP_PRESETS: Mapping[str, tuple[str, ...]] = {
    "published": ("loop.epochs=100", "optimiser.constant_epochs=50", "optimiser.decay_epochs=50", "loop.batch=32"),
    "short": ("loop.epochs=20", "optimiser.constant_epochs=10", "optimiser.decay_epochs=10", "optimiser.learning_rate=2e-4"),
}
"""`short` is ours: a fifth of the epochs at four times the rate, to see whether data and machine work."""
