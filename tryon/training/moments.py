"""An optimiser's state by parameter name: tensors for a safetensors file, plain numbers for JSON, and back.

Positions, under which libraries keep it, say nothing when a parameter is added; and a text sort puts 10 before 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

SEPARATOR = "/"


def state_by_name(
    optimiser: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What an optimiser knows of each parameter.

    Returns:
        `parameter/key` → tensor on the CPU, and `parameter/key` → number.
    """
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for name, parameter in parameters.items():
        for key, value in optimiser.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"{name}{SEPARATOR}{key}"] = value.detach().cpu().contiguous()
            elif isinstance(value, int | float) or value is None:
                numbers[f"{name}{SEPARATOR}{key}"] = value
    return tensors, numbers


def load_state(
    optimiser: torch.optim.Optimizer,
    parameters: Mapping[str, nn.Parameter],
    tensors: Mapping[str, Tensor],
    numbers: Mapping[str, Any],
) -> None:
    """Give an optimiser back what `state_by_name` took, each tensor in its parameter's memory layout."""
    for flat, value in (*tensors.items(), *numbers.items()):
        name, _, key = flat.rpartition(SEPARATOR)
        parameter = parameters[name]
        if isinstance(value, Tensor):
            value = _placed(value, parameter, key)
        optimiser.state[parameter][key] = value


def _placed(value: Tensor, parameter: nn.Parameter, key: str) -> Tensor:
    if value.shape == parameter.shape:
        return torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
    return value.clone() if key == "step" else value.clone().to(parameter.device)
