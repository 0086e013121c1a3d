"""The weights that training starts from: Paint-by-Example widened from 9 to 13 inputs, or any StableVITON.

Facts: docs/facts/stableviton_training.md#start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from pipeline.core.errors import WeightsError
from pipeline.core.weights.converted import INDEX
from pipeline.core.weights.files import digest_of
from tryon.checkpoints import difference, open_checkpoint, refuse_difference
from tryon.engines.stableviton.architecture import FULL, Architecture
from tryon.engines.stableviton.checkpoint import empty_network, names_in, published_weights, read_vae, renamed
from tryon.engines.stableviton.folder import WITH_QUERIES, read_index, read_parts
from tryon.engines.stableviton.warp import build_warp_blocks
from tryon.networks.savings.switches import OFFICIAL

Weights = dict[str, Tensor]

INPUT = "conv_in.weight"
PAINTED = 9
"""Inputs of Paint-by-Example: noisy latent 4, masked latent 4, mask 1; densepose follows them."""

FIRST_INPUT = "model.diffusion_model.input_blocks.0.0.weight"


@dataclass(frozen=True)
class Start:
    """Weights under our names, with the control tail where the file has one.

    Args:
        weights: name → tensor.
        about: what was opened, for people.
        sha256: of the file, or of the source of a converted folder.
    """

    weights: Weights
    about: str
    sha256: str


def read_start(path: Path, architecture: Architecture = FULL, *, seed: int = 0, vae_file: Path | None = None) -> Start:
    """Open what training starts from, strictly.

    Args:
        path: Paint-by-Example's `model.ckpt` (9 inputs), a StableVITON checkpoint or start file, or a converted folder.
        architecture: the widths it must have; a folder's own count.
        seed: of the new layers' random weights, where there are new layers.
        vae_file: a fine-tuned VAE that replaces the one inside.

    Raises:
        WeightsError: missing, unsafe, incomplete, or another model.
    """
    if path.is_dir():
        return _folder(path, architecture, seed)
    official = open_checkpoint(path)
    entrance = official.get(FIRST_INPUT)
    if entrance is not None and entrance.shape[1] == PAINTED:
        weights, about = widened(path, official, architecture, seed), "Paint-by-Example, widened to 13 inputs"
    else:
        weights, about = published_weights(path, official, _with_attention(architecture)).weights, "a StableVITON checkpoint"
        weights = _with_new_additions(weights, architecture, seed)
    if vae_file is not None:
        weights |= read_vae(vae_file, {name: tensor for name, tensor in weights.items() if name.startswith("vae.")})
    return Start(weights, about, digest_of(path).sha256)


def widened(path: Path, official: Mapping[str, Tensor], architecture: Architecture, seed: int) -> Weights:
    """Make StableVITON's start out of Paint-by-Example: densepose enters with zeros, the spatial encoder is a copy.

    Args:
        path: for messages.
        official: Paint-by-Example's weights by their own names.
        architecture: the widths.
        seed: of the zero cross-attention blocks' random weights; their last convolutions are zero.

    Raises:
        WeightsError: names or shapes are not those of Paint-by-Example, with a list.
    """
    found, unknown = renamed(official)
    wanted = empty_network(architecture, OFFICIAL).state_dict()
    old = {name: tensor for name, tensor in wanted.items() if not name.startswith(("control.", "warp."))}
    unet_input = f"unet.{INPUT}"
    old[unet_input] = old[unet_input][:, :PAINTED]
    refuse_difference(
        path,
        "Paint-by-Example",
        difference(found, old, unknown, names_in(official)),
        "give the file as its authors published it: model.ckpt of Fantasy-Studio/Paint-by-Example",
    )
    found[unet_input] = _more_inputs(found[unet_input], wanted[unet_input].shape[1])
    for name in wanted:
        if name.startswith("control.garment_in."):
            found[name] = torch.zeros(wanted[name].shape)
        elif name.startswith("control."):
            found[name] = found[name.replace("control.", "unet.", 1)].clone()
    return found | new_warp_blocks(architecture, seed)


def new_warp_blocks(architecture: Architecture, seed: int) -> Weights:
    """Fresh zero cross-attention: PyTorch's initial weights from a seed, the last convolutions zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        blocks = build_warp_blocks(architecture)
    closing = ("zero_conv.weight", "zero_conv.bias", "transformer.proj_out.weight", "transformer.proj_out.bias")
    return {f"warp.{name}": 0 * tensor if name.endswith(closing) else tensor for name, tensor in blocks.state_dict().items()}


def _more_inputs(weight: Tensor, inputs: int) -> Tensor:
    """(c, 9, 3, 3) → (c, inputs, 3, 3): what is new comes last and counts nothing yet."""
    new = weight.new_zeros(weight.shape[0], inputs - weight.shape[1], *weight.shape[2:])
    return torch.cat([weight, new], dim=1)


def _folder(path: Path, architecture: Architecture, seed: int) -> Start:
    index = read_index(path)
    weights = read_parts(path)
    wanted = empty_network(index.architecture, WITH_QUERIES).state_dict()
    found = {name: tensor for name, tensor in weights.items() if name in wanted}
    refuse_difference(
        path, "StableVITON", difference(found, wanted), "convert the published file again, without --lean and not to int8"
    )
    if _with_attention(index.architecture) != _with_attention(architecture):
        raise WeightsError(
            f"{path / INDEX}: widths {index.architecture} instead of {architecture}", "give weights of the published size"
        )
    if index.architecture.plain_addition != architecture.plain_addition:
        weights = {name: tensor for name, tensor in weights.items() if not name.startswith("warp.")}
        weights |= new_warp_blocks(architecture, seed)
    return Start(weights, "a converted StableVITON", index.source_sha256)


def _with_attention(architecture: Architecture) -> Architecture:
    return replace(architecture, plain_addition=False)


def _with_new_additions(weights: Weights, architecture: Architecture, seed: int) -> Weights:
    """A published file has zero cross-attention; the ablation's own convolutions start at zero."""
    if not architecture.plain_addition:
        return weights
    return {n: tensor for n, tensor in weights.items() if not n.startswith("warp.")} | new_warp_blocks(architecture, seed)
