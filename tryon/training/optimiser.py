"""Optimisers by name; a library that is not there is an error, never another optimiser."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field

from pipeline.core.config import StepConfig
from pipeline.core.errors import MissingPackageError
from tryon.training.parameters import Groups


class OptimiserConfig(StepConfig):
    """How weights follow gradients."""

    name: Literal["adamw", "adamw8bit", "adafactor"] = "adamw"
    """adamw (Adam where weight_decay=0); adamw8bit (bitsandbytes: a quarter of the moments' memory); adafactor (almost none)."""
    learning_rate: float = Field(1e-4, gt=0)
    """Of every group."""
    warmup: int = Field(0, ge=0)
    """Steps in which the learning rate rises."""
    warmup_from: float = Field(0.01, ge=0, le=1)
    """Share of the learning rate at which it begins to rise."""
    constant_epochs: int = Field(0, ge=0)
    """Epochs at the whole learning rate, before it falls."""
    decay_epochs: int = Field(0, ge=0)
    """Epochs in which it then falls, by an equal part each, towards zero; 0 = it never does."""
    weight_decay: float = Field(0.01, ge=0)
    """Decoupled."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Of the moving averages of gradient and square; Adafactor has neither."""
    epsilon: float = Field(1e-8, gt=0)
    """Added to the root of the second."""
    clip_norm: float = Field(0.0, ge=0)
    """Gradients are scaled down to this norm; 0 = never, as published."""

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """Learning rate of a step, counted from 0: a function of the step alone, so there is no scheduler to save."""
        if step >= self.warmup:
            fallen = max(0, step // steps_per_epoch - self.constant_epochs) if self.decay_epochs else 0
            return self.learning_rate * max(0.0, 1 - fallen / max(1, self.decay_epochs))
        return self.learning_rate * (self.warmup_from + (1 - self.warmup_from) * step / self.warmup)


def build_optimiser(groups: Groups, config: OptimiserConfig) -> torch.optim.Optimizer:
    """An optimiser over groups of parameters.

    Raises:
        MissingPackageError: its library is not installed.
    """
    listed = [{"params": list(group.values()), "name": name} for name, group in groups.items()]
    if config.name == "adamw8bit":
        return _bitsandbytes(listed, config)
    if config.name == "adafactor":
        return _adafactor(listed, config)
    return torch.optim.AdamW(listed, config.learning_rate, config.betas, config.epsilon, config.weight_decay)


def _bitsandbytes(listed: list[dict[str, Any]], config: OptimiserConfig) -> torch.optim.Optimizer:
    try:
        from bitsandbytes.optim import AdamW8bit
    except ImportError as problem:
        raise MissingPackageError(
            f"optimiser adamw8bit: bitsandbytes cannot be imported ({problem})",
            "pip install bitsandbytes; or --set optimiser.name=adafactor (smaller still), or adamw (moments four times as large)",
        ) from None
    made: torch.optim.Optimizer = AdamW8bit(listed, config.learning_rate, config.betas, config.epsilon, config.weight_decay)
    return made


def _adafactor(listed: list[dict[str, Any]], config: OptimiserConfig) -> torch.optim.Optimizer:
    try:
        from transformers.optimization import Adafactor
    except ImportError as problem:
        raise MissingPackageError(
            f"optimiser adafactor: transformers cannot be imported ({problem})",
            "pip install -e '.[diffusion]', or --set optimiser.name=adamw",
        ) from None
    made: torch.optim.Optimizer = Adafactor(
        listed, lr=config.learning_rate, weight_decay=config.weight_decay, scale_parameter=False, relative_step=False
    )
    return made
