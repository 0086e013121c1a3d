"""How long each part takes on this machine: a real run, operation by operation, with real weights or drawn ones."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from pipeline.core.machine.device import Device
from tryon.study.protocol import Anatomy, Size
from tryon.study.trace import Trace, traced


def simulated(anatomy: Anatomy, size: Size) -> Trace:
    """A run without memory behind it: shapes and costs, no times."""
    inputs = {name: torch.empty(shape, device="meta") for name, shape in anatomy.inputs(size).items()}
    return traced(anatomy.network(), anatomy.run, inputs)


def measured(anatomy: Anatomy, size: Size, device: Device, dtype: torch.dtype, weights: Mapping[str, Tensor] | None) -> Trace:
    """The second of two runs, timed: the first one warms up.

    Args:
        anatomy: whose network.
        size: (height, width) in pixels.
        device: where.
        dtype: number format of the weights.
        weights: name → tensor; None draws them, which takes as long and makes no picture.
    """
    shapes = anatomy.network().state_dict()
    network = anatomy.filled(DrawnWeights(shapes) if weights is None else weights, dtype).to(device.name)
    drawn = torch.Generator().manual_seed(0)
    inputs = {name: torch.rand(shape, generator=drawn).to(device.name) for name, shape in anatomy.inputs(size).items()}
    wait = torch.cuda.synchronize if device.kind == "cuda" else _nothing_to_wait_for
    traced(network, anatomy.run, inputs, wait)
    return traced(network, anatomy.run, inputs, wait)


class DrawnWeights(Mapping[str, Tensor]):
    """Weights drawn when they are asked for, so that nothing is held twice.

    Activations stay in a sane range: of subnormal or infinite numbers a processor is slow.

    Args:
        shapes: name → a tensor of the wanted shape, without contents.
    """

    def __init__(self, shapes: Mapping[str, Tensor]) -> None:
        self._shapes = shapes

    def __getitem__(self, name: str) -> Tensor:
        shape = self._shapes[name].shape
        if len(shape) < 2:
            return torch.full(shape, float(name.endswith("weight")))
        limit = math.sqrt(3 / self._shapes[name][0].numel())
        return torch.empty(shape).uniform_(-limit, limit)

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


def machine(device: Device, dtype: str) -> str:
    """On what the times were taken."""
    processor = f"{platform.machine()}, {os.cpu_count()} cores" if device.kind == "cpu" else device.label or device.name
    return f"{processor}, {dtype}, torch {torch.__version__}, no layer packed, second run of two"


def _nothing_to_wait_for() -> None:
    """A CPU has done its work when it returns."""
