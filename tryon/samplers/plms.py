"""PLMS (Liu et al. 2022, arXiv 2202.09778, eq. 12) exactly as the official samplers run it.

Facts: docs/facts/samplers.md#plms.

diffusers' PNDM follows the same formulas but not the official list of timesteps when the number of steps does not divide
1000, which is why this file exists.
"""

from __future__ import annotations

from torch import Tensor

from tryon.samplers.ddim import ddim_step
from tryon.samplers.schedule import leading_timesteps
from tryon.samplers.solver import Predict, Watch

_ADAMS_BASHFORTH = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)
"""Weights of the newest and earlier predictions, by how many there are."""


def plms(predict: Predict, latents: Tensor, steps: int, watch: Watch | None = None) -> Tensor:
    """Sample with `steps` steps and one call more; see `Solver`.

    The odd first step: with no history yet, it looks ahead. An Euler step, a second prediction at the next timestep, and
    the mean of both takes the real step. Only the first prediction enters the history.
    """
    timesteps = leading_timesteps(steps)
    history: list[Tensor] = []  # newest first, raw predictions
    for timestep, following in zip(timesteps, [*timesteps[1:], 0], strict=True):
        noise = predict(latents, timestep)
        if history:
            history = [noise, *history][:4]
            direction = _extrapolate(history)
        else:
            history = [noise]
            ahead, _ = ddim_step(latents, noise, timestep, following)
            direction = (noise + predict(ahead, following)) / 2
        latents, clean = ddim_step(latents, direction, timestep, following)
        if watch is not None:
            watch(latents, clean)
    return latents


def _extrapolate(history: list[Tensor]) -> Tensor:
    weights = _ADAMS_BASHFORTH[len(history) - 1]
    total = weights[0] * history[0]
    for weight, noise in zip(weights[1:], history[1:], strict=True):
        total = total + weight * noise
    return total
