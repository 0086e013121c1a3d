"""Group normalisation that keeps its digits on the CPU, also of nearly flat maps, and turns no channels-last map on a GPU.

PyTorch's CPU kernel for channels-last maps sums squares in one pass and subtracts the squared mean: where a group is nearly
flat, nothing is left of its variance. It also adds up hundreds of thousands of numbers one by one. `docs/performance.md` has the
figures and the few lines that show it. Of ordinary maps it is accurate up to the rounding of the mean, which shows on plain grey
pictures. Here the mean comes first, then mean and squares of what is left, all summed in blocks.

PyTorch's CUDA kernel wants ordinary maps: it copies channels-last ones, and the next convolution copies its answer back. Here
both reductions read the map as it lies. Written by reading, **not measured**: no GPU was at hand.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

BLOCK = 131_072
"""Numbers whose squares are taken at once: half a megabyte, which stays in a core's cache."""


class ExactGroupNorm(nn.GroupNorm):
    """`nn.GroupNorm`, with accurate statistics in fp32 on the CPU and without copies on CUDA; all else is the library's."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, …) → the same shape and memory layout."""
        if x.device.type == "cuda" and lies_together(x) and not torch.is_grad_enabled() and not torch.compiler.is_compiling():
            return normalise_as_it_lies(x, self.num_groups, self.weight, self.bias, self.eps)
        if x.device.type != "cpu" or x.dtype != torch.float32:
            return super().forward(x)
        if torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad):
            return super().forward(x.contiguous())  # training: the library's own backward pass
        if lies_together(x):
            return normalise(x, self.num_groups, self.weight, self.bias, self.eps)
        groups = x.reshape(x.shape[0], self.num_groups, -1)
        return super().forward((groups - groups.mean(2, keepdim=True)).view(x.shape))


def lies_together(x: Tensor) -> bool:
    """Whether a map keeps its channels together, and not only because it is a single place or channel."""
    return x.ndim == 4 and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)


def normalise_as_it_lies(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Group normalisation of a channels-last map in two readings and one writing, statistics in fp32.

    The library's way costs a copy before, one reading, a reading and writing, and a copy after. A compiler has a norm of its own
    that needs neither, so it is left to it. Of fp32 maps mean and variance come in one reading (Welford). 16-bit ones would be
    rounded there, so their sum and sum of squares are taken in fp32 instead: of numbers with 8 or 11 digits nothing gets lost.

    Args:
        x: (b, c, h, w), channels last in memory.
        groups: c is a multiple of it.
        weight: (c,).
        bias: (c,).
        eps: added to the variance.

    Returns:
        (b, c, h, w) in the format of x, channels last in memory.
    """
    batch, channels, height, width = x.shape
    places = x.permute(0, 2, 3, 1).view(batch, height * width, groups, channels // groups)
    variance, mean = _statistics(places)
    scale = (variance + eps).rsqrt_()[:, :, None] * weight.float().view(groups, -1)
    shift = bias.float().view(groups, -1) - mean[:, :, None] * scale
    out = torch.empty_like(places)
    torch.addcmul(shift[:, None], places, scale[:, None], out=out)
    return out.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _statistics(places: Tensor) -> tuple[Tensor, Tensor]:
    """(b, n, groups, c) → variance and mean of each group, (b, groups) fp32."""
    axes = (1, 3)
    if places.dtype == torch.float32:
        variance, mean = torch.var_mean(places, axes, correction=0)
        return variance, mean
    count = places.shape[1] * places.shape[3]
    mean = places.sum(axes, dtype=torch.float32) / count
    squares = torch.linalg.vector_norm(places, dim=axes, dtype=torch.float32).square_() / count
    return (squares - mean.square()).clamp_(min=0), mean


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
