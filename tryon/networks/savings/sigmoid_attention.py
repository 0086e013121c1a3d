"""Attention in bf16 on CPUs without matrix tiles, with the exponentials inside the matrix product.

The CPU's bf16 product adds up in fp32 and rounds at the end, so plain scores are off by up to 1 in 512 of their size, and
scores in fp32 cost twice the time. But the kernel can take a sigmoid of the fp32 sums before it rounds. Far below zero a sigmoid
is the exponential, sigmoid(x) = e^x / (1 + e^x), and softmax does not change when all scores of a query move by the same amount.
So scores are moved below -10 and come out as weights: off by 5e-5 for the sigmoid and by 2e-3 for the rounding, which PyTorch's
kernel does to its weights as well.

Scores must be ready when they are added up: the usual 1/√d has to be in queries and keys, each rounded once (`ratio_near`).
"""

from __future__ import annotations

from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor

from tryon.networks.savings.packed import pack_rows, times_packed_rows

ROWS = 256
"""Queries per block."""

KEYS = 3072
"""Keys per block: their weights for 256 queries are 1.5 MB."""

BELOW = 10.0
"""How far below zero the largest possible score is moved: e^-10 is a forty-fifth of what bf16 rounds away."""

LARGEST_SCORE = 80.0
"""Heads that could have larger scores are not tried: what is moved by much more vanishes from fp32's range."""

SMALLEST_SUM = 1e-28
"""A row whose weights add up to less has lost some of them: its best score was far below what its lengths allowed."""

COUNTERS = 8
"""Columns of ones beside the values that add up the weights, each those of every eighth key: eight roundings that even out."""

LARGEST_FACTOR = 255
"""bf16 holds whole numbers up to this, and more that this file does not need."""


def ratio_near(scale: float) -> Fraction:
    """The ratio of two numbers of 8 bits that is nearest to a scale below 1; 2e-5 from it for every usual depth of a head.

    Queries times the numerator and keys divided by the denominator, both before they are rounded, have scaled products.
    """
    steps = (Fraction(scale * 2**shift).limit_denominator(LARGEST_FACTOR) / 2**shift for shift in range(8))
    held = [each for each in steps if _odd(each.numerator) <= LARGEST_FACTOR]
    nearest: Fraction = min(held, key=lambda each: abs(float(each) - scale))
    return nearest


def mix_head(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """One head, softmax(q kᵀ) v.

    Args:
        query: (n, d) bf16, contiguous, scaled.
        key: (m, d) bf16, contiguous.
        value: (m, d) bf16.

    Returns:
        (n, d) fp32, and (n,) bool: the queries whose scores are too large for this way; their rows mean nothing.
    """
    bounds = _lengths(query) * _lengths(key).amax()  # Cauchy-Schwarz: no score of a query is larger
    if not bool(bounds.amax() <= LARGEST_SCORE):
        return torch.zeros(query.shape), torch.ones(len(query), dtype=torch.bool)
    query = torch.cat([query, (-BELOW - bounds).to(query.dtype)], dim=1)  # a column that moves a query's scores,
    key = F.pad(key, (0, 1), value=1.0)  # times one
    counted = _with_counters(value)
    mixed = torch.zeros(len(query), counted.shape[1])
    for first in range(0, len(key), KEYS):
        keys = slice(first, first + KEYS)
        packed, values = pack_rows(key[keys], ROWS), pack_rows(counted[keys].T, ROWS)
        for start in range(0, len(query), ROWS):
            rows = slice(start, start + ROWS)
            mixed[rows] += times_packed_rows(times_packed_rows(query[rows], packed, "sigmoid"), values)
    sums = mixed[:, value.shape[1] :].sum(1, keepdim=True)
    return mixed[:, : value.shape[1]] / sums, ~(sums[:, 0] >= SMALLEST_SUM)


def _lengths(vectors: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=1, keepdim=True, dtype=torch.float32)
    return lengths


def _with_counters(value: Tensor) -> Tensor:
    """(m, d) → (m, d + COUNTERS)."""
    counters = torch.eye(COUNTERS, dtype=value.dtype).repeat(-(-len(value) // COUNTERS), 1)
    return torch.cat([value, counters[: len(value)]], dim=1)


def _odd(number: int) -> int:
    """A whole number without its factors of two, which cost a float nothing."""
    return number // (number & -number)
