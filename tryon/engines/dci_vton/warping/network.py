"""The whole warping network: garment and person are read once each, a pair costs only the flow between them.

Facts: docs/facts/dci_vton.md#warping-network. The published code is for research only; none of it is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from tryon.engines.dci_vton.warp_conditions import GROUPS
from tryon.engines.dci_vton.warping.features import CHANNELS, WIDTH, Encoder, Pyramid
from tryon.engines.dci_vton.warping.flow import OFFSET_WIDTHS, Flow
from tryon.engines.dci_vton.warping.grids import ALIGN_CORNERS, enlarged, sample

SIZE = (256, 192)
"""(height, width) at which the network looks; it is convolutional, but was trained at this size alone."""
PERSON_INPUTS = len(GROUPS) + 3
"""The groups of the parse map and the body-part picture."""


@dataclass(frozen=True)
class Warped:
    """A garment on its way onto a person.

    Args:
        cloth: (n, 3, h, w) in [-1, 1].
        mask: (n, 1, h, w) in [0, 1], soft.
        grid: (n, 2, h, w), where on the flat garment each place looks, -1 … 1, x before y.
    """

    cloth: Tensor
    mask: Tensor
    grid: Tensor


class Warper(nn.Module):
    """Two encoders with their pyramids, and the flow between them.

    Args:
        channels: of the levels, finest first.
        width: channels of a pyramid's level.
        between: channels between the convolutions that answer with offsets.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS, width: int = WIDTH, between: Sequence[int] = OFFSET_WIDTHS) -> None:
        super().__init__()
        self.channels, self.width, self.between = tuple(channels), width, tuple(between)
        self.garment_encoder, self.garment_pyramid = Encoder(3, channels), Pyramid(channels, width)
        self.person_encoder, self.person_pyramid = Encoder(PERSON_INPUTS, channels), Pyramid(channels, width)
        self.flow = Flow(len(channels), width, between)

    def encode_garment(self, cloth: Tensor) -> list[Tensor]:
        """(n, 3, h, w) in [-1, 1], not masked → pyramid, coarsest first."""
        small = functional.interpolate(cloth, size=SIZE, mode="bilinear", align_corners=ALIGN_CORNERS)
        levels: list[Tensor] = self.garment_pyramid(self.garment_encoder(small))
        return levels

    def encode_person(self, groups: Tensor, densepose: Tensor) -> list[Tensor]:
        """Pyramid of a person, coarsest first.

        Args:
            groups: (n, 13, h, w) of 0 and 1, the parse map without the garment.
            densepose: (n, 3, h, w) in [-1, 1].
        """
        nearest = functional.interpolate(groups, size=SIZE, mode="nearest")
        smooth = functional.interpolate(densepose, size=SIZE, mode="bilinear", align_corners=ALIGN_CORNERS)
        levels: list[Tensor] = self.person_pyramid(self.person_encoder(torch.cat([nearest, smooth], dim=1)))
        return levels

    def forward(self, garment: Sequence[Tensor], person: Sequence[Tensor]) -> Tensor:
        """Flow at 256 × 192 from both pyramids. → (n, 2, 256, 192)."""
        grid: Tensor = self.flow(garment, person)
        return grid


def warp(grid: Tensor, cloth: Tensor, mask: Tensor, size: tuple[int, int]) -> Warped:
    """Move a garment by a flow.

    Args:
        grid: (n, 2, 256, 192), the flow.
        cloth: (n, 3, rows, columns) in [-1, 1], at any size.
        mask: (n, 1, rows, columns) in [0, 1], at any size.
        size: (height, width) of the result.
    """
    larger = enlarged(grid, size)
    return Warped(sample(cloth, larger), sample(mask, larger, "zeros"), larger)
