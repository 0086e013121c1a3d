"""From two pyramids to a flow: per level a step by likeness, then a correction by features, from coarse to fine.

Facts: docs/facts/dci_vton.md#warping-network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from tryon.engines.dci_vton.warping.correlation import SHIFTS, correlation
from tryon.engines.dci_vton.warping.features import WIDTH
from tryon.engines.dci_vton.warping.grids import enlarged, sample, shifted_grid

LEAK = 0.1
"""What the rectifiers let through of negative values."""


OFFSET_WIDTHS = (128, 64, 32)
"""Channels between the four convolutions that answer with offsets."""


def offsets_of(inputs: int, between: Sequence[int] = OFFSET_WIDTHS) -> nn.Sequential:
    """Four convolutions that answer with two offsets per place, in pixels."""
    widths = (inputs, *between)
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 2, 3, padding=1))


@dataclass(frozen=True)
class FlowLevel:
    """What a level says.

    Args:
        grid: (n, 2, 2h, 2w), the flow so far, twice as large as the level.
        offsets: (n, 2, h, w) in pixels, of the step by likeness and of the correction.
    """

    grid: Tensor
    offsets: tuple[Tensor, Tensor]


class Flow(nn.Module):
    """The flow of a garment to a person.

    Args:
        levels: of the pyramids.
        width: channels of a level.
        between: see `offsets_of`.
    """

    def __init__(self, levels: int = 5, width: int = WIDTH, between: Sequence[int] = OFFSET_WIDTHS) -> None:
        super().__init__()
        self.estimate = nn.ModuleList(offsets_of(SHIFTS, between) for _ in range(levels))
        self.refine = nn.ModuleList(offsets_of(2 * width, between) for _ in range(levels))

    def levels(self, garment: Sequence[Tensor], person: Sequence[Tensor]) -> Iterator[FlowLevel]:
        """The flow after every level.

        Args:
            garment: (n, width, h, w) per level, coarsest first.
            person: the same.
        """
        grid = None
        for garment_level, person_level, estimate, refine in zip(garment, person, self.estimate, self.refine, strict=True):
            step = _step(grid, garment_level, person_level, estimate)
            grid = shifted_grid(step) if grid is None else sample(grid, shifted_grid(step))
            correction = refine(torch.cat([sample(garment_level, grid), person_level], dim=1))
            grid = sample(grid, shifted_grid(correction))
            grid = enlarged(grid, (2 * grid.shape[-2], 2 * grid.shape[-1]))
            yield FlowLevel(grid, (step, correction))

    def forward(self, garment: Sequence[Tensor], person: Sequence[Tensor]) -> Tensor:
        """The finest flow of `levels`."""
        *_, finest = self.levels(garment, person)
        return finest.grid


def _step(grid: Tensor | None, garment: Tensor, person: Tensor, estimate: nn.Module) -> Tensor:
    """A step by likeness: where the moved garment's features are most like the person's, within three pixels."""
    moved = garment if grid is None else sample(garment, grid.detach())
    likeness = functional.leaky_relu(correlation(moved, person), LEAK)
    step: Tensor = estimate(likeness)
    return step
