"""The published warping network's recorded results, and a file with the published names and made-up weights."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def dci_records(fixtures_root: Path) -> Path:
    return fixtures_root / "dci_vton"


@pytest.fixture(scope="session")
def dci_weights(dci_records: Path) -> ModuleType:
    """The module that makes weights from key names."""
    spec = importlib.util.spec_from_file_location("weights_from_names", dci_records / "weights_from_names.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def dci_keys(fixtures_root: Path) -> dict[str, dict[str, list[int]]]:
    """Every checkpoint key with its shape, by file."""
    keys: dict[str, dict[str, list[int]]] = json.loads((fixtures_root.parent / "spec" / "dci_vton_keys.json").read_text())
    return keys


@pytest.fixture(scope="session")
def warp_records(dci_records: Path) -> dict[str, np.ndarray]:
    with np.load(dci_records / "public" / "warp.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def warp_file(
    warp_records: dict[str, np.ndarray], dci_weights: ModuleType, dci_keys, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """`warp_viton.pth` as published: flat, with the filter that only training uses."""
    made = dci_weights.fill(json.loads(str(warp_records["key_shapes_json"])), str(warp_records["salt"]))
    state = {key: torch.from_numpy(values) for key, values in made.items()}
    state |= {key: torch.zeros(shape) for key, shape in dci_keys["warp_train_extra"].items()}
    path = tmp_path_factory.mktemp("dci") / "warp_viton.pth"
    torch.save(state, path)
    return path
