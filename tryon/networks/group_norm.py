"""Group normalisation of channels-last maps on the CPU, as exact as of ordinary ones.

PyTorch's CPU kernel for channels-last maps sums squares in one pass and subtracts the squared mean: where a group is nearly
flat, nothing is left of its variance. It also adds up hundreds of thousands of numbers one by one. `docs/performance.md` has the
figures and the few lines that show it. Here the mean comes first, then the squares of what is left, both summed in blocks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

BLOCK = 131_072
"""Numbers whose squares are taken at once: half a megabyte, which stays in a core's cache."""


class ExactGroupNorm(nn.GroupNorm):
    """`nn.GroupNorm` with accurate statistics of channels-last maps in fp32; everything else is the library's."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, …) → the same shape and memory layout."""
        if not _loses_digits(x):
            return super().forward(x)
        if torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad):
            return super().forward(x.contiguous())  # training: the library's own backward pass
        return normalise(x, self.num_groups, self.weight, self.bias, self.eps)


def normalise(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Group normalisation (Wu & He 2018, arXiv 1803.08494, eq. 1) by two passes.

    Args:
        x: (b, c, h, w) fp32, channels last in memory.
        groups: c is a multiple of it.
        weight: (c,) fp32.
        bias: (c,) fp32.
        eps: added to the variance.

    Returns:
        (b, c, h, w) fp32, channels last in memory.
    """
    batch, channels, height, width = x.shape
    places = x.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    mean = _of_group(places.mean(1), groups)
    squares = torch.zeros_like(mean)
    rows = max(1, BLOCK // channels)
    for start in range(0, height * width, rows):
        squares += (places[:, start : start + rows] - mean[:, None]).square_().sum(1)
    scale = (_of_group(squares / (height * width), groups) + eps).rsqrt_() * weight
    normalised = torch.addcmul((bias - mean * scale)[:, None], places, scale[:, None])
    return normalised.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _of_group(of_channel: Tensor, groups: int) -> Tensor:
    """(b, c): each channel's number becomes the mean of its group."""
    batch, channels = of_channel.shape
    means = of_channel.view(batch, groups, channels // groups).mean(2, keepdim=True)
    return means.expand(-1, -1, channels // groups).reshape(batch, channels)


def _loses_digits(x: Tensor) -> bool:
    """Whether the library's kernel for this input is the inaccurate one."""
    last = x.ndim == 4 and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
    return last and x.device.type == "cpu" and x.dtype == torch.float32
