"""Networks whose weights follow from the names of their tensors, by the rules of the recorded results."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest


def weights_module(folder: Path) -> ModuleType:
    """The module beside recorded results that makes their weights from key names."""
    spec = importlib.util.spec_from_file_location("weights_from_names", folder / "weights_from_names.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def drawn(salt: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers that follow from a name."""
    start = int.from_bytes(hashlib.sha256(f"{salt}|{key}".encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=start)).standard_normal(int(np.prod(shape))).reshape(shape)


def weights_from_names(salt: str, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Tensors of a network, by the fixtures' rules."""
    torch = pytest.importorskip("torch")
    return {key: torch.from_numpy(np.asarray(_value(salt, key, tuple(shape)))) for key, shape in shapes.items()}


def _value(salt: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    numbers = drawn(salt, key, shape)
    if key.startswith("lin"):
        numbers = 0.1 * np.abs(numbers)
    elif key.endswith("running_mean"):
        numbers = 0.1 * numbers
    elif key.endswith("running_var"):
        numbers = 1 + 0.2 * np.abs(numbers)
    elif len(shape) > 1:
        numbers = numbers * np.sqrt(2 / np.prod(shape[1:]))
    elif key.endswith("bn.weight"):
        numbers = 1 + 0.1 * numbers
    else:
        numbers = 0.05 * numbers
    return numbers.astype(np.float32)
