"""The published networks' recorded results, and files with the published names and made-up weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from named_weights import weights_module

Recorded = dict[str, np.ndarray]
OFFICIAL_NAMES = {"shortcut_norm": "norm_s", "first_norm": "norm_0", "second_norm": "norm_1"}


@pytest.fixture(scope="session")
def viton_hd_records(fixtures_root: Path) -> Path:
    return fixtures_root / "viton_hd"


@pytest.fixture(scope="session")
def made(viton_hd_records: Path) -> ModuleType:
    """The module of the recorded results that makes weights and inputs from names."""
    return weights_module(viton_hd_records)


@pytest.fixture(scope="session")
def viton_hd_keys(fixtures_root: Path) -> dict[str, dict[str, list[int]]]:
    """Every checkpoint key with its shape, by file."""
    keys: dict[str, dict[str, list[int]]] = json.loads((fixtures_root.parent / "spec" / "viton_hd_keys.json").read_text())
    return keys


@pytest.fixture(scope="session")
def records_of(viton_hd_records: Path) -> Callable[[str], tuple[Recorded, dict[str, Any]]]:
    """Arrays and settings of one recording."""

    def read(name: str) -> tuple[Recorded, dict[str, Any]]:
        with np.load(viton_hd_records / "public" / f"{name}.npz") as file:
            arrays = dict(file)
        return arrays, json.loads(str(arrays.pop("config_json")))

    return read


@pytest.fixture(scope="session")
def weights_file(made: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, dict[str, list[int]]], Path]:
    """A checkpoint with the published names, made once per salt."""
    folder, files = tmp_path_factory.mktemp("viton_hd"), {}

    def write(salt: str, shapes: dict[str, list[int]]) -> Path:
        if salt not in files:
            tensors = {key: torch.from_numpy(values) for key, values in made.fill(shapes, salt).items()}
            files[salt] = folder / f"{salt.replace('/', '_')}.pth"
            torch.save(tensors, files[salt])
        return files[salt]

    return write


def official_norm(name: str) -> str:
    """`blocks.2.first_norm` → `up_0.norm_0`: the name by which noise was recorded."""
    block, _, norm = name.rpartition(".")
    if block == "head":
        place = "head_0"
    else:
        number = int(block.partition(".")[2])
        place = f"G_middle_{number}" if number < 2 else f"up_{number - 2}"
    return f"{place}.{OFFICIAL_NAMES[norm]}"


@pytest.fixture(scope="session")
def recorded_noise(made: ModuleType) -> Callable[..., Callable[[str, tuple[int, int]], torch.Tensor]]:
    """The noise of a recording: drawn transposed."""

    def of(salt: str, prefix: str = "noise/", batch: int = 1):
        def draw(name: str, size: tuple[int, int]) -> torch.Tensor:
            numbers = made.normals(salt, prefix + official_norm(name), (batch, size[1], size[0], 1)).astype(np.float32)
            return torch.from_numpy(numbers).permute(0, 3, 2, 1)

        return draw

    return of
