"""Distances between two sets of features: FID (Heusel et al. 2017), KID (Binkowski et al. 2018); and the Inception Score.

Facts: docs/facts/evaluation.md#fid-and-kid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
LEAST_FOR_FID = 50
"""With fewer pictures FID says more about their number than about them."""
KID_SCALE = 1000
"""Tables print KID times this."""


def fid(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """|m1 - m2|² + tr S1 + tr S2 - 2 tr (S1 S2)^½, covariances with n - 1, in float64.

    The trace is taken from the singular values of the centred sets against each other where they are fewer than dimensions, which
    has no noise there, and from eigenvalues otherwise.

    Args:
        x, y: (n, d) and (m, d) features.
    """
    a, b = x.astype(np.float64), y.astype(np.float64)
    centred_a, centred_b = a - a.mean(0), b - b.mean(0)
    n, m = len(a) - 1, len(b) - 1
    apart = ((a.mean(0) - b.mean(0)) ** 2).sum()
    spread = (centred_a**2).sum() / n + (centred_b**2).sum() / m
    return float(apart + spread - 2 * _cross_trace(centred_a / np.sqrt(n), centred_b / np.sqrt(m)))


def _cross_trace(a: F64, b: F64) -> float:
    """tr (S1 S2)^½ of S1 = aᵀa, S2 = bᵀb."""
    if min(len(a), len(b)) < a.shape[1]:
        return float(np.linalg.svd(a @ b.T, compute_uv=False).sum())
    values, vectors = np.linalg.eigh(a.T @ a)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ (b.T @ b) @ root)
    return float(np.sqrt(np.clip(inner, 0, None)).sum())


def kid(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (xᵀy / d + 1)³: all samples, once, n and m may differ."""
    a, b = x.astype(np.float64), y.astype(np.float64)
    n, m = len(a), len(b)
    own_a, own_b, cross = _kernel(a, a), _kernel(b, b), _kernel(a, b)
    within = (own_a.sum() - np.trace(own_a)) / (n * (n - 1)) + (own_b.sum() - np.trace(own_b)) / (m * (m - 1))
    return float(within - 2 * cross.mean())


def _kernel(a: F64, b: F64) -> F64:
    cubes: F64 = (a @ b.T / a.shape[1] + 1) ** 3
    return cubes


def kid_subsets(x: NDArray[np.floating], y: NDArray[np.floating], size: int, count: int, seed: int = 0) -> F64:
    """(count,) KIDs of random subsets of `size` samples each, as clean-fid and torchmetrics average them; here with a seed."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        one = random.choice(len(x), size, replace=False)
        found.append(kid(x[one], y[random.choice(len(y), size, replace=False)]))
    return np.array(found)


def inception_score(logits: NDArray[np.floating], splits: int = 1) -> float:
    """exp of the mean divergence of each picture's classes from the mean of its split (Salimans et al. 2016).

    Args:
        logits: (n, classes) before softmax.
        splits: so many equal parts; their scores are averaged.
    """
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    scores = []
    for part in np.array_split(log_p, splits):
        mean = np.exp(part).mean(0)
        scores.append(np.exp((np.exp(part) * (part - np.log(np.maximum(mean, 1e-300)))).sum(1).mean()))
    return float(np.mean(scores))
