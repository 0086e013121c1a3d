"""Noise levels between timesteps 999 and 0, and the step from one to another that the fast solvers take.

All numbers are Python floats: nothing is read back from a device, so a GPU never waits for the solver.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tryon.samplers.schedule import LAST_TIMESTEP, alphas_cumprod


@dataclass(frozen=True)
class NoiseLevel:
    """How noisy latents are: what the network is told, and what the formulas calculate with."""

    timestep: int
    sigma: float  # standard deviation of the noise over that of the signal, as in Karras et al. 2022

    @property
    def signal(self) -> float:
        """√ā, the factor of the clean latents."""
        return 1 / math.hypot(1, self.sigma)

    @property
    def noise(self) -> float:
        """√(1-ā), the factor of the noise."""
        return self.sigma * self.signal

    @property
    def half_log_snr(self) -> float:
        """λ = log(signal / noise), in which the exact solution of the ODE is simple (Lu et al. 2022, arXiv 2206.00927)."""
        return -math.log(self.sigma)

    def clean(self, latents: Tensor, noise: Tensor) -> Tensor:
        """The clean latents that a prediction of the noise implies."""
        return (latents - self.noise * noise) / self.signal


def level_at(timestep: int) -> NoiseLevel:
    """The level of the schedule itself at a timestep."""
    return NoiseLevel(timestep, float(_sigmas()[timestep]))


def karras_levels(count: int, rho: float, end: int = 0) -> list[NoiseLevel]:
    """Levels spaced after Karras et al. 2022 (arXiv 2206.00364, eq. 5): the larger `rho`, the more of them are nearly clean.

    Sigmas stay where the formula puts them and timesteps are rounded to the nearest, as in diffusers.

    Args:
        count: how many.
        rho: even steps of sigma^(1 / rho).
        end: timestep of the last.

    Returns:
        From timestep 999 to `end`.
    """
    sigmas = _sigmas()
    spaced = np.linspace(sigmas[LAST_TIMESTEP] ** (1 / rho), sigmas[end] ** (1 / rho), count) ** rho
    timesteps = np.interp(np.log(spaced), np.log(sigmas), np.arange(len(sigmas))).round()
    return [NoiseLevel(int(timestep), float(sigma)) for timestep, sigma in zip(timesteps, spaced, strict=True)]


def advance(latents: Tensor, clean: Tensor, here: NoiseLevel, following: NoiseLevel) -> Tensor:
    """Go to another level as if `clean` were true all the way: exact where the network's belief does not change."""
    kept = following.noise / here.noise
    return kept * latents + (following.signal - kept * here.signal) * clean


def _sigmas() -> NDArray[np.float64]:
    """(1000,), at each timestep."""
    signal = alphas_cumprod().astype(np.float64)
    sigmas: NDArray[np.float64] = np.sqrt((1 - signal) / signal)
    return sigmas
