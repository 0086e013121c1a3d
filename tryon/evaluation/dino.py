"""DINOv2 (Oquab et al. 2023) from the published file: its tensors under the names that transformers' own class has.

Facts: docs/facts/evaluation.md#clip-i-and-dino.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 224
SHORT_SIDE = 256
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TOP = {
    "cls_token": "embeddings.cls_token",
    "mask_token": "embeddings.mask_token",
    "pos_embed": "embeddings.position_embeddings",
    "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
    "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
    "norm.weight": "layernorm.weight",
    "norm.bias": "layernorm.bias",
}
_SCALES = {"ls1.gamma": "layer_scale1.lambda1", "ls2.gamma": "layer_scale2.lambda1"}
_ATTENTION = ("attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj")
_ATTENTION_4 = ("attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense")
"""Query, key, value and what follows, as transformers 5 and 4 name them."""
_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")


def renamed(tensors: Mapping[str, Tensor], attention: Sequence[str] = _ATTENTION) -> dict[str, Tensor]:
    """Official names → those of `Dinov2Model`; query, key and value are one tensor there and three here.

    Args:
        tensors: of the published file.
        attention: the class's own names of the four parts of attention.

    Raises:
        KeyError: a name that is not DINOv2's.
    """
    return {name: tensor for key, value in tensors.items() for name, tensor in _named(key, value, attention)}


def library_names(tensors: Mapping[str, Tensor], known: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As `renamed`, by the names that the installed library has.

    Args:
        tensors: of the published file.
        known: the network's own.
    """
    return renamed(tensors, next(each for each in (_ATTENTION, _ATTENTION_4) if f"encoder.layer.0.{each[0]}.weight" in known))


def _named(key: str, value: Tensor, attention: Sequence[str]) -> Iterator[tuple[str, Tensor]]:
    match = _BLOCK.fullmatch(key)
    if match is None:
        yield _TOP[key], value
        return
    layer, rest = f"encoder.layer.{match[1]}", match[2]
    if rest.startswith("attn.qkv."):
        for part, third in zip(attention[:3], value.chunk(3), strict=True):
            yield f"{layer}.{part}.{rest.rpartition('.')[2]}", third
        return
    rest = rest.replace("attn.proj", attention[3])
    yield f"{layer}.{_SCALES.get(rest, rest)}", value


def build(tensors: Mapping[str, Tensor], heads: int) -> Any:
    """The network of a file, its widths taken from the tensors.

    Args:
        tensors: of the published file.
        heads: attention heads: 12 for ViT-B.

    Raises:
        RuntimeError: tensors are missing, too many, or have other shapes.
    """
    from transformers import Dinov2Config, Dinov2Model

    own = renamed(tensors)
    width, _, patch, _ = own["embeddings.patch_embeddings.projection.weight"].shape
    places = own["embeddings.position_embeddings"].shape[1] - 1
    config = Dinov2Config(
        hidden_size=width,
        num_hidden_layers=1 + max(int(match[1]) for key in tensors if (match := _BLOCK.fullmatch(key))),
        num_attention_heads=heads,
        mlp_ratio=own["encoder.layer.0.mlp.fc1.weight"].shape[0] // width,
        image_size=round(places**0.5) * patch,
        patch_size=patch,
    )
    model = Dinov2Model(config).eval()
    model.load_state_dict(library_names(tensors, model.state_dict()), strict=True)
    return model
