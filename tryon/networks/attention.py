"""Attention proper, softmax(scale · q kᵀ) v, by the kernel that is fastest where it runs; all agree up to rounding.

All take queries (b, heads, n, d), keys and values (b, heads, m, d), and return (b, heads, n, d); a scale of None is 1/√d.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor

from tryon.networks.savings import sigmoid_attention
from tryon.networks.savings.packed import kernels_work, pack_rows, times_packed_rows

AttentionProbe = Callable[[Tensor], None]
"""Sees an attention map, (b, heads, n, m)."""


class Kernel(Enum):
    """How attention is computed."""

    EXPLICIT = "explicit"  # the whole score matrix in memory, as the oldest code did
    FUSED = "fused"  # PyTorch's scaled_dot_product_attention
    BLOCKS = "blocks"  # ours on CPUs where it is the fastest, else FUSED


ROWS = 512
"""Queries per block."""

KEYS = 1024
"""Keys per block: scores of 512 queries are 2 MB of fp32, which stay in a core's cache, and sums over 1,024 keep their digits."""

FEWEST_KEYS = 512
"""With fewer keys than this the work around the blocks costs more than the blocks save."""


DEEPEST_HEAD = 256
"""In fp32 a deeper head (the VAE's has 512 channels) goes through PyTorch's kernel, which keeps more digits of a flat map."""


def mix(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    scale: float | None = None,
    kernel: Kernel = Kernel.FUSED,
    probe: AttentionProbe | None = None,
) -> Tensor:
    """Attention.

    Args:
        query: (b, heads, n, d).
        key: (b, heads, m, d).
        value: (b, heads, m, d).
        scale: of the scores.
        kernel: how it is computed.
        probe: sees the map, computed beside the answer, so that looking changes nothing.
    """
    if probe is not None:
        probe(attention_map(query, key, scale))
    if kernel is Kernel.EXPLICIT:
        return mix_explicitly(query, key, value, scale)
    if kernel is Kernel.BLOCKS and blocks_pay(query, key.shape[2], query.shape[3]):
        return mix_in_blocks(query, key, value, scale)
    return F.scaled_dot_product_attention(query, key, value, scale=scale)


def mix_explicitly(query: Tensor, key: Tensor, value: Tensor, scale: float | None = None) -> Tensor:
    """With the whole map in memory: 300 MB in fp32 at 64×48 tokens and eight heads."""
    return attention_map(query, key, scale) @ value


def attention_map(query: Tensor, key: Tensor, scale: float | None = None) -> Tensor:
    """Each query's weights over the keys, (b, heads, n, m); rows sum to 1."""
    return torch.softmax(query @ key.transpose(-1, -2) * _scale(query, scale), dim=-1)


def blocks_pay(x: Tensor, keys: int, depth: int) -> bool:
    """Whether `mix_in_blocks` is the fastest here: a CPU without matrix tiles (AMX), packed kernels, many keys, no gradients.

    Args:
        x: the queries or what they are made of; only its device and number format count.
        keys: how many.
        depth: channels of a head.
    """
    if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.bfloat16) or torch.is_grad_enabled():
        return False
    if x.dtype == torch.float32 and depth > DEEPEST_HEAD:
        return False
    return keys >= FEWEST_KEYS and not _cpu_has_matrix_tiles() and kernels_work(torch.float32)


def ready_scores_pay(x: Tensor, keys: int, depth: int) -> bool:
    """Whether queries and keys should come with their scale in them: bf16 by blocks then takes half the time for the scores."""
    return x.dtype == torch.bfloat16 and blocks_pay(x, keys, depth) and kernels_work(torch.bfloat16)


def mix_in_blocks(query: Tensor, key: Tensor, value: Tensor, scale: float | None = None) -> Tensor:
    """Head by head, in blocks of queries and keys, with running maxima and sums (Milakov & Gimelshein 2018, arXiv 1805.02867).

    Scores, maxima and sums are fp32 in every number format, as in PyTorch's kernel: a score that is rounded to bf16 is off by up
    to 1 in 512 of its size, and its weight by the exponential of that. Keys are packed once per head for the CPU's own matrix
    kernel. In bf16 with a scale of 1 the exponentials are taken inside the product: `sigmoid_attention`.
    """
    out, scale = torch.empty_like(query), _scale(query, scale)
    ready = scale == 1 and ready_scores_pay(query, key.shape[2], query.shape[3])
    query, key = query.contiguous(), key.contiguous()
    for picture in range(query.shape[0]):
        for head in range(query.shape[1]):
            parts = query[picture, head], key[picture, head], value[picture, head]
            out[picture, head] = _mix_ready_head(*parts) if ready else _mix_head(*parts, scale)
    return out


def _mix_ready_head(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """One head in bf16 with a scale of 1; queries with too large scores go the ordinary way."""
    mixed, large = sigmoid_attention.mix_head(query, key, value)
    if bool(large.any()):
        mixed[large] = _mix_head(query[large], key, value, 1.0)
    return mixed


def _mix_head(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """One head: queries (n, d), keys and values (m, d) → (n, d) fp32."""
    query = query.float() * (scale * math.log2(math.e))  # powers of two are cheaper than of e
    top = torch.full((len(query), 1), -math.inf)
    weights = torch.zeros(len(query), 1)
    mixed = torch.zeros(len(query), value.shape[1])
    for first in range(0, len(key), KEYS):
        keys = slice(first, first + KEYS)
        packed, times_values = pack_rows(key[keys].float(), ROWS), _times(value[keys])
        for start in range(0, len(query), ROWS):
            rows = slice(start, start + ROWS)
            scores = times_packed_rows(query[rows], packed)
            highest = torch.maximum(top[rows], scores.amax(1, keepdim=True))
            fading = (top[rows] - highest).exp2_()
            scores.sub_(highest).exp2_()
            weights[rows] = weights[rows] * fading + scores.sum(1, keepdim=True)
            mixed[rows] = mixed[rows] * fading + times_values(scores)
            top[rows] = highest
    return mixed / weights


def _times(values: Tensor) -> Callable[[Tensor], Tensor]:
    """Weights (n, m) fp32 times values (m, d), in the values' own number format: (n, d)."""
    if values.dtype != torch.float32:
        return lambda weights: weights.to(values.dtype) @ values
    packed = pack_rows(values.T, ROWS)
    return lambda weights: times_packed_rows(weights, packed)


def _scale(query: Tensor, scale: float | None) -> float:
    return query.shape[-1] ** -0.5 if scale is None else scale


def _cpu_has_matrix_tiles() -> bool:
    return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())
