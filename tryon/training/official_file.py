"""What every file for published code needs: the schedule of Stable Diffusion 1, its shapes, and a write that is whole or not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.core.errors import WeightsError
from pipeline.core.records.whole_file import whole_file
from tryon.samplers.schedule import BETA_END, BETA_START, TRAIN_STEPS


def schedule_buffers() -> dict[str, Tensor]:
    """The noise schedule as the published code stores it, calculated in fp64 (Ho et al. 2020, eq. 4 and 7)."""
    betas = np.linspace(BETA_START**0.5, BETA_END**0.5, TRAIN_STEPS, dtype=np.float64) ** 2
    left = np.cumprod(1 - betas)
    before = np.append(1.0, left[:-1])
    variance = betas * (1 - before) / (1 - left)
    buffers = {
        "betas": betas,
        "alphas_cumprod": left,
        "alphas_cumprod_prev": before,
        "sqrt_alphas_cumprod": np.sqrt(left),
        "sqrt_one_minus_alphas_cumprod": np.sqrt(1 - left),
        "log_one_minus_alphas_cumprod": np.log(1 - left),
        "sqrt_recip_alphas_cumprod": np.sqrt(1 / left),
        "sqrt_recipm1_alphas_cumprod": np.sqrt(1 / left - 1),
        "posterior_variance": variance,
        "posterior_log_variance_clipped": np.log(np.maximum(variance, 1e-20)),
        "posterior_mean_coef1": betas * np.sqrt(before) / (1 - left),
        "posterior_mean_coef2": (1 - before) * np.sqrt(1 - betas) / (1 - left),
        "logvar": np.zeros(TRAIN_STEPS),
    }
    return {name: torch.tensor(values, dtype=torch.float32) for name, values in buffers.items()}


def official_shape(name: str, tensor: Tensor) -> Tensor:
    """The VAE's attention is stored as 1x1 convolutions there and is linear here."""
    is_attention = name.startswith("vae.") and ".attentions." in name and tensor.ndim == 2
    return tensor[:, :, None, None] if is_attention else tensor


def write_torch_file(path: Path, content: Mapping[str, Any]) -> None:
    """Write a torch file; all or nothing.

    Raises:
        WeightsError: the file exists.
    """
    refuse_existing(path)
    with whole_file(path) as part:
        torch.save(dict(content), part)


def refuse_existing(path: Path) -> None:
    """Never write over somebody's file.

    Raises:
        WeightsError: it exists.
    """
    if path.exists():
        raise WeightsError(f"{path}: exists already", "remove it or give another name")


def digest_of_weights(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of names and fp32 bytes, in the order of names."""
    total = hashlib.sha256()
    for name in sorted(weights):
        total.update(name.encode())
        total.update(weights[name].detach().float().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
