"""Which number format a machine should use."""

from __future__ import annotations

import torch

from pipeline.core.device import Device

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_dtype(wanted: str, device: Device) -> torch.dtype:
    """The number format to run in.

    bf16 becomes fp16 on GPUs without it. A CPU without bf16 instructions runs fp32, and fp16 on a CPU is always fp32, because
    emulation is slower than the format it stands for.

    Args:
        wanted: `fp32`, `bf16` or `fp16`.
        device: where the network will run.
    """
    if device.kind == "cpu":
        return torch.bfloat16 if wanted == "bf16" and cpu_has_bf16() else torch.float32
    if wanted == "bf16" and not device.supports_bf16:
        return torch.float16
    return DTYPES[wanted]


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bf16 natively (AVX512-BF16, AMX, or ARM's BF16)."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported", "_is_arm_bf16_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in checks)
