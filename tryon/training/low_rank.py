"""A LoRA beside the layers of a network that is trained (peft): put there, and found again.

Facts: docs/facts/lora_files.md#what-is-changed.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import nn

ADAPTER = "default"
"""peft's name for the one change; it is left out of the names of weights."""


def put_beside(network: nn.Module, layers: str, rank: int, alpha: float, seed: int) -> None:
    """Give layers a change of nothing: `up` is 0, `down` is drawn from seed and name, as peft and kohya's tools scale it.

    Args:
        network: on the CPU or without memory.
        layers: pattern of their paths.
        rank: width of the narrow middle.
        alpha: the change is scaled by alpha / rank.
        seed: of the run.
    """
    from peft import LoraConfig, inject_adapter_in_model

    peft = LoraConfig(r=rank, lora_alpha=alpha, target_modules=layers, lora_dropout=0.0)  # type: ignore[arg-type]
    with torch.random.fork_rng(devices=[]):
        inject_adapter_in_model(peft, network, ADAPTER)
    for name, parameter in network.named_parameters():
        if ".lora_A." in name and not parameter.is_meta:
            start = int.from_bytes(hashlib.sha256(f"{seed}|{name}".encode()).digest()[:7], "big")
            bound = 1 / math.sqrt(parameter[0].numel())
            with torch.no_grad():
                parameter.uniform_(-bound, bound, generator=torch.Generator().manual_seed(start))


def changes_of(network: nn.Module, part: str) -> dict[str, nn.Parameter]:
    """What is trained of a network with changes, under the names of weights that begin with its part's."""
    return {
        f"{part}.{name.replace(f'.{ADAPTER}.', '.')}": parameter
        for name, parameter in network.named_parameters()
        if ".lora_A." in name or ".lora_B." in name
    }
