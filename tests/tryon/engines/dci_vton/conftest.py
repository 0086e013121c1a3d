"""The published warping network's recorded results, and a file with the published names and made-up weights."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from named_weights import weights_module

from tryon.engines.dci_vton import checkpoint
from tryon.engines.dci_vton.architecture import Architecture
from tryon.engines.dci_vton.network import DciVton
from tryon.networks.clip import ClipWidths
from tryon.networks.savings.switches import Savings


@pytest.fixture(scope="session")
def dci_records(fixtures_root: Path) -> Path:
    return fixtures_root / "dci_vton"


@pytest.fixture(scope="session")
def dci_weights(dci_records: Path) -> ModuleType:
    """The module that makes weights from key names."""
    return weights_module(dci_records)


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


@pytest.fixture(scope="session")
def diffusion_records(dci_records: Path) -> dict[str, np.ndarray]:
    with np.load(dci_records / "public" / "diffusion.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def diffusion_architecture(diffusion_records: dict[str, np.ndarray]) -> Architecture:
    """The widths of the recorded network: one layer a level, a tenth of the channels."""
    widths = json.loads(str(diffusion_records["config_json"]))
    unet, vae, clip = widths["unet"], widths["vae"], widths["clip"]
    return Architecture(
        model_channels=unet["model_channels"],
        unet_layers=unet["num_res_blocks"],
        vae_channels=vae["ch"],
        vae_layers=vae["num_res_blocks"],
        clip=ClipWidths(intermediate_size=clip["intermediate_size"], layers=clip["num_hidden_layers"]),
    )


@pytest.fixture(scope="session")
def diffusion_file(
    diffusion_records: dict[str, np.ndarray], dci_weights: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A Lightning checkpoint in the published layout, schedule buffers, VGG and all."""
    shapes = json.loads(str(diffusion_records["key_shapes_json"]))
    made = dci_weights.fill(shapes, json.loads(str(diffusion_records["config_json"]))["salt"])
    state = {key: torch.from_numpy(made[key]) if key in made else torch.zeros(shape) for key, shape in shapes.items()}
    path = tmp_path_factory.mktemp("dci") / "viton512.ckpt"
    torch.save({"state_dict": state, "epoch": 40, "global_step": 1}, path)
    return path


@pytest.fixture(scope="session")
def diffusion_with(diffusion_file: Path, diffusion_architecture: Architecture) -> Callable[[Savings], DciVton]:
    """The recorded network with the given savings."""
    weights = checkpoint.read_published(diffusion_file, diffusion_architecture)

    @functools.cache
    def filled(savings: Savings) -> DciVton:
        return checkpoint.fill_network(weights, torch.float32, diffusion_architecture, savings)

    return filled
