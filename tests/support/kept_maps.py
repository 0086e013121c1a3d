"""What OOTDiffusion's U-Nets keep for the backward pass, counted of the library's own blocks wired as published: no memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from tryon.networks.reference_attention import reference_blocks
from tryon.training.memory import counted_attention


@dataclass(frozen=True)
class Kept:
    """Bytes in 16 bits.

    Args:
        maps: storages that live between the two passes.
        views: linear layers' weights, which autograd saves as transposed views: no memory, but tensors of their size.
    """

    maps: float
    views: float


def kept_by_the_library(size: tuple[int, int], *, frozen: bool, recompute: bool) -> Kept:
    """Count one pair.

    Args:
        size: (height, width) of the picture.
        frozen: no gradient goes through the garment U-Net.
        recompute: the library's gradient checkpointing.
    """
    count, unets = _Count(), (_unet(4), _unet(8))
    tokens: list[Tensor] = []
    with counted_attention(), torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(count.pack, _unpack):
        for unet, looks in zip(unets, (False, True), strict=True):
            if recompute:
                unet.enable_gradient_checkpointing()
            for block in reference_blocks(unet):
                block.forward = _looking(block, tokens) if looks else _giving(block, tokens)
            latents, context = (_empty(1, unet.config.in_channels, size[0] // 8, size[1] // 8), _empty(1, 2, 768))
            with torch.set_grad_enabled(looks or not frozen):
                answer = unet(latents, torch.zeros(1, device="meta", dtype=torch.long), context).sample
            if not looks:
                del answer  # thrown away, as published; what led to it from the last tokens on is given back
    return Kept(float(sum(count.sizes.values())), float(sum(count.views.values())))


def _unet(inputs: int) -> Any:
    with torch.device("meta"):
        unet = UNet2DConditionModel(in_channels=inputs, cross_attention_dim=768)
    return nn.Module.to(unet, torch.float16).train()


def _empty(*shape: int) -> Tensor:
    return torch.empty(*shape, device="meta", dtype=torch.float16)


def _giving(block: Any, tokens: list[Tensor]) -> Any:
    def forward(hidden_states: Tensor, attention_mask: None, encoder_hidden_states: Tensor, *rest: Any, **more: Any) -> Tensor:
        tokens.append(hidden_states)
        return _behind(block, block.attn1(block.norm1(hidden_states)) + hidden_states, encoder_hidden_states)

    return forward


def _looking(block: Any, tokens: list[Tensor]) -> Any:
    def forward(hidden_states: Tensor, attention_mask: None, encoder_hidden_states: Tensor, *rest: Any, **more: Any) -> Tensor:
        own, both = hidden_states.shape[1], torch.cat([hidden_states, tokens.pop(0)], dim=1)
        return _behind(block, (block.attn1(block.norm1(both)) + both)[:, :own], encoder_hidden_states)

    return forward


def _behind(block: Any, tokens: Tensor, context: Tensor) -> Tensor:
    tokens = block.attn2(block.norm2(tokens), encoder_hidden_states=context) + tokens
    out: Tensor = block.ff(block.norm3(tokens)) + tokens
    return out


class _Count:
    """Follows what is saved to its end."""

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.views: dict[int, int] = {}
        self.held: dict[int, int] = {}

    def pack(self, tensor: Tensor) -> Any:
        if isinstance(tensor, nn.Parameter):
            return tensor
        if isinstance(tensor._base, nn.Parameter):
            self.views[id(tensor._base)] = tensor.nbytes
            return tensor
        return _Saved(self, tensor)


class _Saved:
    def __init__(self, count: _Count, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self.count, self.tensor, self.key = count, tensor, id(storage)
        count.sizes[self.key] = storage.nbytes()
        count.held[self.key] = count.held.get(self.key, 0) + 1

    def __del__(self) -> None:
        self.count.held[self.key] -= 1
        if not self.count.held[self.key]:
            del self.count.held[self.key], self.count.sizes[self.key]


def _unpack(saved: Any) -> Tensor:
    tensor: Tensor = saved.tensor if isinstance(saved, _Saved) else saved
    return tensor
