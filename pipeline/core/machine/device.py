"""Which processor does the work. Imports torch only when somebody asks for more than the CPU."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal, cast

from pipeline.core.errors import MissingPackageError, UsageError

Kind = Literal["cpu", "cuda", "mps"]
INSTALL_TORCH = "pip install -e '.[diffusion]'"
FIRST_NATIVE_BF16 = 8  # CUDA compute capability of Ampere; older cards emulate bf16, slower than fp16


@dataclass(frozen=True, slots=True)
class Device:
    """One processor.

    Args:
        name: as torch spells it: `cpu`, `cuda:0`, `mps`.
        kind: `cpu`, `cuda` or `mps`.
        supports_bf16: bf16 arithmetic is native and worth using (not merely accepted).
        label: for people, e.g. `NVIDIA H100`.
    """

    name: str
    kind: Kind
    supports_bf16: bool = False
    label: str = ""


CPU = Device("cpu", "cpu", label="CPU")


def choose_device(wanted: str = "auto") -> Device:
    """The device to work on.

    Args:
        wanted: `auto` (CUDA, else Apple's MPS, else CPU), `cpu`, `cuda`, `cuda:N` or `mps`.

    Returns:
        `cpu` never imports torch; `auto` gives the CPU when torch is missing or cannot start.

    Raises:
        UsageError: an unknown name, or a device this machine does not have.
        MissingPackageError: a GPU is asked for and torch is not installed or does not start.
    """
    kind, _, index = wanted.partition(":")
    if kind not in {"auto", "cpu", "cuda", "mps"} or (index and (kind != "cuda" or not index.isdecimal())):
        raise UsageError(f"device {wanted!r} is unknown; allowed: auto, cpu, cuda, cuda:N, mps")
    if kind == "cpu":
        return CPU
    if kind == "auto":
        return _automatic()
    torch = _torch()
    return _cuda(torch, int(index or 0)) if kind == "cuda" else _mps(torch)


def _automatic() -> Device:
    """The best device there is; a torch that is absent or broken leaves the CPU."""
    try:
        torch = _torch()
    except MissingPackageError:
        return CPU
    if torch.cuda.is_available():
        return _cuda(torch, 0)
    return _mps(torch) if torch.backends.mps.is_available() else CPU


def _torch() -> Any:
    """The torch module, typed loosely: the core must type-check on machines without it."""
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError as error:
        raise MissingPackageError("device: a GPU needs torch, which is not installed", INSTALL_TORCH) from error
    except (ImportError, OSError, RuntimeError) as error:
        # A torch built for another driver or C++ runtime raises any of the three when its shared libraries load.
        raise MissingPackageError(f"device: torch is installed but does not start: {error}", "python run.py doctor") from error


def _cuda(torch: Any, index: int) -> Device:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= count:
        found = f"this machine has {count} CUDA device(s), numbered from 0" if count else "torch finds no CUDA device"
        raise UsageError(f"device cuda:{index}: {found}", "python run.py doctor, or work on the CPU: --set run.device=cpu")
    major = int(torch.cuda.get_device_capability(index)[0])
    label = cast(str, torch.cuda.get_device_name(index))
    return Device(f"cuda:{index}", "cuda", supports_bf16=major >= FIRST_NATIVE_BF16, label=label)


def _mps(torch: Any) -> Device:
    if not torch.backends.mps.is_available():
        raise UsageError("device mps: torch finds no Apple GPU", "work on the CPU: --set run.device=cpu")
    return Device("mps", "mps", label="Apple GPU")
