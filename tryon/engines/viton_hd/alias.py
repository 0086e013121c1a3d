"""The generator: from coarse to fine, what is shown of person and garment joins at every size (docs/facts/viton_hd.md#generator).

Convolutions are kept with their spectral norm folded in; training divides by it anew (`checkpoint.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from tryon.engines.viton_hd.architecture import GROUPS, OFFICIAL, UNIT_PX, Architecture
from tryon.engines.viton_hd.normalisation import LabelNorm

INPUTS = 9
"""The agnostic picture, the pose, the warped garment."""
FEATURES = 16
"""Channels that the inputs bring to each size but the coarsest."""
WIDTHS = (32, 32, 16, 8, 4, 2, 1)
"""What comes out of the two middle blocks and the five above them, in halves of the generator's width; the head has 32."""
FINE = 3
"""Last blocks, which see the undivided label map and normalise the whole picture at once."""

Draw = Callable[[str, tuple[int, int]], Tensor]
"""(name of the norm, (height, width)) → (n, 1, height, width) fp32, standard normal; called in the published order."""


@dataclass(frozen=True)
class Guide:
    """The labels of a batch.

    Args:
        groups: (n, 7, h, w), for the fine blocks.
        divided: (n, 7 or 8, h, w), for the coarse ones: the misaligned area is taken out of the garment.
        misaligned: (n, 1, h, w), 0 … 1: garment where the warped garment does not reach.
    """

    groups: Tensor
    divided: Tensor
    misaligned: Tensor

    def at(self, size: tuple[int, int], fine: bool) -> tuple[Tensor, Tensor]:
        """Labels and mask reduced to a block's size."""
        return nearest(self.groups if fine else self.divided, size), nearest(self.misaligned, size)


class Block(nn.Module):
    """A residual block whose norms are told the labels.

    Args:
        inputs, outputs: channels.
        labels: channels of the label map.
        by_region: see `LabelNorm`.
    """

    def __init__(self, inputs: int, outputs: int, labels: int, by_region: bool) -> None:
        super().__init__()
        middle = min(inputs, outputs)
        self.fine = not by_region
        self.shortcut_norm: LabelNorm | None = None
        if inputs != outputs:
            self.shortcut_norm = LabelNorm(inputs, labels, by_region)
            self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.first_norm, self.first = LabelNorm(inputs, labels, by_region), nn.Conv2d(inputs, middle, 3, padding=1)
        self.second_norm, self.second = LabelNorm(middle, labels, by_region), nn.Conv2d(middle, outputs, 3, padding=1)

    def forward(self, x: Tensor, guide: Guide, draw: Callable[[str], Tensor]) -> Tensor:
        """(n, inputs, h, w) → (n, outputs, h, w).

        Args:
            x: the map.
            guide: the labels.
            draw: noise of one of its norms, by the norm's name.
        """
        labels, mask = guide.at((x.shape[2], x.shape[3]), self.fine)
        passed = x
        if self.shortcut_norm is not None:
            passed = self.shortcut(self.shortcut_norm(x, labels, mask, draw("shortcut_norm")))
        inner = self.first(rectified(self.first_norm(x, labels, mask, draw("first_norm"))))
        return passed + self.second(rectified(self.second_norm(inner, labels, mask, draw("second_norm"))))  # type: ignore[no-any-return]


class Generator(nn.Module):
    """The whole generator.

    Args:
        architecture: its widths and label maps.
    """

    def __init__(self, architecture: Architecture = OFFICIAL) -> None:
        super().__init__()
        width = architecture.generator_width
        before = (16 * width, *(halves * width // 2 for halves in WIDTHS))
        coarse = len(WIDTHS) - FINE
        self.inputs = nn.ModuleList(
            nn.Conv2d(INPUTS, before[0] if level == 0 else FEATURES, 3, padding=1) for level in range(len(before))
        )
        self.head = Block(before[0], before[0], architecture.coarse_groups, by_region=True)
        labels = [architecture.coarse_groups if level < coarse else GROUPS for level in range(len(WIDTHS))]
        self.blocks = nn.ModuleList(
            Block(before[level] + FEATURES, before[level + 1], labels[level], level < coarse) for level in range(len(WIDTHS))
        )
        self.picture = nn.Conv2d(before[-1], 3, 3, padding=1)

    def forward(self, shown: Tensor, guide: Guide, draw: Draw) -> Tensor:
        """Paint the dressed person.

        Args:
            shown: (n, 9, h, w) in -1 … 1; sides are multiples of 128.
            guide: the labels at the same size.
            draw: noise.

        Returns:
            (n, 3, h, w) fp32 in -1 … 1.
        """
        x: Tensor | None = None
        for (name, block), features in zip(self.named_blocks(), self.features(shown), strict=True):
            size = (features.shape[2], features.shape[3])
            x = features if x is None else torch.cat([functional.interpolate(x, scale_factor=2), features], dim=1)
            x = block(x, guide, partial(drawn, draw, name, size))
        assert x is not None
        return torch.tanh(self.picture(rectified(x)).float())

    def named_blocks(self) -> Iterator[tuple[str, Block]]:
        """The blocks from coarse to fine: `head`, `blocks.0`, …"""
        yield "head", self.head
        for number, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            yield f"blocks.{number}", block

    def features(self, shown: Tensor) -> Iterator[Tensor]:
        """What the inputs bring to each size, coarsest first."""
        rows, columns = shown.shape[2] // UNIT_PX, shown.shape[3] // UNIT_PX
        for level, convolution in enumerate(self.inputs):
            yield convolution(nearest(shown, (rows * 2**level, columns * 2**level)))


def drawn(draw: Draw, block: str, size: tuple[int, int], norm: str) -> Tensor:
    """The noise of a norm of a block."""
    return draw(f"{block}.{norm}", size)


def rectified(x: Tensor) -> Tensor:
    """Leaky ReLU, slope 0.2."""
    return functional.leaky_relu(x, 0.2)


def nearest(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(n, c, h, w) → (n, c, *size), one pixel standing for many."""
    return x if (x.shape[2], x.shape[3]) == size else functional.interpolate(x, size=size)
