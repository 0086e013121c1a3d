"""Attention proper, softmax(q kᵀ / √d) v, by the kernel that is fastest where it runs; all give the same numbers up to rounding.

All take queries (b, heads, n, d), keys and values (b, heads, m, d), and return (b, heads, n, d).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

AttentionProbe = Callable[[Tensor], None]
"""Sees an attention map, (b, heads, n, m)."""

BLOCK = 384
"""Queries per block: few enough for their scores to stay in a core's cache at 3,072 keys, many enough for the matrix kernel."""

KEYS = 3072
"""Keys per block, where blocks can be summed: with four times as many (1024×768 pixels) scores would leave the cache."""

LARGEST_SCORE = 70.0
"""Scores that are surely smaller in size need no maximum subtracted: e^70 times any sum of values still fits fp32 and bf16."""


def mix(query: Tensor, key: Tensor, value: Tensor, *, fused: bool = True, probe: AttentionProbe | None = None) -> Tensor:
    """Attention.

    Args:
        query: (b, heads, n, d).
        key: (b, heads, m, d).
        value: (b, heads, m, d).
        fused: never write the whole score matrix; False does, as the oldest code did.
        probe: sees the map, computed beside the answer, so that looking changes nothing.
    """
    if probe is not None:
        probe(attention_map(query, key))
    if not fused:
        return mix_explicitly(query, key, value)
    if query.device.type == "cpu" and query.dtype == torch.bfloat16 and not _cpu_has_matrix_tiles():
        return mix_in_blocks(query, key, value)
    return F.scaled_dot_product_attention(query, key, value)


def mix_explicitly(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """With the whole map in memory: 300 MB in fp32 at 64×48 tokens and eight heads."""
    return attention_map(query, key) @ value


def attention_map(query: Tensor, key: Tensor) -> Tensor:
    """Each query's weights over the keys, (b, heads, n, m); rows sum to 1."""
    return torch.softmax(query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5, dim=-1)


def mix_in_blocks(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Head by head, in blocks of queries.

    torch's fused CPU kernel multiplies bf16 no faster than fp32 unless the CPU has matrix tiles (AMX); plain matrix products do,
    which makes this about twice as fast on AVX512-BF16.
    """
    scale = query.shape[-1] ** -0.5
    small = _largest_products(query, key) * scale < LARGEST_SCORE
    out = torch.empty_like(query)
    for picture in range(query.shape[0]):
        for head in range(query.shape[1]):
            mix_head = _mix_small_scores if small[picture, head] else _mix_any_scores
            mix_head(query[picture, head], key[picture, head], value[picture, head], scale, out[picture, head])
    return out


def _largest_products(query: Tensor, key: Tensor) -> Tensor:
    """(b, heads) no product of a query and a key of a head is larger in size: Cauchy-Schwarz."""
    longest = [torch.linalg.vector_norm(vectors, dim=-1, dtype=torch.float32).amax(-1) for vectors in (query, key)]
    product: Tensor = longest[0] * longest[1]
    return product


def _mix_any_scores(query: Tensor, key: Tensor, value: Tensor, scale: float, out: Tensor) -> None:
    """One head, (n, d) and (m, d); fills `out` (n, d)."""
    query = query * scale
    for start in range(0, len(query), BLOCK):
        rows = slice(start, start + BLOCK)
        out[rows] = torch.softmax(query[rows] @ key.T, dim=-1) @ value


def _mix_small_scores(query: Tensor, key: Tensor, value: Tensor, scale: float, out: Tensor) -> None:
    """The same in fewer passes over the scores: no maximum is sought, and a column of ones beside the values sums the weights."""
    depth, base_two = value.shape[1], query * (scale * math.log2(math.e))
    counted = F.pad(value, (0, 1), value=1.0)
    sums = torch.zeros(len(query), depth + 1, device=query.device)
    for first in range(0, len(key), KEYS):
        keys = slice(first, first + KEYS)
        for start in range(0, len(query), BLOCK):
            rows = slice(start, start + BLOCK)
            sums[rows] += (base_two[rows] @ key[keys].T).exp2_() @ counted[keys]
    out.copy_(sums[:, :depth] / sums[:, depth:])


def _cpu_has_matrix_tiles() -> bool:
    return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())
