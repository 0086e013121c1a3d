"""How maps lie in memory: decided here, by device, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from tryon.networks.savings.switches import Savings

CHANNELS_LAST: Mapping[str, bool] = {
    # oneDNN's kernels want it, and maps become tokens without a copy.
    "cpu": True,
    # Convolutions on tensor cores read 16-bit maps with channels last; in the ordinary layout each of them turns its input and
    # its output. PyTorch's GroupNorm would do the opposite; ours (`group_norm.py`) turns nothing, and a compiled network's
    # neither. A transformer needs tokens on top, so channels last should win. By reading, **not measured**: change it here, and
    # `python -m benchmarks.stableviton` says whether it did.
    "cuda": True,
    # Not measured.
    "mps": True,
}
"""Kind of device → whether maps (b, c, h, w) keep their channels together."""


def map_layout(device: torch.device, savings: Savings) -> torch.memory_format:
    """The memory layout of maps and of kernels on a device, where the saving is on."""
    return torch.channels_last if savings.channels_last and CHANNELS_LAST.get(device.type, False) else torch.contiguous_format


def arrange(network: nn.Module, device: str, savings: Savings) -> None:
    """Bring a network to a device, its kernels in the layout of maps there."""
    layout = map_layout(torch.device(device), savings)
    network.to(device)
    if layout is not torch.channels_last and savings.channels_last:  # loading gave it to them
        network.to(memory_format=layout)  # type: ignore[call-overload]  # torch's stub knows modules' own formats only
