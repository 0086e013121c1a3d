"""Work in several processes, each with a step of its own. A process that dies fails the item it held, and is replaced."""

from __future__ import annotations

import itertools
import os
import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from pipeline.core.errors import UsageError
from pipeline.core.items import Item
from pipeline.core.step import Stage
from pipeline.executors.protocol import FailureCause, Prepare, Result, Stopped, Ticket, cause_of
from pipeline.executors.worker_log import LogReceiver
from pipeline.executors.worker_process import StartCount, WorkerProcess

Results = queue.Queue[list[Result] | Exception | None]
"""What drivers hand on: results of a batch, the error that ends the run, or that one has no more to do."""


class PoolExecutor:
    """Several processes.

    Args:
        workers: how many; each is started when it is first needed.
    """

    def __init__(self, workers: int) -> None:
        threads = max(1, (os.cpu_count() or 1) // workers)
        starts, log = StartCount(), LogReceiver()
        self._workers = [WorkerProcess(number, threads, starts, log) for number in range(workers)]
        self._stages = 0

    def run(
        self, stage: Stage, items: Iterable[Item], prepare: Prepare, stopped: Stopped, most: int | None = None
    ) -> Generator[Result, None, None]:
        """See `Executor.run`; results come in the order in which they are ready.

        Args:
            stage, items, prepare, stopped: as there.
            most: so many of the workers take part; None = all.
        """
        if stage.build is None:
            raise UsageError(f"{stage.name}: this step cannot work in several processes", "leave out --workers")
        self._stages += 1
        source = _Batches(items, max(stage.step.batch_size, 1), stopped)
        workers = self._workers[:most]
        results: Results = queue.Queue(len(workers))
        drivers = [_Driver(worker, self._stages, stage, source, prepare, results) for worker in workers]
        for driver in drivers:
            driver.start()
        try:
            yield from _collected(results, len(drivers))
        except BaseException:
            source.close()
            for worker in self._workers:
                worker.kill()
            raise
        finally:
            source.close()
            while any(driver.is_alive() for driver in drivers):
                with suppress(queue.Empty):
                    results.get(timeout=0.05)

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.stop()


def _collected(results: Results, running: int) -> Iterator[Result]:
    """Results as they come, until so many drivers have no more to do."""
    while running:
        found = results.get()
        if found is None:
            running -= 1
        elif isinstance(found, Exception):
            raise found
        else:
            yield from found


class _Batches:
    """Hands out batches to several threads."""

    def __init__(self, items: Iterable[Item], size: int, stopped: Stopped) -> None:
        self._items: Iterator[Item] = iter(items)
        self._size = size
        self._stopped = stopped
        self.closed = False
        self._guard = threading.Lock()

    def next(self) -> list[Item]:
        """The next batch; empty when there is no more to do."""
        with self._guard:
            if self.closed or self._stopped():
                return []
            return list(itertools.islice(self._items, self._size))

    def close(self) -> None:
        """No more batches."""
        self.closed = True


class _Driver(threading.Thread):
    """Feeds one worker: finds out what a batch is made from, has it worked on, hands on the results."""

    def __init__(
        self,
        worker: WorkerProcess,
        number: int,
        stage: Stage,
        source: _Batches,
        prepare: Prepare,
        results: Results,
    ) -> None:
        super().__init__(name="driver", daemon=True)
        self._worker = worker
        self._number = number
        self._stage = stage
        self._source = source
        self._prepare = prepare
        self._results = results

    def run(self) -> None:
        """Until there is no more to do."""
        try:
            while batch := self._source.next():
                self._results.put(self._work(batch))
        except Exception as problem:  # handed to the main thread, which ends the run
            self._results.put(problem)
        finally:
            self._results.put(None)

    def _work(self, batch: list[Item]) -> list[Result]:
        tickets: dict[str, Ticket] = {}
        failed: list[Result] = []
        for item in batch:
            try:
                tickets[item.id] = self._prepare(item)
            except Exception as problem:  # any file may be bad in any way; the item fails, the run goes on
                failed.append(Result(item, cause=cause_of(problem)))
        ready = [item for item in batch if item.id in tickets]
        return failed + [replace(result, ticket=tickets[result.item.id]) for result in self._ask(ready)]

    def _ask(self, items: list[Item]) -> list[Result]:
        """Results of a batch; if the process dies over several items, each is tried alone."""
        if not items:
            return []
        reply = self._worker.ask(self._number, self._stage, items)
        if reply is None and self._source.closed:
            return []
        if reply is None and len(items) > 1:
            return [result for item in items for result in self._ask([item])]
        if reply is None:
            cause = FailureCause(
                "the worker process died over it (out of memory?)",
                "try --workers 1, or a smaller picture",
                "no traceback: it was killed",
            )
            return [Result(items[0], cause=cause)]
        if reply.hopeless is not None:
            raise reply.hopeless
        return list(reply.results)
