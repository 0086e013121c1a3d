"""The recorded inpainting's networks and inputs."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from named_weights import weights_module


@pytest.fixture(scope="session")
def inpainting_records(fixtures_root: Path) -> dict[str, np.ndarray]:
    with np.load(fixtures_root / "dci_vton" / "public" / "hand_inpaint.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def recorded_networks(inpainting_records, fixtures_root: Path) -> SimpleNamespace:
    """`unet`, `vae` and `text` (2, n, c) of the recorded run, and its `config`."""
    made = weights_module(fixtures_root / "dci_vton")
    config = json.loads(str(inpainting_records["config_json"]))
    networks = {"unet": UNet2DConditionModel(**config["unet"]).eval(), "vae": AutoencoderKL(**config["vae"]).eval()}
    for part, network in networks.items():
        shapes = json.loads(str(inpainting_records[f"{part}.key_shapes_json"]))
        state = {key: torch.from_numpy(made.weight(config["salt"], f"{part}.{key}", shape)) for key, shape in shapes.items()}
        network.load_state_dict(state)
    shape = (1, 77, config["unet"]["cross_attention_dim"])
    rows = [
        torch.from_numpy(made.normals(config["salt"], f"input/{name}", shape).astype(np.float32))
        for name in ("prompt_embeds", "negative_embeds")
    ]
    return SimpleNamespace(**networks, text=torch.cat(rows), config=config)
