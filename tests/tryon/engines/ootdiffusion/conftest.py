"""The network of the recorded results: a twentieth of the channels, weights made from their names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from named_weights import weights_module
from safetensors.torch import save_file
from tiny_engines import tiny_ootd
from torch import Tensor

from benchmarks.generated import GeneratedWeights
from tryon.engines.ootdiffusion.architecture import Architecture
from tryon.engines.ootdiffusion.checkpoint import Files, empty_network
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.networks.clip import ClipWidths, TextWidths
from tryon.networks.savings.switches import ALL, OFFICIAL, Savings

PREFIXES = {
    "unet_garm": "unet_garm.",
    "unet_vton": "unet_vton.",
    "vae": "vae.",
    "text_encoder": "text_encoder.text_model.",
    "image_encoder": "image_encoder.",
}
"""Our parts and the prefixes under which the recorded weights were drawn."""


class Records:
    """Recorded tensors, and inputs made from their names."""

    def __init__(self, folder: Path) -> None:
        self.make: ModuleType = weights_module(folder)
        with np.load(folder / "public" / "ootd_network_public.npz") as file:
            self.arrays = dict(file)
        self.meta: dict[str, Any] = json.loads(str(self.arrays.pop("meta")))
        self.salt = self.meta["salt"]

    def __call__(self, name: str) -> Tensor:
        return torch.from_numpy(self.arrays[name])

    def picture(self, name: str) -> np.ndarray:
        height, width = self.meta["image_hw"]
        picture: np.ndarray = self.make.image_for(name, height, width, self.salt)
        return picture

    def data(self, name: str, *shape: int) -> Tensor:
        return torch.from_numpy(self.make.data_for(name, shape, self.salt))

    def network(self, architecture: Architecture, savings: Savings) -> OotDiffusion:
        made = OotDiffusion(architecture, savings)
        for part, prefix in PREFIXES.items():
            self.make.fill_module(getattr(made, part), prefix, self.salt)
        return made.eval().requires_grad_(False)


def tower(widths: dict[str, Any]) -> dict[str, int]:
    return {
        "hidden_size": widths["hidden_size"],
        "intermediate_size": widths["intermediate_size"],
        "layers": widths["num_hidden_layers"],
        "heads": widths["num_attention_heads"],
        "projection_dim": widths["projection_dim"],
    }


@pytest.fixture(scope="session")
def records(fixtures_root: Path) -> Records:
    return Records(fixtures_root / "ootdiffusion")


@pytest.fixture(scope="session")
def architecture(records: Records) -> Architecture:
    unet, vae, text, vision = (records.meta[name] for name in ("unet", "vae", "clip_text", "clip_vision"))
    finest = vae["block_out_channels"][0]
    return Architecture(
        level_channels=tuple(unet["block_out_channels"]),
        heads=unet["attention_head_dim"],
        context_dim=unet["cross_attention_dim"],
        groups=unet["norm_num_groups"],
        vae_channels=finest,
        vae_multipliers=tuple(width // finest for width in vae["block_out_channels"]),
        vae_layers=vae["layers_per_block"],
        vae_groups=vae["norm_num_groups"],
        text=TextWidths(vocabulary=text["vocab_size"], positions=text["max_position_embeddings"], **tower(text)),
        clip=ClipWidths(image_size=vision["image_size"], patch_size=vision["patch_size"], **tower(vision)),
    )


@pytest.fixture(scope="session", params=[OFFICIAL, ALL], ids=["official", "all savings"])
def network(request: pytest.FixtureRequest, records: Records, architecture: Architecture) -> OotDiffusion:
    return records.network(architecture, request.param)


@pytest.fixture(scope="session")
def both_networks(records: Records, architecture: Architecture) -> dict[str, OotDiffusion]:
    return {"official": records.network(architecture, OFFICIAL), "all": records.network(architecture, ALL)}


@pytest.fixture(scope="module")
def tiny_weights() -> Mapping[str, torch.Tensor]:
    made = GeneratedWeights(empty_network(tiny_ootd()).state_dict())
    return {name: made[name].clone().contiguous() for name in made}


@pytest.fixture
def files(tiny_weights: Mapping[str, torch.Tensor], tmp_path: Path) -> Files:
    """The published folders, with the published names."""

    def part(name: str, prefix: str = "") -> dict[str, torch.Tensor]:
        return {prefix + key.removeprefix(f"{name}."): each for key, each in tiny_weights.items() if key.startswith(f"{name}.")}

    for name in ("unet_garm", "unet_vton"):
        (tmp_path / name).mkdir()
        save_file(part(name), tmp_path / name / "diffusion_pytorch_model.safetensors")
    torch.save(part("vae"), tmp_path / "vae.bin")
    positions = {"text_model.embeddings.position_ids": torch.arange(77)[None], "logit_scale": torch.ones(1)}
    save_file(part("text_encoder", "text_model.") | part("image_encoder") | positions, tmp_path / "clip.safetensors")
    return Files(unets=tmp_path, vae=tmp_path / "vae.bin", clip=tmp_path / "clip.safetensors", row="ootdiffusion-hd")
