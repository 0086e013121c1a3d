"""From two pyramids to a flow: per level a step by likeness, then a correction by features, from coarse to fine.

Facts: docs/facts/dci_vton.md#warping-network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from tryon.engines.dci_vton.warping.correlation import SHIFTS, correlation
from tryon.engines.dci_vton.warping.features import WIDTH
from tryon.engines.dci_vton.warping.grids import enlarged, sample, shifted_grid

LEAK = 0.1
"""What the rectifiers let through of negative values."""


def offsets_of(inputs: int) -> nn.Sequential:
    """Four convolutions that answer with two offsets per place, in pixels."""
    widths = (inputs, 128, 64, 32)
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 2, 3, padding=1))


class Flow(nn.Module):
    """The flow of a garment to a person.

    Args:
        levels: of the pyramids.
        width: channels of a level.
    """

    def __init__(self, levels: int = 5, width: int = WIDTH) -> None:
        super().__init__()
        self.estimate = nn.ModuleList(offsets_of(SHIFTS) for _ in range(levels))
        self.refine = nn.ModuleList(offsets_of(2 * width) for _ in range(levels))

    def levels(self, garment: Sequence[Tensor], person: Sequence[Tensor]) -> Iterator[Tensor]:
        """The flow after every level, twice as large as the level.

        Args:
            garment: (n, width, h, w) per level, coarsest first.
            person: the same.

        Yields:
            (n, 2, 2h, 2w) sampling grids.
        """
        grid = None
        for garment_level, person_level, estimate, refine in zip(garment, person, self.estimate, self.refine, strict=True):
            grid = _stepped(grid, garment_level, person_level, estimate)
            moved = sample(garment_level, grid)
            grid = sample(grid, shifted_grid(refine(torch.cat([moved, person_level], dim=1))))
            grid = enlarged(grid, (2 * grid.shape[-2], 2 * grid.shape[-1]))
            yield grid

    def forward(self, garment: Sequence[Tensor], person: Sequence[Tensor]) -> Tensor:
        """The finest flow of `levels`."""
        *_, finest = self.levels(garment, person)
        return finest


def _stepped(grid: Tensor | None, garment: Tensor, person: Tensor, estimate: nn.Module) -> Tensor:
    """One step by likeness: where the moved garment's features are most like the person's, within three pixels."""
    moved = garment if grid is None else sample(garment, grid.detach())
    likeness = functional.leaky_relu(correlation(moved, person), LEAK)
    step = shifted_grid(estimate(likeness))
    return step if grid is None else sample(grid, step)
