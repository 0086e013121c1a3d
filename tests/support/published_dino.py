"""A DINOv2 of the library under the names of the published files."""

from __future__ import annotations

import re

import torch

BACK = {
    "embeddings.cls_token": "cls_token",
    "embeddings.mask_token": "mask_token",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.patch_embeddings.projection": "patch_embed.proj",
    "attention.o_proj": "attn.proj",
    "attention.output.dense": "attn.proj",
    "layer_scale1.lambda1": "ls1.gamma",
    "layer_scale2.lambda1": "ls2.gamma",
    "layernorm.": "norm.",
    "encoder.layer.": "blocks.",
}


def published_dino(model) -> dict:
    """A network's tensors as the publishers name them."""
    own = dict(model.state_dict())
    found = {}
    for layer in range(model.config.num_hidden_layers):
        for kind in ("weight", "bias"):
            names = [
                name for name in own if re.search(rf"layer\.{layer}\..*(q_proj|k_proj|v_proj|query|key|value)\.{kind}", name)
            ]
            found[f"blocks.{layer}.attn.qkv.{kind}"] = torch.cat([own.pop(name) for name in names])
    for name, value in own.items():
        for new, old in BACK.items():
            name = name.replace(new, old)
        found[name] = value
    return found
