"""Settings of the three trainings, and their presets. Imports nothing heavy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from pipeline.core.config import Schema, StepConfig
from tryon.training.config import Batch, DataConfig, LoopConfig, PrecisionConfig
from tryon.training.data.augment import Unchanged
from tryon.training.optimiser import OptimiserConfig

STAGES = ("seg", "gmm", "alias")
SECTION, JUDGE_SECTION = "viton_hd", "discriminator"
NITER, DECAY = 50, 150
"""Epochs at the whole rate, and of its fall, as published."""


class Data(DataConfig):
    """Sizes of sheets and measures: the networks' own size follows from the variant."""

    height: int = Field(512, ge=64, multiple_of=64)
    """Pixels of sheets and measures."""
    width: int = Field(384, ge=64, multiple_of=64)
    """Pixels, as height."""


class Loop(LoopConfig):
    """As published: 8 pairs, 200 epochs."""

    epochs: int = Field(NITER + DECAY, ge=0)
    """Epochs in all, of whole steps; 0 = `steps` counts."""
    batch: Batch = 8
    """Pairs per process and micro-batch."""
    ema_decay: float = Field(0.0, ge=0, lt=1)
    """Of the moving average; 0 = none, as published."""


class WholeMaps(PrecisionConfig):
    """Nothing is calculated twice."""

    recompute: Literal[False] = False
    """Never: the networks have no part that could be."""


class Precise(WholeMaps):
    """Offsets are places: 16 bits would tell them to half a pixel."""

    numbers: Literal["fp32"] = "fp32"
    """Always."""


class Falling(OptimiserConfig):
    """Adam; half a hundred epochs at the whole rate, then it falls."""

    constant_epochs: int = Field(NITER, ge=0)
    """Epochs at the whole learning rate."""
    decay_epochs: int = Field(DECAY, ge=0)
    """Epochs in which it then falls; 0 = it never does."""
    falls: Literal["linear", "cosine", "crosswise", "cumulative"] = "linear"
    """How: by an equal part each epoch; as half a cosine; as the seed's code does: both rates of a pair exchanged and falling, or
    a cosine that is multiplied onto itself each epoch."""
    exchanged_rate: float = Field(0.0, ge=0)
    """The rate from which `crosswise` falls."""
    weight_decay: float = Field(0.0, ge=0)
    """None: AdamW without it is Adam."""

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """See `OptimiserConfig`."""
        epoch = step // steps_per_epoch
        fallen, left = epoch - self.constant_epochs, self.decay_epochs
        if self.falls == "linear" or not left or fallen <= 0:
            return super().rate(step, steps_per_epoch)
        if self.falls == "cosine":
            return self.learning_rate * _half_cosine(min(1.0, fallen / left))
        if self.falls == "crosswise":
            return self.exchanged_rate * max(0.0, 1 - (fallen - 1) / left)
        whole = self.constant_epochs + left
        steps = (_half_cosine(each / whole) for each in range(self.constant_epochs + 1, min(epoch, whole) + 1))
        return self.learning_rate * math.prod(steps)


class SegOptimiser(Falling):
    """Of the segmentation."""

    learning_rate: float = Field(1e-4, gt=0)
    """As published."""
    betas: tuple[float, float] = (0.5, 0.999)
    """As meant: the seed's code has (0.5, 0.5), a list that was sorted wrongly."""


class SegDiscriminator(SegOptimiser):
    """Of its discriminator."""

    learning_rate: float = Field(4e-4, gt=0)
    """As published."""


class GmmOptimiser(Falling):
    """Of the warp network."""

    learning_rate: float = Field(2e-4, gt=0)
    """As published."""
    betas: tuple[float, float] = (0.5, 0.999)
    """As published."""
    falls: Literal["linear", "cosine", "crosswise", "cumulative"] = "cosine"
    """As meant; the seed's code multiplies the cosine onto itself, and from the seventieth epoch learns nothing."""


class AliasOptimiser(Falling):
    """Of the generator."""

    learning_rate: float = Field(1e-4, gt=0)
    """As published."""
    betas: tuple[float, float] = (0.0, 0.9)
    """As published."""


class AliasDiscriminator(AliasOptimiser):
    """Of its discriminator."""

    learning_rate: float = Field(4e-4, gt=0)
    """As published."""


