"""What a solver is: a plain function from noise to latents that asks a network for noise predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

Predict = Callable[[Tensor, int], Tensor]
"""(latents (b, 4, h, w) fp32, timestep) → predicted noise (b, 4, h, w)."""

Watch = Callable[[Tensor, Tensor], None]
"""Sees (latents, predicted clean latents) after each step."""


class Solver(Protocol):
    """Integrates the probability-flow ODE from timestep 999 (or the solver's first) to 0."""

    def __call__(self, predict: Predict, latents: Tensor, steps: int, watch: Watch | None = None) -> Tensor:
        """Sample.

        Args:
            predict: the network.
            latents: (b, 4, h, w) fp32 start code.
            steps: number of steps, as the solver counts them.
            watch: sees every step.

        Returns:
            (b, 4, h, w) fp32 clean latents.
        """
