"""Enlarging a map by repetition and then convolving it, without the repetition (an exact saving).

Every output pixel of a 3x3 convolution over a doubled map sees only 2x2 different pixels of the small one. So four 2x2 kernels,
one for each place in a 2x2 cell, say the same with 16 multiplications where 36 were made.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.upsampling import Upsample2D
from torch import Tensor, nn

from tryon.networks.savings.packed import PackedConv2d
from tryon.networks.savings.quantised import plain_weight

SEEN = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
"""(place in the cell, row of the small map, row of the 3x3 kernel): which kernel rows fall onto one row of the small map."""


class FoldedUpsample(Upsample2D):  # type: ignore[misc]  # the library ships no types
    """diffusers' `Upsample2D`: nearest neighbour by two, then a 3x3 convolution."""

    phases: tuple[nn.Conv2d, ...] = ()  # the folded convolution; in a tuple, so that it is neither a parameter nor saved

    def forward(self, x: Tensor, output_size: int | None = None) -> Tensor:
        """(b, c, h, w) → (b, c_out, 2h, 2w)."""
        if output_size is not None:
            enlarged: Tensor = super().forward(x, output_size)
            return enlarged
        if not self.phases:
            with torch.inference_mode(False), torch.no_grad():
                self.phases = (fold(self.conv, x.dtype),)
        return interleave(self.phases[0](x))

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self.phases = ()  # about to move or change its number format
        return super()._apply(fn, recurse)


def fold(convolution: nn.Conv2d, dtype: torch.dtype) -> nn.Conv2d:
    """The four 2x2 convolutions of one 3x3 convolution, as one with four times the channels, place in the cell first.

    Args:
        convolution: plain, packed or quantised.
        dtype: number format of the maps.
    """
    if isinstance(convolution, PackedConv2d):
        convolution.restore()
    weight = plain_weight(convolution, torch.float32)
    seen = SEEN.to(weight.device)
    folded = torch.einsum("ayr,bxs,oirs->aboiyx", seen, seen, weight).flatten(0, 2).to(dtype)
    kind = PackedConv2d if isinstance(convolution, PackedConv2d) else nn.Conv2d
    made = kind(convolution.in_channels, 4 * convolution.out_channels, 2, padding=1, device="meta")
    made.weight = nn.Parameter(folded.contiguous(memory_format=_layout(convolution.weight)), requires_grad=False)
    made.bias = None if convolution.bias is None else nn.Parameter(convolution.bias.repeat(4), requires_grad=False)
    return made


def interleave(places: Tensor) -> Tensor:
    """(b, 4·c, h + 1, w + 1), padded by one all round, → (b, c, 2h, 2w): each place of a cell starts where its kernel does."""
    batch, channels, height, width = places.shape[0], places.shape[1] // 4, places.shape[2] - 1, places.shape[3] - 1
    shape = (batch, channels, 2 * height, 2 * width)
    out = torch.empty(shape, dtype=places.dtype, device=places.device, memory_format=_layout(places))
    for number, place in enumerate(places.chunk(4, dim=1)):
        down, right = divmod(number, 2)
        out[:, :, down::2, right::2] = place[:, :, down : down + height, right : right + width]
    return out


def _layout(x: Tensor) -> torch.memory_format:
    return torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format


def foldable(layer: nn.Module) -> bool:
    """Whether a layer is an enlargement by two in front of a plain 3x3 convolution."""
    if type(layer) is not Upsample2D or not layer.interpolate or not isinstance(layer.conv, nn.Conv2d):
        return False
    c = layer.conv
    return (*c.kernel_size, *c.stride, *c.dilation, *c.padding, c.groups) == (3, 3, 1, 1, 1, 1, 1, 1, 1)
