"""Work in several processes, each with a step of its own. A process that dies fails the item it held, and is replaced."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import queue
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing import connection

from pipeline.core.errors import LookbookError, UsageError
from pipeline.core.items import Item
from pipeline.core.stage import Stage
from pipeline.executors.protocol import Failure, Prepare, Result, Stopped, Ticket, failure_of
from pipeline.executors.worker import Job, Reply, serve
from pipeline.executors.worker_log import LogLine, LogReceiver


class _Worker:
    """One process and the pipe to it; started when first needed."""

    def __init__(self, number: int, threads: int, ears: LogReceiver) -> None:
        self._number = number
        self._threads = threads
        self._ears = ears
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: connection.Connection | None = None
        self._stage = -1

    def ask(self, number: int, stage: Stage, items: Sequence[Item]) -> Reply | None:
        """Have a batch worked on; None when the process died over it."""
        pipe = self._pipe or self._start()
        try:
            pipe.send(Job(number, stage.recipe if self._stage != number else None, items))
            self._stage = number
            while isinstance(said := pipe.recv(), LogLine):
                self._ears.hear(self._number, said)
            assert isinstance(said, Reply)
            return said
        except (EOFError, OSError):
            self.stop()
            return None

    def _start(self) -> connection.Connection:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self._threads), daemon=True)
        process.start()
        theirs.close()
        self._process = process
        self._stage = -1
        return self._pipe

    def kill(self) -> None:
        """End the process at once; whoever waits for its answer gets none."""
        process = self._process
        if process is not None:
            process.kill()

    def stop(self) -> None:
        """End the process: by asking if it is idle, otherwise by force."""
        if self._pipe is not None:
            with suppress(OSError):
                self._pipe.send(None)
            self._pipe.close()
        if self._process is not None:
            self._process.join(timeout=1)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._pipe, self._process = None, None


class PoolExecutor:
    """Several processes.

    Args:
        workers: how many.
    """

    def __init__(self, workers: int) -> None:
        threads = max(1, (os.cpu_count() or 1) // workers)
        ears = LogReceiver()
        self._workers = [_Worker(number, threads, ears) for number in range(workers)]
        self._stages = 0

    def run(self, stage: Stage, items: Iterable[Item], prepare: Prepare, stopped: Stopped) -> Generator[Result, None, None]:
        """See `Executor.run`; results come in the order in which they are ready."""
        if stage.recipe is None:
            raise UsageError(f"{stage.name}: this step cannot work in several processes", "leave out --workers")
        self._stages += 1
        source = _Batches(items, max(stage.step.batch_size, 1), stopped)
        results: queue.Queue[list[Result] | LookbookError | None] = queue.Queue(len(self._workers))
        drivers = [_Driver(worker, self._stages, stage, source, prepare, results) for worker in self._workers]
        for driver in drivers:
            driver.start()
        running = len(drivers)
        try:
            while running:
                found = results.get()
                if found is None:
                    running -= 1
                elif isinstance(found, LookbookError):
                    raise found
                else:
                    yield from found
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
        worker: _Worker,
        number: int,
        stage: Stage,
        source: _Batches,
        prepare: Prepare,
        results: queue.Queue[list[Result] | LookbookError | None],
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
        except LookbookError as problem:
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
                failed.append(Result(item, failure=failure_of(problem)))
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
            failure = Failure(
                "the worker process died over it (out of memory?)",
                "try --workers 1, or a smaller picture",
                "no traceback: it was killed",
            )
            return [Result(items[0], failure=failure)]
        if reply.hopeless is not None:
            raise reply.hopeless
        return list(reply.results)
