"""The generator's normalisation: by region, with noise, and with scale and shift that a label map gives.

Facts: docs/facts/viton_hd.md#normalisation. This is the plain form, for training and for comparison; `modulation.py` computes
the same with a table.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5
HIDDEN = 128
"""Channels between the label map and its scale and shift."""


class LabelNorm(nn.Module):
    """Normalise, then scale and shift as the labels around each pixel say.

    Args:
        channels: of the maps.
        labels: channels of the label map.
        by_region: inside and outside of a mask have statistics of their own.
    """

    def __init__(self, channels: int, labels: int, by_region: bool) -> None:
        super().__init__()
        self.by_region = by_region
        self.noise_scale = nn.Parameter(torch.zeros(channels))
        self.shared = nn.Conv2d(labels, HIDDEN, 3, padding=1)
        self.scale = nn.Conv2d(HIDDEN, channels, 3, padding=1)
        self.shift = nn.Conv2d(HIDDEN, channels, 3, padding=1)

    def forward(self, x: Tensor, labels: Tensor, mask: Tensor, noise: Tensor) -> Tensor:
        """The normalised map.

        Args:
            x: (n, channels, h, w).
            labels: (n, labels, h, w), mostly 0 and 1.
            mask: (n, 1, h, w), 0 … 1; fractions at its rim.
            noise: (n, 1, h, w), standard normal.
        """
        noisy = x.float() + noise * self.noise_scale.float()[:, None, None]
        z: Tensor = region_norm(noisy, mask) if self.by_region else functional.instance_norm(noisy, eps=EPSILON)
        hidden = functional.relu(self.shared(labels.to(x.dtype)))
        modulated: Tensor = z * (1 + self.scale(hidden).float()) + self.shift(hidden).float()
        return modulated.to(x.dtype)


def region_norm(x: Tensor, mask: Tensor) -> Tensor:
    """Normalise inside and outside of a mask; both parts are added, weighted by the mask.

    Args:
        x: (n, c, h, w) fp32.
        mask: (n, 1, h, w), 0 … 1; an empty region adds nothing.
    """
    return _region(x, mask) + _region(x, 1 - mask)


def _region(x: Tensor, mask: Tensor) -> Tensor:
    total = mask.sum(dim=(2, 3), keepdim=True)
    total = torch.where(total == 0, 1, total)
    mean = (x * mask).sum(dim=(2, 3), keepdim=True) / total
    filled = x * mask + (1 - mask) * mean
    pixels = x.shape[2] * x.shape[3]
    normal: Tensor = functional.instance_norm(filled, eps=EPSILON)
    return normal * (total / pixels).sqrt()
