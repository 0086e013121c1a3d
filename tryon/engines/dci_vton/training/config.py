"""Settings of DCI-VTON's trainings, and their presets. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from pipeline.core.config import Schema, StepConfig
from tryon.training.config import Batch, DataConfig, LoopConfig, PrecisionConfig
from tryon.training.data.augment import Unchanged
from tryon.training.optimiser import OptimiserConfig


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
    batch: Batch = 32
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


class VtonData(DataConfig):
    """Which pictures, and how large: squashed to a square of their height, as published."""

    height: int = Field(512, ge=64, multiple_of=64)
    """Pixels of the square's sides."""
    width: int = Field(384, ge=48, multiple_of=48)
    """Pixels of sheets and measures, three quarters of the height."""


class VtonOptimiser(OptimiserConfig):
    """AdamW with a slow beginning."""

    learning_rate: float = Field(1e-5, gt=0)
    """As published."""
    warmup: int = Field(3000, ge=0)
    """Steps in which the learning rate rises."""
    warmup_from: float = Field(1e-6, ge=0, le=1)
    """Share of the rate at which it begins to rise."""


class VtonLoop(LoopConfig):
    """As published: two pairs on each of two GPUs, accumulated twice, forty epochs."""

    epochs: int = Field(40, ge=0)
    """Epochs in all, of whole steps; 0 = `steps` counts."""
    batch: Batch = 2
    """Pairs per process and micro-batch."""
    accumulation: int = Field(2, ge=1)
    """Micro-batches per optimiser step."""
    ema_decay: float = Field(0.0, ge=0, lt=1)
    """Of the moving average; 0 = none, as published."""


class VtonTraining(StepConfig):
    """What only the diffusion network's training has."""

    variant: Literal["v1", "v2"] = "v1"
    """Whose hole and pictures: v1 makes them of the parse maps, v2 of the agnostic drawing."""
    image: float = Field(0.1, ge=0)
    """Weight of the mean squared difference of the picture decoded from the warped garment's noise."""
    vgg: float = Field(0.001, ge=0)
    """Weight of VGG-19's distance of the same pictures, where its weights are there."""
    vgg_file: str = ""
    """vgg19_conv.pth, or another file with VGG-19; "" = the start checkpoint's own, where it has one."""
    drop_token: float = Field(0.2, ge=0, le=1)
    """Probability that the learned "no garment" token takes the garment's place."""
    drop_each: Literal["batch", "sample"] = "batch"
    """What that is decided for: a micro-batch, as published, or each pair by itself."""
    cache: int = Field(0, ge=0)
    """Pairs whose encodings by VAE and CLIP are kept in memory; 0 = none."""
    draw_steps: int = Field(20, ge=2, le=1000)
    """Sampling steps of the pictures on the sheets."""


VTON_SECTION = "dci_vton"
VTON_SECTIONS: Schema = {
    "data": VtonData,
    "augment": Unchanged,
    "optimiser": VtonOptimiser,
    "loop": VtonLoop,
    VTON_SECTION: VtonTraining,
}
VTON_PRESETS: Mapping[str, tuple[str, ...]] = {
    "v1": ("dci_vton.variant=v1",),
    "v2": ("dci_vton.variant=v2",),
    "v1-1024": ("dci_vton.variant=v1", "data.height=1024", "data.width=768", "loop.batch=1", "loop.accumulation=4"),
}
