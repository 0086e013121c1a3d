"""A moving average of the trained weights, whose decay is a function of the step alone: nothing but the average is saved."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def decay_at(step: int, most: float) -> float:
    """Decay after an optimiser step, counted from 0: rises as (1 + step) / (10 + step)."""
    return min(most, (1 + step) / (10 + step))


class MovingAverage:
    """The average of named weights, fp32, where the weights are; what counts in whole numbers has none.

    Args:
        weights: name → tensor that training changes.
        decay: the largest; 0 = the average is the weights.
    """

    def __init__(self, weights: Mapping[str, Tensor], decay: float) -> None:
        self._weights, self._decay = weights, decay
        averaged = {name: each for name, each in weights.items() if decay and each.is_floating_point()}
        self.average = {name: each.detach().clone().float() for name, each in averaged.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Follow the weights after a step."""
        weight = 1 - decay_at(step, self._decay)
        for name, average in self.average.items():
            average.lerp_(self._weights[name].detach().float(), weight)

    @torch.no_grad()
    def load(self, saved: Mapping[str, Tensor]) -> None:
        """Take an average back."""
        for name, average in self.average.items():
            average.copy_(saved[name])
