"""Giving layers of the finished network their cheaper forms, and taking those back.

A layer changes its class and nothing else: parameters, their names and whoever holds the layer stay, so the network still loads,
saves and opens with the libraries as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from diffusers.models.activations import GEGLU
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.upsampling import Upsample2D
from torch import nn

from tryon.networks.group_norm import ExactGroupNorm
from tryon.networks.savings.packed import (
    Packed,
    PackedConv2d,
    PackedGate,
    PackedHalves,
    PackedLinear,
    PackedPointwise,
    packed_kind,
)
from tryon.networks.savings.quantised import FULL_FORMAT, QUANTISED, SPARED
from tryon.networks.savings.switches import Savings
from tryon.networks.savings.upsampling import FoldedUpsample, foldable
from tryon.networks.vae import MapAttention

PLAIN: dict[type[nn.Module], type[nn.Module]] = {
    ExactGroupNorm: nn.GroupNorm,
    FoldedUpsample: Upsample2D,
    PackedConv2d: nn.Conv2d,
    PackedPointwise: nn.Conv2d,
    PackedLinear: nn.Linear,
    PackedHalves: nn.Linear,
    PackedGate: GEGLU,
}


def use_cheaper_layers(parts: Iterable[nn.Module], savings: Savings) -> None:
    """Swap in what the savings ask for, in all layers below some parts of the network."""
    for layer in [layer for part in parts for layer in part.modules()]:
        if isinstance(layer, MapAttention):
            layer.kernel = savings.attention
        if type(layer) is nn.GroupNorm:
            layer.__class__ = ExactGroupNorm
        elif savings.fold_upsampling and foldable(layer):
            layer.__class__ = FoldedUpsample
        elif savings.prepack_weights:
            _pack(layer)


def _pack(layer: nn.Module) -> None:
    if isinstance(layer, Transformer2DModel):
        layer.proj_in.__class__ = layer.proj_out.__class__ = PackedPointwise
    elif isinstance(layer, GEGLU):
        layer.proj.__class__ = PackedHalves
        layer.__class__ = PackedGate
    elif (kind := packed_kind(layer)) is not None:
        layer.__class__ = kind


def leave_out_queries(parts: Iterable[nn.Module]) -> None:
    """Take queries, keys and the norm in front of them out of text-style cross-attentions that only ever see one token.

    Softmax over one key is 1, so they have no say; `unet_layers.fold_context` needs the rest.
    """
    for layer in [layer for part in parts for layer in part.modules()]:
        if isinstance(layer, BasicTransformerBlock):
            layer.norm2 = layer.attn2.to_q = layer.attn2.to_k = None


def use_quantised_layers(parts: Iterable[nn.Module], weight_format: str, spared: Set[str] = SPARED) -> None:
    """Round the weights of linear layers and convolutions to 8 bits, one layer after the other; norms keep theirs.

    Layers that are quantised already stay as they are.

    Args:
        parts: parts of the network.
        weight_format: `int8` or `fp8`; `full` changes nothing.
        spared: layers with one of these words in their name, between dots, keep their weights.
    """
    if weight_format == FULL_FORMAT:
        return
    named = [(name, layer) for part in parts for name, layer in part.named_modules() if not spared & set(name.split("."))]
    for _, layer in named:
        kind = PLAIN.get(type(layer), type(layer))
        if isinstance(layer, PackedGate):
            layer.__class__ = GEGLU
        elif kind in QUANTISED:
            if isinstance(layer, Packed):
                layer.restore()
            layer.__class__ = QUANTISED[kind]
            layer.quantise(weight_format)


def use_plain_layers(network: nn.Module) -> None:
    """Back to the libraries' own layers: a compiler arranges weights by itself and cannot look into packed ones."""
    for layer in network.modules():
        if isinstance(layer, Packed):
            layer.restore()
        elif isinstance(layer, FoldedUpsample):
            layer.phases = ()
        layer.__class__ = PLAIN.get(type(layer), type(layer))


def use_library_norms(network: nn.Module) -> None:
    """PyTorch's own group normalisation again: what the official code pays for, which a baseline must not pay more for."""
    for layer in network.modules():
        layer.__class__ = nn.GroupNorm if type(layer) is ExactGroupNorm else type(layer)
