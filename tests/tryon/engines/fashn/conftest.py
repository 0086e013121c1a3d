"""The network of the recorded results: a twentieth of the channels, weights made from their names."""

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

from tryon.engines.fashn.architecture import Architecture
from tryon.engines.fashn.checkpoint import fill_network, read_published
from tryon.engines.fashn.network import FashnVton
from tryon.networks.savings.switches import ALL, OFFICIAL, Savings

Recorded = dict[str, np.ndarray]


@pytest.fixture(scope="session")
def recordings(fixtures_root: Path) -> Path:
    return fixtures_root / "engines"


@pytest.fixture(scope="session")
def generate(recordings: Path) -> ModuleType:
    """The module of the recorded results that makes weights."""
    return weights_module(recordings)


def recorded(recordings: Path, name: str) -> tuple[Recorded, dict[str, Any]]:
    with np.load(recordings / "public" / f"{name}.npz") as file:
        arrays = dict(file)
    return arrays, json.loads(str(arrays.pop("meta")))


@pytest.fixture(scope="session")
def network_records(recordings: Path) -> tuple[Recorded, dict[str, Any]]:
    return recorded(recordings, "fashn_network")


@pytest.fixture(scope="session")
def pipeline_records(recordings: Path) -> tuple[Recorded, dict[str, Any]]:
    return recorded(recordings, "fashn_pipeline")


@pytest.fixture(scope="session")
def prepare_records(recordings: Path) -> tuple[Recorded, dict[str, Any]]:
    return recorded(recordings, "fashn_prepare")


@pytest.fixture(scope="session")
def architecture(network_records: tuple[Recorded, dict[str, Any]]) -> Architecture:
    widths = network_records[1]["config"]
    return Architecture(
        canvas=tuple(widths["input_shape"]),
        hidden=widths["hidden_size"],
        heads=widths["n_heads"],
        axes=tuple(widths["axes_dim"]),
        patch=widths["patch_size"],
        mixer_blocks=widths["patch_mixer_depth"],
        double_blocks=widths["double_blocks_depth"],
        single_blocks=widths["single_blocks_depth"],
    )


@pytest.fixture(scope="session")
def published_file(
    network_records: tuple[Recorded, dict[str, Any]], generate: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A file with the published names and the reduced widths."""
    from safetensors.torch import save_file

    meta = network_records[1]
    tensors = {
        key: torch.from_numpy(generate.tensor_for(meta["prefix"] + key, shape, meta["salt"]))
        for key, shape in meta["state_dict"].items()
    }
    path = tmp_path_factory.mktemp("fashn") / "model.safetensors"
    save_file(tensors, path)
    return path


@pytest.fixture(scope="session")
def network_with(published_file: Path, architecture: Architecture) -> Callable[[Savings], FashnVton]:
    weights = read_published(published_file, architecture)
    return lambda savings: fill_network(weights, torch.float32, architecture, savings)


@pytest.fixture(params=[OFFICIAL, ALL], ids=["official", "all savings"])
def network(request: pytest.FixtureRequest, network_with: Callable[[Savings], FashnVton]) -> FashnVton:
    return network_with(request.param)


@pytest.fixture
def given(network_records: tuple[Recorded, dict[str, Any]], generate: ModuleType) -> dict[str, torch.Tensor]:
    """Inputs of the recorded call: noisy pictures, person and garment with their poses, times and categories."""
    arrays, meta = network_records
    height, width = meta["config"]["input_shape"]

    def data(name: str, channels: int) -> torch.Tensor:
        return torch.from_numpy(generate.data_for(name, (2, channels, height, width), meta["salt"]))

    picture = {name: data(name, 3).clamp(-1, 1) for name in ("ca", "garment")}
    pose = {name: data(name, 1).clamp(-1, 1) for name in ("person_pose", "garment_pose")}
    return {
        "noisy": data("x", 3),
        "person": torch.cat([picture["ca"], pose["person_pose"]], dim=1),
        "garment": torch.cat([picture["garment"], pose["garment_pose"]], dim=1),
        "times": torch.from_numpy(arrays["times"]),
        "categories": torch.from_numpy(arrays["categories"]),
    }
