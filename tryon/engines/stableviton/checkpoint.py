"""From a published file to a network: strict, and one tensor at a time so that nothing is held twice.

Facts: docs/facts/stableviton.md#checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tryon.checkpoints import difference, fill, open_checkpoint, refuse_difference
from tryon.engines.stableviton.architecture import FULL, Architecture
from tryon.engines.stableviton.keys import CONTROL_TAIL, drop_reason, our_name
from tryon.engines.stableviton.network import StableViton
from tryon.engines.stableviton.official_names import official_name
from tryon.engines.stableviton.variants import Variant, variant_of
from tryon.networks.clip import count_positions
from tryon.networks.compvis_names import our_tensor, with_values
from tryon.networks.savings.quantised import FULL_FORMAT, names_in_8_bits
from tryon.networks.savings.switches import ALL, OFFICIAL, Savings

VAE_PREFIX = "first_stage_model."
VAE_TRAINING = "loss."  # LPIPS and discriminator of the VAE's fine-tuning: no part of the VAE


@dataclass(frozen=True)
class Published:
    """The weights of one published file under our names, still mapped from it, and which model it is."""

    weights: dict[str, Tensor]
    variant: Variant


def read_published(path: Path, architecture: Architecture = FULL, vae_file: Path | None = None) -> Published:
    """Open a published checkpoint strictly.

    Args:
        path: `VITONHD.ckpt` or a descendant, flat or nested.
        architecture: the widths it must have.
        vae_file: `VITONHD_VAE_finetuning.ckpt`, whose VAE replaces the one inside.

    Returns:
        Every tensor of the full network, in the file's own number format, and the mapper's value projections by themselves.

    Raises:
        WeightsError: unsafe, incomplete, or another model, with the names that differ.
    """
    return published_weights(path, open_checkpoint(path), architecture, vae_file)


def published_weights(
    path: Path, official: Mapping[str, Tensor], architecture: Architecture = FULL, vae_file: Path | None = None
) -> Published:
    """The same of a file that is open; see `read_published`."""
    variant = variant_of({name: tuple(tensor.shape) for name, tensor in official.items()})
    found, unknown = renamed({key: tensor for key, tensor in official.items() if key not in variant.extra_keys})
    wanted = empty_network(architecture, OFFICIAL).state_dict()
    refuse_difference(path, "StableVITON", difference(found, wanted, unknown, names_in(official)), _hint(official))
    if vae_file is not None:
        found |= read_vae(vae_file, {name: tensor for name, tensor in wanted.items() if name.startswith("vae.")})
    return Published(with_values(found), variant)


def empty_network(architecture: Architecture, savings: Savings = ALL) -> StableViton:
    """The network without memory behind its weights (meta device), in evaluation mode."""
    with torch.device("meta"):
        return StableViton(architecture, savings).eval()


def fill_network(
    architecture: Architecture,
    weights: Mapping[str, Tensor],
    dtype: torch.dtype,
    savings: Savings = ALL,
    weight_format: str = FULL_FORMAT,
) -> StableViton:
    """Build a network from weights that are known to fit.

    Args:
        architecture: its widths.
        weights: our name → tensor; what the savings leave out is never read.
        dtype: number format to run in.
        savings: which exact savings to use.
        weight_format: the one that the weights are in.

    Returns:
        The network on the CPU, evaluation mode, no gradients.
    """
    network = empty_network(architecture, savings)
    network.use_weight_format(weight_format)
    eight_bits = names_in_8_bits(network)
    as_stored = {*eight_bits, *eight_bits.values()}
    fill(network, weights, dtype, channels_last=savings.channels_last, as_stored=as_stored)
    count_positions(network.image_encoder)
    return network


def renamed(official: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """A file's tensors under our names and in our shapes, and those of its names that have no place."""
    found: dict[str, Tensor] = {}
    unknown: list[str] = []
    for key, tensor in official.items():
        if drop_reason(key) is not None:
            continue
        name = our_name(key)
        if name is None:
            unknown.append(key)
        else:
            found[name] = our_tensor(name, tensor)
    return found, unknown


def read_vae(path: Path, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The VAE of a fine-tuning file under our names.

    Args:
        path: the file.
        wanted: our name → tensor of the VAE's shape.

    Raises:
        WeightsError: it is no such VAE, with the names that differ.
    """
    flat = {f"{VAE_PREFIX}{key}": tensor for key, tensor in open_checkpoint(path).items() if not key.startswith(VAE_TRAINING)}
    found, unknown = renamed(flat)  # every key has a place, because every key has the VAE's prefix
    named = names_in(flat)
    wrong = difference(found, wanted, unknown, lambda name: named(name).removeprefix(VAE_PREFIX))
    refuse_difference(path, "StableVITON's VAE", wrong)
    return found


def names_in(official: Iterable[str]) -> Callable[[str], str]:
    """What a file calls our names; of a tensor that it lacks, what the published file calls it."""
    there = {our_name(key): key for key in official if drop_reason(key) is None}
    return lambda name: there.get(name) or official_name(name)


def _hint(official: Iterable[str]) -> str:
    keys = list(official)
    if not any(key.startswith("control_model.") for key in keys):
        return "it has no spatial encoder (control_model.*): this looks like Paint-by-Example or Stable Diffusion"
    if not any(CONTROL_TAIL.match(key) for key in keys):
        return "the spatial encoder is cut: give the file as its authors published it"
    return "give the file as its authors published it; private variants with further layers are not supported"
