"""What a network makes of a timestep, kept over all batches of a run: a few megabytes for fifty steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from tryon.networks.savings.switches import Savings

Shifts = TypeVar("Shifts")
Answer_co = TypeVar("Answer_co", covariant=True)


class Timed(Protocol[Answer_co]):
    """A network whose blocks are shifted by time."""

    savings: Savings

    @property
    def device(self) -> torch.device:
        """Where it lives."""

    def time_shifts(self, timesteps: Tensor) -> Answer_co:
        """All its shifts for timesteps (n,)."""


@dataclass
class TimeTable(Generic[Shifts]):
    """Time shifts by timestep."""

    network: Timed[Shifts]
    _shifts: dict[int, Shifts] = field(default_factory=dict)

    def __call__(self, timestep: int) -> Shifts:
        """The shifts of a timestep, computed the first time, or every time with the saving off."""
        if not self.network.savings.tabulate_time:
            return self._compute(timestep)
        if timestep not in self._shifts:
            self._shifts[timestep] = self._compute(timestep)
        return self._shifts[timestep]

    def _compute(self, timestep: int) -> Shifts:
        return self.network.time_shifts(torch.tensor([timestep], device=self.network.device))
