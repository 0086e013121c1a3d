"""The noise schedule of Stable Diffusion 1 and the things that follow from it alone (docs/facts/samplers.md#schedule)."""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

TRAIN_STEPS = 1000
BETA_START, BETA_END = 0.00085, 0.012
LAST_TIMESTEP = TRAIN_STEPS - 1


@functools.cache
def alphas_cumprod() -> NDArray[np.float32]:
    """(1000,) fp32 share of signal variance left at each timestep; computed in fp64 like the official buffers."""
    betas = np.linspace(BETA_START**0.5, BETA_END**0.5, TRAIN_STEPS, dtype=np.float64) ** 2
    remaining: NDArray[np.float32] = np.cumprod(1.0 - betas).astype(np.float32)
    return remaining


def leading_timesteps(steps: int) -> list[int]:
    """The official timesteps, noisiest first: every (1000 // steps)-th, plus one.

    Steps that do not divide 1000 give more calls than asked for (30 → 31), and the list starts below 999: both are how
    the published results were made (docs/facts/samplers.md#timesteps). Where the official script would run over the end (3, 9,
    27 … steps) the list stops at 999.
    """
    return list(range(1, TRAIN_STEPS, TRAIN_STEPS // steps))[::-1]


def add_noise(latents: Tensor, noise: Tensor, timestep: int) -> Tensor:
    """Diffuse latents to a timestep: √ā·latents + √(1-ā)·noise (Ho et al. 2020, eq. 4)."""
    signal = float(alphas_cumprod()[timestep])
    return torch.tensor(signal).sqrt().to(latents) * latents + torch.tensor(1 - signal).sqrt().to(latents) * noise


def add_noise_each(latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """Diffuse each latent to a timestep of its own, in fp32: (b, 4, h, w), (b, 4, h, w), (b,) → (b, 4, h, w)."""
    signal = torch.from_numpy(alphas_cumprod()).to(latents.device)[timesteps.to(latents.device)].view(-1, 1, 1, 1)
    return signal.sqrt() * latents.float() + (1 - signal).sqrt() * noise.float()
