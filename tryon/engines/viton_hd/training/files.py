"""The networks as they are trained, out of and into files: new weights, start files, and what the engines load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from pipeline.core.errors import WeightsError
from tryon.checkpoints import difference, open_checkpoint, own_weights, refuse_difference
from tryon.engines.viton_hd.alias import Generator
from tryon.engines.viton_hd.architecture import Architecture
from tryon.engines.viton_hd.checkpoint import LOWER_MARK, NAMES, opened, whose
from tryon.engines.viton_hd.keys import official_name, our_name
from tryon.engines.viton_hd.segmenter import Segmenter
from tryon.engines.viton_hd.training.spectral import settled, with_spectral_norms
from tryon.engines.viton_hd.warper import Warper
from tryon.training.official_file import write_torch_file

GAIN = 0.02
"""Of new kernels (Glorot & Bengio 2010), and the spread of new norms around 1."""


def made_network(stage: str, architecture: Architecture) -> nn.Module:
    """A network in the form in which it is trained: the generator's kernels keep their spectral norms apart."""
    if stage == "alias":
        return with_spectral_norms(Generator(architecture))
    return Segmenter(architecture) if stage == "seg" else Warper(architecture)


def new_network(stage: str, architecture: Architecture, seed: int) -> nn.Module:
    """The same with new weights, from a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # of the spectral norms' first vectors
        network = made_network(stage, architecture)
    begin(network, seed)
    return network


def begin(network: nn.Module, seed: int) -> None:
    """Give a network new weights: kernels by their sizes, nothing added, norms near 1."""
    chance = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            kernel = layer.weight_orig if hasattr(layer, "weight_orig") else layer.weight
            assert isinstance(kernel, Tensor)
            nn.init.xavier_normal_(kernel, GAIN, chance)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, GAIN, chance)


def start_file(path: Path, stage: str) -> Path:
    """A start file, or the one of a stage in a folder of all three."""
    return path / f"{stage}_final.pth" if path.is_dir() else path


def read_network(path: Path, stage: str, architecture: Architecture) -> nn.Module:
    """A network from a published or exported file, fp32, ready to be trained.

    Args:
        path: the file, or a folder with the three.
        stage: seg, gmm or alias.
        architecture: of the variant.

    Raises:
        WeightsError: not there, unsafe, another of the three networks, or another variant's.
    """
    path = start_file(path, stage)
    official = opened(path, stage, architecture)
    named = {our_name(stage, key): key for key in official}
    found = {name: official[key] for name, key in named.items()}
    network = made_network(stage, architecture)
    differs = difference(found, network.state_dict(), named=lambda name: named.get(name, official_name(stage, name)))
    refuse_difference(path, f"{whose(architecture)} {NAMES[stage]}", differs)
    counters = [name for name, tensor in found.items() if not tensor.is_floating_point()]
    network.load_state_dict(own_weights(found, found, torch.float32, as_stored=counters), strict=True)
    return network


def known_garments(path: Path, stage: str) -> bool:
    """Whether a file says that it was trained for lower garments; a published one says nothing."""
    return LOWER_MARK in open_checkpoint(start_file(path, stage))


def official_state(stage: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A trained state by its official names."""
    return {official_name(stage, name): each.detach().cpu().contiguous().clone() for name, each in settled(state).items()}


def write_file(path: Path, stage: str, state: Mapping[str, Tensor]) -> None:
    """Write what the engines and the published code load; all or nothing.

    Raises:
        WeightsError: the file exists.
    """
    write_torch_file(path, official_state(stage, state))


def write_folder(folder: Path, stage: str, state: Mapping[str, Tensor], *, lower: bool = False) -> None:
    """Write it under the name that the engines look for, beside those of the other stages; for lower garments it says so.

    Raises:
        WeightsError: the folder has such a file, or is none.
    """
    if folder.is_file():
        raise WeightsError(f"{folder}: a file, not a folder", "give a folder")
    mark = {LOWER_MARK: torch.ones(1)} if lower else {}
    write_torch_file(folder / f"{stage}_final.pth", official_state(stage, state) | mark)
