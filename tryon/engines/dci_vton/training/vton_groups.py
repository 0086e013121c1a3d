"""Which weights of the diffusion model are trained, in named groups (docs/facts/dci_vton.md#training)."""

from __future__ import annotations

from tryon.engines.dci_vton.network import DciVton
from tryon.training.parameters import Groups

TOKEN = "mapper.unconditional"
"""The learned token of nothing; the published optimiser lists a slice of it, which gets no update."""


def trained_groups(network: DciVton) -> Groups:
    """U-Net and mapper with its last norm and projection, as published; the learned token stays."""
    named = dict(network.named_parameters())
    unet = {name: each for name, each in named.items() if name.startswith("unet.")}
    mapper = {name: each for name, each in named.items() if name.startswith("mapper.") and name != TOKEN}
    return {"u-net": unet, "mapper": mapper}
