"""A checkpoint that the published code loads strictly: its names, its shapes, its buffers.

Facts: docs/facts/stableviton.md#checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from pipeline.core.errors import WeightsError
from tryon.engines.stableviton.architecture import Architecture
from tryon.engines.stableviton.checkpoint import empty_network
from tryon.engines.stableviton.official_names import official_name
from tryon.networks.savings.switches import OFFICIAL
from tryon.training.official_file import official_shape, schedule_buffers, write_torch_file


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
    state = {official_name(name): official_shape(name, weights[name].float()) for name in wanted}
    return state | schedule_buffers() | {"lastzc.weight": torch.zeros(4, 4, 1, 1), "lastzc.bias": torch.zeros(4)}


def write_official(path: Path, weights: Mapping[str, Tensor], architecture: Architecture) -> None:
    """Write a torch file with the weights under `state_dict`, which the published code looks for; all or nothing.

    Raises:
        WeightsError: see `official_state`; or the file exists.
    """
    if path.exists():
        raise WeightsError(f"{path}: exists already", "remove it or give another name")
    state = {name: tensor.contiguous().clone() for name, tensor in official_state(weights, architecture).items()}
    write_torch_file(path, {"state_dict": state})
