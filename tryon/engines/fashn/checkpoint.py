"""From the published file to a network: strict, and one tensor at a time so that nothing is held twice.

Facts: docs/facts/fashn_vton.md#file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from tryon.checkpoints import difference, fill, open_checkpoint, refuse_difference
from tryon.engines.fashn.architecture import FULL, Architecture
from tryon.engines.fashn.keys import UNUSED, our_tensors
from tryon.engines.fashn.network import FashnVton
from tryon.networks.savings.switches import ALL, Savings


def empty_network(architecture: Architecture = FULL, savings: Savings = ALL) -> FashnVton:
    """The network without memory behind its weights (meta device), in evaluation mode."""
    with torch.device("meta"):
        return FashnVton(architecture, savings).eval()


def fill_network(
    weights: Mapping[str, Tensor], dtype: torch.dtype, architecture: Architecture = FULL, savings: Savings = ALL
) -> FashnVton:
    """Build a network from weights that are known to fit.

    Args:
        weights: our name → tensor.
        dtype: number format to run in.
        architecture: its widths.
        savings: which exact savings to use.

    Returns:
        The network on the CPU, evaluation mode, no gradients.
    """
    network = empty_network(architecture, savings)
    fill(network, weights, dtype, channels_last=savings.channels_last)
    return network


def read_published(path: Path, architecture: Architecture = FULL) -> dict[str, Tensor]:
    """Open the published file strictly.

    Args:
        path: `model.safetensors`.
        architecture: the widths it must have.

    Returns:
        Our name → tensor, mapped from the file, in its own number format.

    Raises:
        WeightsError: unsafe, incomplete, or another model, with the names that differ.
    """
    official = open_checkpoint(path)
    found: dict[str, Tensor] = {}
    named: dict[str, str] = {}
    for key, tensor in official.items():
        if key != UNUSED:
            pieces = dict(our_tensors(key, tensor, architecture.hidden))
            found, named = found | pieces, named | dict.fromkeys(pieces, key)
    wanted = empty_network(architecture).state_dict()
    remedy = "python run.py weights pull fashn-vton-1.5"
    refuse_difference(path, "FASHN VTON 1.5", difference(found, wanted, named=lambda name: named.get(name, name)), remedy)
    return found


def load(path: Path, dtype: torch.dtype, *, savings: Savings = ALL, architecture: Architecture = FULL) -> FashnVton:
    """Read and build.

    Raises:
        WeightsError: as `read_published`.
    """
    return fill_network(read_published(path, architecture), dtype, architecture, savings)
