"""Group normalisation on the CPU that keeps its digits, also of nearly flat maps.

PyTorch's CPU kernel for channels-last maps sums squares in one pass and subtracts the squared mean: where a group is nearly
flat, nothing is left of its variance. It also adds up hundreds of thousands of numbers one by one. `docs/performance.md` has the
figures and the few lines that show it. Of ordinary maps it is accurate up to the rounding of the mean, which shows on plain grey
pictures. Here the mean comes first, then mean and squares of what is left, all summed in blocks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

BLOCK = 131_072
"""Numbers whose squares are taken at once: half a megabyte, which stays in a core's cache."""


class ExactGroupNorm(nn.GroupNorm):
    """`nn.GroupNorm` with accurate statistics in fp32 on the CPU; everything else is the library's."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, …) → the same shape and memory layout."""
        if x.device.type != "cpu" or x.dtype != torch.float32:
            return super().forward(x)
        if torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad):
            return super().forward(x.contiguous())  # training: the library's own backward pass
        if x.ndim == 4 and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last):
            return normalise(x, self.num_groups, self.weight, self.bias, self.eps)
        groups = x.reshape(x.shape[0], self.num_groups, -1)
        return super().forward((groups - groups.mean(2, keepdim=True)).view(x.shape))


def normalise(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Group normalisation (Wu & He 2018, arXiv 1803.08494, eq. 1) of a channels-last map.

    The mean of fp32 numbers is rounded itself, and where a group is nearly flat that rounding is larger than the deviation. So
    the mean of what is left after subtracting it is subtracted as well.

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
    rest, squares = torch.zeros_like(mean), torch.zeros_like(mean)
    rows = max(1, BLOCK // channels)
    for block in torch.split(places, rows, dim=1):
        left = block - mean[:, None]
        rest += left.sum(1)
        squares += left.square_().sum(1)
    rest = _of_group(rest / (height * width), groups)
    variance = _of_group(squares / (height * width), groups) - rest.square()
    scale = (variance + eps).rsqrt_() * weight
    shift, scale = (bias - rest * scale)[:, None], scale[:, None]
    out = torch.empty_like(places)
    for block, written in zip(torch.split(places, rows, dim=1), torch.split(out, rows, dim=1), strict=True):
        torch.addcmul(shift, block - mean[:, None], scale, out=written)
    return out.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _of_group(of_channel: Tensor, groups: int) -> Tensor:
    """(b, c): each channel's number becomes the mean of its group."""
    batch, channels = of_channel.shape
    means = of_channel.view(batch, groups, channels // groups).mean(2, keepdim=True)
    return means.expand(-1, -1, channels // groups).reshape(batch, channels)
