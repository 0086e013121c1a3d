"""One velocity from two answers of the network, and what both are told about time and category.

Facts: docs/facts/fashn_vton.md#conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tryon.engines.fashn.network import FashnVton

NO_CATEGORY = 0

Velocity = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(noisy, person, garment tokens, modulation) → velocity: `FashnVton.forward`, or that compiled."""


class ModulationTable:
    """What the network's blocks are told at a moment about a category, worked out once.

    Args:
        network: on its device.
    """

    def __init__(self, network: FashnVton) -> None:
        self.network = network
        self._rows: dict[tuple[float, int], Tensor] = {}

    def rows(self, time: float, categories: Sequence[int]) -> Tensor:
        """(b, parts, hidden) of one moment and a category per picture."""
        every = list(dict.fromkeys(categories))
        known = self._rows if self.network.savings.tabulate_time else {}
        if wanted := [category for category in every if (time, category) not in known]:
            device = self.network.device
            times = torch.full((len(wanted),), time, device=device)
            made = self.network.modulations(times, torch.tensor(wanted, device=device))
            self._rows |= {(time, category): row for category, row in zip(wanted, made, strict=True)}
        return torch.stack([self._rows[time, category] for category in categories])


class GuidedVelocity:
    """The velocity of a batch; what stays the same between its steps is kept here.

    Args:
        velocity: the network.
        table: what it is told.
        scale: of the guidance; 1 = none.
        person: (b, 4, h, w), -1..1.
        garment: the same.
        categories: the network's number per picture.
    """

    def __init__(
        self,
        velocity: Velocity,
        table: ModulationTable,
        scale: float,
        person: Tensor,
        garment: Tensor,
        categories: Sequence[int],
    ) -> None:
        self._velocity, self._table, self._scale, self._categories = velocity, table, scale, list(categories)
        tokens = table.network.garment_tokens
        self._with = person, tokens(garment)
        self._without = torch.zeros_like(person), tokens(torch.zeros_like(garment))

    def __call__(self, noisy: Tensor, time: float, guided: bool) -> Tensor:
        """(b, 3, h, w) at a moment: v_null + g · (v_cond - v_null) where it is guided, else v_cond."""
        savings, guided = self._table.network.savings, guided and self._scale != 1
        if not guided and savings.skip_unguided:
            return self._answer(noisy, time, self._with, self._categories)
        nothing = [NO_CATEGORY] * len(self._categories)
        if savings.batch_guidance:
            both = torch.cat([self._with[0], self._without[0]]), torch.cat([self._with[1], self._without[1]])
            answers = self._answer(torch.cat([noisy, noisy]), time, both, self._categories + nothing)
            conditional, unconditional = answers.chunk(2)
        else:
            conditional = self._answer(noisy, time, self._with, self._categories)
            unconditional = self._answer(noisy, time, self._without, nothing)
        return unconditional + self._scale * (conditional - unconditional) if guided else conditional

    def _answer(self, noisy: Tensor, time: float, given: tuple[Tensor, Tensor], categories: Sequence[int]) -> Tensor:
        return self._velocity(noisy, *given, self._table.rows(time, categories))
