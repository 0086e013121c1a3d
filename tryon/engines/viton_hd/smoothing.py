"""From class scores at the small size to a label per pixel: enlarged, smoothed, the largest taken.

Enlarging (bilinear) and smoothing (Gaussian 15 x 15, sigma 3, zeros outside) are linear and work per axis: one constant matrix
each (docs/facts/viton_hd.md#from-scores-to-labels).
"""

from __future__ import annotations

import torch
from torch import Tensor

from tryon.engines.viton_hd.kept import kept_matrix

TAPS = 15
SIGMA = 3.0


def labels_of(scores: Tensor, size: tuple[int, int]) -> Tensor:
    """(n, classes, rows, columns) fp32, sigmoid of the scores → (n, *size) int64."""
    return enlarged_scores(scores, size).argmax(1)


def enlarged_scores(scores: Tensor, size: tuple[int, int]) -> Tensor:
    """(n, classes, rows, columns) → (n, classes, *size) fp32."""
    down, across = (axis_matrix(before, after, scores.device) for before, after in zip(scores.shape[2:], size, strict=True))
    return down @ scores.float() @ across.T


@kept_matrix(8)
def axis_matrix(before: int, after: int, device: torch.device) -> Tensor:
    """(after, before) fp32: an axis of `before` places enlarged to `after` and smoothed."""
    where = ((torch.arange(after, dtype=torch.float64) + 0.5) * before / after - 0.5).clamp(min=0)
    left = where.floor().long().clamp(max=before - 1)
    right = (left + 1).clamp(max=before - 1)
    rows = torch.arange(after)
    enlarge = torch.zeros(after, before, dtype=torch.float64)
    enlarge[rows, left] += 1 - (where - left)
    enlarge[rows, right] += where - left
    offsets = torch.arange(TAPS, dtype=torch.float64) - TAPS // 2
    weights = torch.exp(-offsets.square() / (2 * SIGMA**2))
    weights /= weights.sum()
    smooth = torch.zeros(after, after, dtype=torch.float64)
    for offset, weight in zip(offsets.long().tolist(), weights.tolist(), strict=True):
        inside = rows[(rows + offset >= 0) & (rows + offset < after)]
        smooth[inside, inside + offset] += weight
    return (smooth @ enlarge).float().to(device)
