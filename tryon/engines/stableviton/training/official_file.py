"""A checkpoint that the published code loads strictly: its names, its shapes, its buffers.

Facts: docs/facts/stableviton.md#checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.core.errors import WeightsError
from tryon.engines.stableviton.architecture import Architecture
from tryon.engines.stableviton.checkpoint import empty_network
from tryon.engines.stableviton.official_names import official_name
from tryon.networks.savings import OFFICIAL
from tryon.samplers.schedule import BETA_END, BETA_START, TRAIN_STEPS


def official_state(weights: Mapping[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """Every tensor that the published code expects, fp32, by its names.

    Args:
        weights: our name → tensor of the whole network, control tail included.
        architecture: its widths.

    Raises:
        WeightsError: the published code has no such network, or the control tail is missing.
    """
    if architecture.plain_addition:
        raise WeightsError(
            "this network adds garment maps without attention, which the published code cannot load", "export --to"
        )
    wanted = empty_network(architecture, OFFICIAL).state_dict()
    missing = [name for name in wanted if name not in weights]
    if missing:
        raise WeightsError(
            f"{len(missing)} tensors that only the published code keeps are not here: {', '.join(missing[:3])} …",
            "start the run from a checkpoint file, or give it: train export RUN --official FILE --tail CHECKPOINT",
        )
    state = {official_name(name): _official_shape(name, weights[name].float()) for name in wanted}
    return state | schedule_buffers() | {"lastzc.weight": torch.zeros(4, 4, 1, 1), "lastzc.bias": torch.zeros(4)}


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


def write_official(path: Path, weights: Mapping[str, Tensor], architecture: Architecture) -> None:
    """Write a torch file with the weights under `state_dict`, which the published code looks for; all or nothing.

    Raises:
        WeightsError: see `official_state`; or the file exists.
    """
    if path.exists():
        raise WeightsError(f"{path}: exists already", "remove it or give another name")
    state = {name: tensor.contiguous().clone() for name, tensor in official_state(weights, architecture).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        torch.save({"state_dict": state}, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _official_shape(name: str, tensor: Tensor) -> Tensor:
    """The VAE's attention is stored as 1x1 convolutions there and is linear here."""
    is_attention = name.startswith("vae.") and ".attentions." in name and tensor.ndim == 2
    return tensor[:, :, None, None] if is_attention else tensor
