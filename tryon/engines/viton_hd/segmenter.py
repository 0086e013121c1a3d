"""Which class each pixel will have once the person wears the garment: a U-Net (docs/facts/viton_hd.md#segmentation)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tryon.engines.viton_hd.architecture import CLASSES, OFFICIAL, Architecture, Resize

LEVELS = 5
DROPPED = 2
"""Deepest encoder blocks behind which training leaves values out."""

Keep = Sequence[Tensor]
"""What is left of those blocks' maps, shallower one first, of the maps' shape: 0, or the inverse of the share that is kept."""


class DoubleConvolution(nn.Module):
    """Two 3 x 3 convolutions, each normalised per picture."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) → (n, outputs, h, w)."""
        return _normalised(self.second(_normalised(self.first(x))))


class Segmenter(nn.Module):
    """The U-Net.

    Args:
        architecture: its inputs, widths, and how it enlarges.
    """

    def __init__(self, architecture: Architecture = OFFICIAL) -> None:
        super().__init__()
        widths = [architecture.seg_width * 2**level for level in range(LEVELS)]
        self.enlarges: Resize = architecture.seg_enlarges
        self.down = nn.ModuleList(map(DoubleConvolution, [architecture.seg_inputs, *widths[:-1]], widths))
        self.enlarge = nn.ModuleList(nn.Conv2d(2 * width, width, 3, padding=1) for width in widths[-2::-1])
        self.up = nn.ModuleList(DoubleConvolution(2 * width, width) for width in widths[-2::-1])
        self.scores = nn.Conv2d(widths[0], CLASSES, 3, padding=1)

    def forward(self, x: Tensor, keep: Keep = ()) -> Tensor:
        """Raw scores; inference takes their sigmoid, as the published network was trained.

        Args:
            x: (n, inputs, h, w); sides are multiples of 16.
            keep: in training alone; none = nothing is left out.

        Returns:
            (n, 13, h, w) fp32.
        """
        skips: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if level else x)
            if keep and level >= LEVELS - DROPPED:
                x = x * keep[level - LEVELS + DROPPED].to(x.dtype)
            skips.append(x)
        for skip, enlarge, block in zip(skips[-2::-1], self.enlarge, self.up, strict=True):
            x = block(torch.cat([skip, _normalised(enlarge(self._doubled(x)))], dim=1))
        return self.scores(x).float()  # type: ignore[no-any-return]

    def _doubled(self, x: Tensor) -> Tensor:
        corners = None if self.enlarges == "nearest" else False
        return functional.interpolate(x, scale_factor=2, mode=self.enlarges, align_corners=corners)


def _normalised(x: Tensor) -> Tensor:
    return functional.relu(functional.instance_norm(x))
