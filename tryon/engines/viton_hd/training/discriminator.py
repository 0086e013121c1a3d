"""Who tells made pictures from real ones: the same patches looked at in full and in half size.

Two scales of pix2pixHD's patch discriminator (Wang et al. 2018, arXiv 1711.11585). Facts: docs/facts/viton_hd.md#training.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

WIDTHS = (64, 128, 256, 512)
"""Of the convolutions before the scores, in a discriminator of full width."""
STRIDES = (2, 2, 2, 1, 1)
KERNEL, PADDING = 4, 2
SCALES = 2

Judge = Callable[[Tensor], list[list[Tensor]]]
"""(n, inputs, h, w) → of each scale, the full size first: what each convolution saw, its scores last."""


class PatchDiscriminator(nn.Module):
    """One scale: five convolutions, the second to the fourth normalised per picture.

    Args:
        inputs: channels.
        width: of the first convolution.
        spectral: kernels are divided by their largest singular value (Miyato et al. 2018, arXiv 1802.05957).
    """

    def __init__(self, inputs: int, width: int, spectral: bool) -> None:
        super().__init__()
        widths = [inputs, *(width * each // WIDTHS[0] for each in WIDTHS), 1]
        made = [
            nn.Conv2d(before, after, KERNEL, stride, PADDING)
            for (before, after), stride in zip(pairwise(widths), STRIDES, strict=True)
        ]
        self.convolutions = nn.ModuleList(nn.utils.spectral_norm(each) if spectral else each for each in made)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(n, inputs, h, w) → four maps and the scores, (n, 1, h/8, w/8) or a little more."""
        seen: list[Tensor] = []
        last = len(self.convolutions) - 1
        for number, convolution in enumerate(self.convolutions):
            x = convolution(x)
            if number < last:
                x = functional.leaky_relu(functional.instance_norm(x) if number else x, 0.2)
            seen.append(x)
        return seen


class Discriminator(nn.Module):
    """Both scales.

    Args:
        inputs: channels: what a picture is judged by, and the picture.
        width: of the first convolution.
        spectral: see `PatchDiscriminator`.
        squashed: scores go through a sigmoid, as in the seed's code, where no loss expects it.
    """

    def __init__(self, inputs: int, width: int = WIDTHS[0], *, spectral: bool = False, squashed: bool = False) -> None:
        super().__init__()
        self.squashed = squashed
        self.scales = nn.ModuleList(PatchDiscriminator(inputs, width, spectral) for _ in range(SCALES))

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        """See `Judge`."""
        x, found = x.to(next(self.parameters()).dtype), []
        for scale in self.scales:
            *seen, scores = scale(x)
            found.append([*seen, torch.sigmoid(scores.float()) if self.squashed else scores.float()])
            x = functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        return found

    def fixed(self, x: Tensor) -> list[list[Tensor]]:
        """The same; gradients flow through it to `x`, and none to its own weights."""
        state = {name: each.detach() for name, each in self.named_parameters()}
        found: list[list[Tensor]] = functional_call(self, state, (x,))
        return found
