"""Which samples a step sees: epochs, steps, micro-batches and processes as arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.core.errors import UsageError
from tryon.training.randomness import order


@dataclass(frozen=True)
class Schedule:
    """The plan of samples.

    Args:
        pairs: in the training set.
        batch: pairs per process and micro-batch.
        accumulation: micro-batches per optimiser step.
        processes: that share the work.
        seed: of the order.
        in_order: no order is drawn: as listed.
    """

    pairs: int
    batch: int
    accumulation: int = 1
    processes: int = 1
    seed: int = 0
    in_order: bool = False

    @property
    def per_step(self) -> int:
        """Pairs per optimiser step."""
        return self.batch * self.accumulation * self.processes

    @property
    def steps_per_epoch(self) -> int:
        """Whole steps per epoch; the rest of the pairs waits for another epoch's order.

        Raises:
            UsageError: not even one.
        """
        steps = self.pairs // self.per_step
        if not steps:
            raise UsageError(
                f"{self.pairs} pairs are fewer than one step takes "
                f"({self.batch} × {self.accumulation} accumulated × {self.processes} processes)",
                "--batch with a smaller number, or more pairs",
            )
        return steps

    def epoch(self, step: int) -> int:
        """The epoch of a step, both from 0."""
        return step // self.steps_per_epoch

    def micro_batches(self, step: int, process: int = 0) -> list[list[int]]:
        """A step's micro-batches of one process: places in the list of pairs."""
        places = list(range(self.pairs)) if self.in_order else order(self.seed, self.epoch(step), self.pairs)
        first = step % self.steps_per_epoch * self.per_step
        width = self.batch * self.processes
        starts = [first + micro * width + process * self.batch for micro in range(self.accumulation)]
        return [places[start : start + self.batch] for start in starts]

    def from_step(self, first: int, last: int, process: int = 0) -> Iterator[tuple[int, int, list[int]]]:
        """(step, micro, places) of one process from a step up to another, the last excluded."""
        for step in range(first, last):
            for micro, places in enumerate(self.micro_batches(step, process)):
                yield step, micro, places
