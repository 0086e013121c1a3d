"""From the published file to the diffusion network: strict, although the published loader is not.

Facts: docs/facts/stable_diffusion_1.md#checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from tryon.checkpoints import difference, fill, open_checkpoint, refuse_difference
from tryon.engines.dci_vton.architecture import FULL, Architecture
from tryon.engines.dci_vton.keys import drop_reason, our_name
from tryon.engines.dci_vton.network import DciVton
from tryon.networks.clip import count_positions
from tryon.networks.compvis_names import our_tensor, with_values
from tryon.networks.official_names import official_name
from tryon.networks.savings.switches import ALL, OFFICIAL, Savings


def read_published(path: Path, architecture: Architecture = FULL) -> dict[str, Tensor]:
    """Open a published checkpoint.

    Args:
        path: `viton512.ckpt` or `viton512_v2.ckpt`, flat or nested, with or without `vgg.*`.
        architecture: the widths it must have.

    Returns:
        Our name → tensor, mapped from the file, in its own number format; the mapper's value projections by themselves too.

    Raises:
        WeightsError: unsafe, incomplete, or another model, with the names that differ.
    """
    found: dict[str, Tensor] = {}
    named: dict[str, str] = {}
    unknown: list[str] = []
    for key, tensor in open_checkpoint(path).items():
        name = None if drop_reason(key) else our_name(key, architecture.unet_layers)
        if name is not None:
            found[name], named[name] = our_tensor(name, tensor), key
        elif not drop_reason(key):
            unknown.append(key)
    wanted = empty_network(architecture, OFFICIAL).state_dict()
    differing = difference(found, wanted, unknown, lambda name: named.get(name) or official_name(name))
    refuse_difference(path, "DCI-VTON", differing, "give the file as its authors published it")
    return with_values(found)


def empty_network(architecture: Architecture = FULL, savings: Savings = ALL) -> DciVton:
    """The network without memory behind its weights (meta device), in evaluation mode."""
    with torch.device("meta"):
        return DciVton(architecture, savings).eval()


def fill_network(
    weights: Mapping[str, Tensor], dtype: torch.dtype, architecture: Architecture = FULL, savings: Savings = ALL
) -> DciVton:
    """Build a network from weights that are known to fit.

    Args:
        weights: our name → tensor; what the savings leave out is never read.
        dtype: number format to run in.
        architecture: its widths.
        savings: which exact savings to use.

    Returns:
        The network on the CPU, evaluation mode, no gradients.
    """
    network = empty_network(architecture, savings)
    fill(network, weights, dtype, channels_last=savings.channels_last)
    count_positions(network.image_encoder)
    return network
