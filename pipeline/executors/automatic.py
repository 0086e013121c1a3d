"""`--workers auto`: per stage this process alone, or as many worker processes as the machine holds and the work is worth."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from pipeline.core.items import Item
from pipeline.core.step import Stage, Step
from pipeline.executors.local import LocalExecutor
from pipeline.executors.machine import Machine, this_machine
from pipeline.executors.pool import PoolExecutor
from pipeline.executors.protocol import Prepare, Result, Stopped

OWN_MEMORY_GB = 1.0
"""What this process needs itself: the ledger, tickets, pictures that wait to be written."""
START_SECONDS = 5.0
"""Work that a worker must have in a stage to be worth its start: an interpreter, libraries, the step's model."""
LOAD_SECONDS = 1.5
"""The same for a worker that is running already and only loads another step."""


def worker_count(step: Step, items: int, machine: Machine, running: bool = False) -> int:
    """How many processes are to share the items of a step.

    Args:
        step: says what it needs and how long an item takes.
        items: how many there are to work on.
        machine: what there is.
        running: worker processes have been started already.

    Returns:
        1 = this process alone.
    """
    needs = step.resources
    if needs.gpu_memory_gb > 0:
        return 1  # one process on one GPU; on the CPU the same network takes every thread
    limits = (
        machine.cores // needs.cpu_threads,
        (machine.free_memory_gb - OWN_MEMORY_GB) // needs.memory_gb,
        items * step.seconds // (LOAD_SECONDS if running else START_SECONDS),
        items // max(step.batch_size, 1),
    )
    return max(1, int(min(limits)))


class AutomaticExecutor:
    """The executor of `--workers auto`.

    Args:
        machine: what there is; memory is looked at once, before workers take their part of it.
    """

    def __init__(self, machine: Machine | None = None) -> None:
        self._machine = machine or this_machine()
        self._local = LocalExecutor()
        self._pool: PoolExecutor | None = None

    def run(self, stage: Stage, items: Iterable[Item], prepare: Prepare, stopped: Stopped) -> Generator[Result, None, None]:
        """See `Executor.run`."""
        items = list(items)
        count = worker_count(stage.step, len(items), self._machine, running=self._pool is not None)
        if count == 1 or stage.build is None:
            return self._local.run(stage, items, prepare, stopped)
        if self._pool is None:
            self._pool = PoolExecutor(self._machine.cores)
        return self._pool.run(stage, items, prepare, stopped, most=count)

    def close(self) -> None:
        """End the processes, if there are any."""
        if self._pool is not None:
            self._pool.close()
