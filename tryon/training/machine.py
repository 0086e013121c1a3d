"""The machine under a run: accelerate's processes and precision, frozen weights in 16 bits, memory at its peak."""

from __future__ import annotations

import os
import sys
from typing import Any

import torch
from torch import nn

from pipeline.core.errors import UsageError
from tryon.training.config import PrecisionConfig

MIXED = {"bf16": "bf16", "fp16": "fp16", "fp32": "no"}
SIXTEEN = {"bf16": torch.bfloat16, "fp16": torch.float16}


def make_accelerator(precision: PrecisionConfig, device: str) -> Any:
    """accelerate's view of this process: device, number of processes, mixed precision.

    Args:
        precision: number formats.
        device: `auto`, `cpu` or `cuda`; torchrun's environment decides which GPU.

    Raises:
        UsageError: what the machine or the formats do not allow.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState

    on_cpu = device == "cpu" or not torch.cuda.is_available()
    if device.startswith("cuda") and on_cpu:
        raise UsageError("--device cuda: torch sees no CUDA device here", "--device cpu, or python run.py doctor")
    if precision.numbers == "fp16" and on_cpu:
        raise UsageError("precision.numbers=fp16: a CPU convolves fp16 twenty times slower than fp32", "--precision bf16 or fp32")
    if precision.numbers == "bf16" and on_cpu:
        raise UsageError("precision.numbers=bf16: PyTorch 2.13's backward pass in bf16 crashes on CPUs", "--precision fp32")
    if precision.frozen == "half" and precision.numbers == "fp32":
        raise UsageError("precision.frozen=half needs 16-bit arithmetic, which numbers=fp32 is not", "--precision bf16")
    if precision.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    AcceleratorState._reset_state(reset_partial_state=False)  # a second run in one process may have another precision
    # Of the token's two layers a step uses one: what it does not use keeps no gradient, and no moments follow.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(mixed_precision=MIXED[precision.numbers], cpu=on_cpu, kwargs_handlers=[unused])


def freeze_all_but(module: nn.Module, trained: set[int]) -> None:
    """Let only some parameters have gradients.

    Args:
        module: the whole.
        trained: `id` of the parameters that are trained.
    """
    for parameter in module.parameters():
        parameter.requires_grad_(id(parameter) in trained)


def shrink_frozen(module: nn.Module, precision: PrecisionConfig) -> None:
    """Keep frozen convolutions and linear layers in 16 bits; norms and tables stay, they weigh nothing and want their digits."""
    if precision.frozen == "fp32" or precision.numbers == "fp32":
        return
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and not any(p.requires_grad for p in layer.parameters()):
            layer.to(SIXTEEN[precision.numbers])


def peak_megabytes(device: torch.device) -> float:
    """Most memory in use since the process, or the count, began."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    if sys.platform == "win32":
        return 0.0  # Python has no such count there
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
