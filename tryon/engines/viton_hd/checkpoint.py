"""From the three published files to networks: strict; a file of another network is refused by its own name.

Facts: docs/facts/viton_hd.md#files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from pipeline.core.errors import WeightsError
from tryon.checkpoints import difference, open_checkpoint, own_weights, refuse_difference
from tryon.engines.viton_hd.alias import Generator
from tryon.engines.viton_hd.architecture import Architecture
from tryon.engines.viton_hd.keys import KINDS, our_name
from tryon.engines.viton_hd.segmenter import Segmenter
from tryon.engines.viton_hd.warper import Warper
from tryon.recognise import recognise

Network = TypeVar("Network", bound=nn.Module)

LOWER_MARK = "lookbook.lower_garments"
"""A tensor that our files have where they were trained for lower garments."""
_SPECTRAL = re.compile(r"(.+)\.weight_(orig|u|v)")
NAMES = {"seg": "segmentation network", "gmm": "geometric matching network", "alias": "ALIAS generator"}


def load_segmenter(path: Path, dtype: torch.dtype, architecture: Architecture) -> Segmenter:
    """The segmentation network on the CPU, evaluation mode, no gradients.

    Raises:
        WeightsError: unsafe, incomplete or another network, with the names that differ.
    """
    return _load(path, "seg", Segmenter, dtype, architecture)


def load_warper(path: Path, dtype: torch.dtype, architecture: Architecture) -> Warper:
    """The geometric matching network; errors as `load_segmenter`."""
    return _load(path, "gmm", Warper, dtype, architecture)


def load_generator(path: Path, dtype: torch.dtype, architecture: Architecture) -> Generator:
    """The ALIAS generator, its spectral norms folded in; errors as `load_segmenter`."""
    return _load(path, "alias", Generator, dtype, architecture)


def _load(path: Path, network: str, kind: type[Network], dtype: torch.dtype, architecture: Architecture) -> Network:
    official = opened(path, network, architecture)
    found, named, stray = _our_tensors(network, official)
    with torch.device("meta"):
        empty = kind(architecture).eval()  # type: ignore[call-arg]
    counters = [name for name, tensor in found.items() if not tensor.is_floating_point()]
    differs = difference(found, empty.state_dict(), stray, named=lambda name: named.get(name, name))
    refuse_difference(path, f"{whose(architecture)} {NAMES[network]}", differs)
    owned = own_weights(found, found, dtype, channels_last=True, as_stored=counters)
    empty.load_state_dict(owned, strict=True, assign=True)
    return empty.requires_grad_(False)


def opened(path: Path, network: str, architecture: Architecture) -> dict[str, Tensor]:
    """A file's tensors by their official names; errors as `refuse_other`.

    Raises:
        WeightsError: trained for lower garments where upper ones are dressed.
    """
    official = open_checkpoint(path)
    refuse_other(path, network, official, architecture)
    if LOWER_MARK in official and not architecture.lower:
        raise WeightsError(
            f"{path}: trained for lower garments; here weights for upper ones are wanted, as the published ones are",
            "train … --category lower goes on with it; the engines viton_hd and gs_viton dress upper garments",
        )
    return {key: tensor for key, tensor in official.items() if key != LOWER_MARK}


def refuse_other(path: Path, network: str, official: Mapping[str, Tensor], architecture: Architecture) -> None:
    """Refuse another of the three networks, or the other variant's, before names are compared.

    Args:
        path: of the file.
        network: seg, gmm or alias.
        official: what it holds.
        architecture: of the variant that is wanted.

    Raises:
        WeightsError: it is another, which is named.
    """
    kind = recognise({name: tuple(tensor.shape) for name, tensor in official.items()}, KINDS)
    wanted = f"{'viton_hd' if architecture.misaligned_class else 'gs_viton'}_{network}"
    if kind is not None and kind.name != wanted:
        meant = next(each for each in KINDS if each.name == wanted)
        raise WeightsError(
            f"{path}: this is {kind.about}; here {meant.about} is wanted",
            f"weights/{kind.name.rpartition('_')[0].replace('_', '-')}/{kind.name.rpartition('_')[2]}_final.pth is its place",
        )


def _our_tensors(network: str, official: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str], list[str]]:
    """Tensors under our names with spectral norms folded, the file's own names by ours, and names without a place."""
    found: dict[str, Tensor] = {}
    named: dict[str, str] = {}
    stray: list[str] = []
    for key, tensor in _folded(official, stray):
        found[name := our_name(network, key)], named[name] = tensor, key
    return found, named, stray


def _folded(official: Mapping[str, Tensor], stray: list[str]) -> Iterator[tuple[str, Tensor]]:
    """Names and tensors without spectral vectors; a vector without its weight, or the other way round, is stray."""
    for key, tensor in official.items():
        match = _SPECTRAL.fullmatch(key)
        if match is None:
            yield key, tensor
            continue
        parts = [official.get(f"{match[1]}.weight_{part}") for part in ("orig", "u", "v")]
        if any(part is None for part in parts) or not _fits(*parts):  # type: ignore[arg-type]
            stray.append(key)
        elif match[2] == "orig":
            yield f"{match[1]}.weight", unit_spectral(*parts)  # type: ignore[arg-type]


def _fits(weight: Tensor, left: Tensor, right: Tensor) -> bool:
    return left.shape == weight.shape[:1] and right.numel() * weight.shape[0] == weight.numel()


def unit_spectral(weight: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """A kernel divided by its largest singular value, as its stored vectors estimate it.

    Args:
        weight: (outputs, inputs, rows, columns).
        left: (outputs,).
        right: (inputs * rows * columns,).
    """
    matrix = weight.float().flatten(1)
    return (weight.float() / torch.dot(left.float(), matrix @ right.float())).to(weight.dtype)


def whose(architecture: Architecture) -> str:
    """Name of a variant's owner."""
    return "VITON-HD's" if architecture.misaligned_class else "GS-VITON's"
