"""DDIM without new noise (Song et al. 2021, arXiv 2010.02502, eq. 12), on the official timesteps."""

from __future__ import annotations

from torch import Tensor

from tryon.samplers.schedule import alphas_cumprod, leading_timesteps
from tryon.samplers.solver import Predict, Watch


def ddim(predict: Predict, latents: Tensor, steps: int, watch: Watch | None = None) -> Tensor:
    """Sample with one call per step; the last step lands on timestep 0, not on infinite signal. See `Solver`."""
    timesteps = leading_timesteps(steps)
    for timestep, following in zip(timesteps, [*timesteps[1:], 0], strict=True):
        latents, clean = ddim_step(latents, predict(latents, timestep), timestep, following)
        if watch is not None:
            watch(latents, clean)
    return latents


def ddim_step(latents: Tensor, noise: Tensor, timestep: int, following: int) -> tuple[Tensor, Tensor]:
    """The next latents, and the clean latents that the noise implies."""
    signal, next_signal = float(alphas_cumprod()[timestep]), float(alphas_cumprod()[following])
    clean = (latents - (1 - signal) ** 0.5 * noise) / signal**0.5
    return next_signal**0.5 * clean + (1 - next_signal) ** 0.5 * noise, clean
