"""Batch normalisation whose statistics are those of all processes' micro-batches, on any device.

PyTorch's own (`nn.SyncBatchNorm`) runs on GPUs alone, so a machine without one could not test what a run with several does.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce


class SyncedBatchNorm(nn.BatchNorm2d):
    """As `nn.BatchNorm2d`; in training, mean and variance are taken over all processes, each with as many samples."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) → the same shape."""
        processes = _processes()
        if not self.training or processes == 1:
            return super().forward(x)
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        mean = _averaged(x.mean((0, 2, 3)))
        centred = x - mean[:, None, None]
        variance = _averaged(centred.square().mean((0, 2, 3)))
        count = processes * x.numel() / x.shape[1]
        with torch.no_grad():
            momentum = self.momentum or 0.0
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), momentum)
            self.num_batches_tracked.add_(1)
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale[:, None, None] + self.bias[:, None, None]


def use_synced_norms(network: nn.Module) -> None:
    """Let every batch normalisation of a network share its statistics; weights and names stay."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.__class__ = SyncedBatchNorm


def _processes() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def _averaged(values: Tensor) -> Tensor:
    total: Tensor = all_reduce(values)  # type: ignore[no-untyped-call]  # torch's stub
    return total / _processes()