class Training(StepConfig):
    """What all three have."""

    variant: Literal["official", "gs"] = "official"
    """Whose shapes and sizes: VITON-HD's 1024 × 768, or GS-VITON's 512 × 512."""
    category: Literal["upper", "lower"] = "upper"
    """Which garments are exchanged: lower ones need a tree whose agnostic pictures and parse maps lack them. Published weights
    know upper ones only."""
    published_faults: bool = False
    """Repeat the seed's code: no gradient of a discriminator reaches a network, its scores are squashed, classes are compared
    behind a sigmoid, a batch's first garment alone is kept from turning."""


class Adversarial(Training):
    """What the two with a discriminator have."""

    adversarial: float = Field(1.0, ge=0)
    """Weight of the discriminator's judgement."""
    spectral_norm: bool = False
    """The discriminator's kernels are divided by their largest singular value; not in the published trainings."""
    r1: float = Field(0.0, ge=0)
    """Weight of the discriminator's squared gradient at real pictures (R1; 0 = none, as published)."""


class SegTraining(Adversarial):
    """Of the segmentation."""

    classes: float = Field(10.0, ge=0)
    """Weight of the cross-entropy."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the deepest maps that is left out."""
    pool: int = Field(0, ge=0, le=500)
    """Earlier made maps that its discriminator sees in place of every second new one; the seed's code has 0 or 50."""


class GmmTraining(Training):
    """Of the warp network."""

    constraint: float = Field(0.04, ge=0)
    """Weight of the second-order constraint of the spline's control points."""


class AliasTraining(Adversarial):
    """Of the generator."""

    feature_matching: float = Field(10.0, ge=0)
    """Weight of what the discriminator sees in made and in real pictures."""
    vgg: float = Field(10.0, ge=0)
    """Weight of VGG-19's distance, where its weights are given."""
    vgg_file: str = ""
    """torchvision's vgg19-dcbb9e9d.pth (as published), vgg19_conv.pth, or a DCI-VTON checkpoint with its VGG; "" = without."""
    pixels: float = Field(0.0, ge=0)
    """Weight of the mean absolute difference of the pictures; not in the published training."""
    generator_aims: Literal["real", "made"] = "real"
    """What the generator wants the discriminator to say; `made` repeats the seed's fourth run."""


GS = f"{SECTION}.variant=gs"
FAULTS = (GS, f"{SECTION}.published_faults=true")
_CROSSWISE = (
    *("optimiser.falls=crosswise", "optimiser.exchanged_rate=4e-4"),
    *("discriminator.falls=crosswise", "discriminator.exchanged_rate=1e-4"),
)
PRESETS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "seg": {
        "official": (),
        "gs": (GS,),
        "seed-as-published": (*FAULTS, *_CROSSWISE, "optimiser.betas=[0.5, 0.5]", "discriminator.betas=[0.999, 0.999]"),
    },
    "gmm": {
        "official": (),
        "gs": (GS,),
        "seed-as-published": (*FAULTS, "optimiser.falls=cumulative"),
    },
    "alias": {
        "official": (),
        "gs": (GS,),
        "seed-as-published": (*FAULTS, *_CROSSWISE),
        "seed-3": (GS, f"{SECTION}.feature_matching=5"),
        "seed-4": (GS, f"{SECTION}.feature_matching=5", f"{SECTION}.generator_aims=made"),
        "seed-5": (GS, f"{SECTION}.feature_matching=10"),
    },
}
"""By stage. The weight of the fourth run is not stated; its neighbours' text says 3 and 5 differ in nothing else: 5 is taken."""

_EVERY: Schema = {"data": Data, "augment": Unchanged, "loop": Loop}
SECTIONS: Mapping[str, Schema] = {
    "seg": {
        **_EVERY,
        "precision": WholeMaps,
        "optimiser": SegOptimiser,
        JUDGE_SECTION: SegDiscriminator,
        SECTION: SegTraining,
    },
    "gmm": {**_EVERY, "precision": Precise, "optimiser": GmmOptimiser, SECTION: GmmTraining},
    "alias": {
        **_EVERY,
        "precision": WholeMaps,
        "optimiser": AliasOptimiser,
        JUDGE_SECTION: AliasDiscriminator,
        SECTION: AliasTraining,
    },
}


def _half_cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))
