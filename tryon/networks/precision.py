"""Which number format a machine should use, and what is done where 16 bits overflow."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.core.machine.device import Device

_log = logging.getLogger("lookbook")

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


@contextmanager
def fp32_products(*, exact: bool) -> Iterator[None]:
    """How NVIDIA GPUs multiply fp32 numbers for a while: exactly, or as TF32, which keeps 10 bits of each factor and is faster.

    PyTorch's own choice is TF32 in convolutions and not in matrix products. Here it is said: exact where fp32 was asked for, TF32
    where fp32 only stands in for 16 bits that overflowed.
    """
    backends: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = not exact
        yield
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed


def dtype_of(part: nn.Module) -> torch.dtype:
    """Number format of a network's weights."""
    return next(part.parameters()).dtype


def keep_in_fp32(part: nn.Module, name: str) -> None:
    """Give a part that overflowed fp32 weights, for as long as it lives.

    Args:
        part: the part; nothing else changes.
        name: for the line that is logged: "the VAE".
    """
    _log.warning("%s overflowed in %s: it stays in fp32 from now on", name, str(dtype_of(part)).removeprefix("torch."))
    _cast(part, torch.float32)


@contextmanager
def full_precision(parts: Iterable[nn.Module]) -> Iterator[None]:
    """Run parts in fp32 for a while; 16-bit weights come back unchanged, because fp32 holds them exactly."""
    halves = [(part, dtype_of(part)) for part in parts if dtype_of(part) != torch.float32]
    for part, _ in halves:
        _cast(part, torch.float32)
    try:
        yield
    finally:
        for part, dtype in halves:
            _cast(part, dtype)


def overflowed(latents: Tensor) -> list[int]:
    """Which rows of a batch are not finite; one wait for the device."""
    finite: list[bool] = torch.isfinite(latents).all(dim=(1, 2, 3)).tolist()
    return [row for row, fine in enumerate(finite) if not fine]


def mend_overflow(latents: Tensor, parts: Iterable[nn.Module], again: Callable[[int], Tensor]) -> Tensor:
    """Replace the rows in which 16 bits overflowed by what fp32 makes of them; what fp32 made stays as it is.

    Args:
        latents: (b, c, h, w), changed in place.
        parts: the parts that made them.
        again: makes a row once more, (1, c, h, w).
    """
    parts = list(parts)
    if all(dtype_of(part) == torch.float32 for part in parts):
        return latents
    rows = overflowed(latents)
    if rows:
        with full_precision(parts):
            for row in rows:
                latents[row] = again(row)[0]
    return latents


def _cast(part: nn.Module, dtype: torch.dtype) -> None:
    # Weights made in inference mode could not be packed; a library's own `to` warns of what does not concern us.
    with torch.inference_mode(False), torch.no_grad():
        nn.Module.to(part, dtype)
