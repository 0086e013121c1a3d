"""A picture as one context token, as Paint-by-Example and its descendants do: CLIP vision tower, mapper, projection.

Facts: docs/facts/stable_diffusion_1.md#image-token.

With a single token the mapper's attention is only its value path, which is what is written here.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tryon.networks.savings.quantised import plain_weight


class MapperBlock(nn.Module):
    """One pre-norm transformer block seen by a sequence of length one."""

    def __init__(self, width: int, *, with_queries: bool) -> None:
        super().__init__()
        self.norm_value = nn.LayerNorm(width)
        if with_queries:
            self.to_qkv = nn.Linear(width, 3 * width)  # the query and key thirds have no effect on one token
        else:
            self.to_value = nn.Linear(width, width)
        self.to_out = nn.Linear(width, width)
        self.norm_feed_forward = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 1, width) → (b, 1, width)."""
        x = x + self.to_out(self._value(_norm(self.norm_value, x)))
        out: Tensor = x + self.narrow(F.gelu(self.widen(_norm(self.norm_feed_forward, x))))
        return out

    def _value(self, x: Tensor) -> Tensor:
        if hasattr(self, "to_value"):
            value: Tensor = self.to_value(x)
            return value
        rows = slice(2 * x.shape[-1], None)
        return F.linear(x, plain_weight(self.to_qkv, x.dtype)[rows], self.to_qkv.bias[rows])


class TokenMapper(nn.Module):
    """Pooled CLIP vector → the context token of the U-Net, and the learned token that stands for "no picture".

    Args:
        width: channels of the pooled vector.
        layers: number of blocks.
        context_dim: channels of the token.
        with_queries: hold the queries and keys of the published file, which have no say.
    """

    unconditional: nn.Parameter

    def __init__(self, width: int, layers: int, context_dim: int, *, with_queries: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([MapperBlock(width, with_queries=with_queries) for _ in range(layers)])
        self.final_norm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, context_dim)
        self.unconditional = nn.Parameter(self.projection.weight.new_zeros(1, 1, context_dim))

    def features(self, pooled: Tensor) -> Tensor:
        """(b, hidden_size) pooled CLIP vector → (b, 1, hidden_size), before the projection."""
        x = pooled[:, None]
        for block in self.blocks:
            x = block(x)
        return _norm(self.final_norm, x)

    def forward(self, pooled: Tensor) -> Tensor:
        """(b, hidden_size) pooled CLIP vector → (b, 1, context_dim) context token."""
        token: Tensor = self.projection(self.features(pooled))
        return token


def _norm(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    """LayerNorm in fp32 whatever the model's dtype, as the network was trained."""
    return F.layer_norm(x.float(), norm.normalized_shape, norm.weight.float(), norm.bias.float(), norm.eps).to(x.dtype)


class TokenNetwork(nn.Module):
    """A network that Paint-by-Example's descendants share the beginning of: the garment's picture becomes one token."""

    image_encoder: Any
    mapper: TokenMapper

    @property
    def device(self) -> torch.device:
        """Where the network lives."""
        return self.mapper.unconditional.device

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        return self.mapper.unconditional.dtype

    def garment_token(self, clip_pictures: Tensor) -> Tensor:
        """(b, 3, 224, 224) CLIP-normalised garment pictures → (b, 1, context_dim)."""
        token: Tensor = self.mapper(self.image_encoder(clip_pictures.to(self.dtype)).pooler_output)
        return token
