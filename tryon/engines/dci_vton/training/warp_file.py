"""The warping network's weights out of and into files: what training starts from, and what the published code loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from tryon.engines.dci_vton.training.warp_loss import BENDS
from tryon.engines.dci_vton.warping.checkpoint import TRAINING_ONLY, load, official_name
from tryon.engines.dci_vton.warping.flow import OFFSET_WIDTHS
from tryon.engines.dci_vton.warping.network import Warper
from tryon.network_folder import new_folder
from tryon.training.official_file import write_torch_file

FOLDER_FILE = "warp_viton.safetensors"
"""In a folder of ours: the published names in a file that runs no code."""


def new_warper(seed: int, channels: Sequence[int], width: int, between: Sequence[int] = OFFSET_WIDTHS) -> Warper:
    """A network as PyTorch makes it, from a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Warper(channels, width, between)


def read_warper(path: Path, channels: Sequence[int], width: int) -> Warper:
    """A published or exported file, or a folder with one, in fp32.

    Raises:
        WeightsError: not there, unsafe, PF-AFN's own network, or another model.
    """
    return load(path / FOLDER_FILE if path.is_dir() else path, channels, width).requires_grad_(True)


def official_warp_state(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every tensor of the published file by its names, the constant filter of its training loss included."""
    state = {official_name(name): tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    return state | {TRAINING_ONLY: second_differences()}


def second_differences() -> Tensor:
    """(4, 1, 3, 3): along rows, columns and both diagonals."""
    filters = torch.zeros(4, 1, 3, 3)
    for number, pair in enumerate(BENDS):
        filters[number, 0, 1, 1] = -2
        for row, column in pair:
            filters[number, 0, 1 + row, 1 + column] = 1
    return filters


def write_warp_file(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write what the published code loads: flat, without `state_dict`; all or nothing.

    Raises:
        WeightsError: the file exists.
    """
    write_torch_file(path, official_warp_state(weights))


def write_warp_folder(folder: Path, weights: Mapping[str, Tensor]) -> None:
    """Write a folder of ours; all or nothing.

    Raises:
        WeightsError: the folder exists.
    """
    from safetensors.torch import save_file

    with new_folder(folder) as made:
        save_file(official_warp_state(weights), made / FOLDER_FILE)
