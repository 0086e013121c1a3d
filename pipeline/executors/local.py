"""Work in this process: the step on the calling thread, decoding ahead of it and encoding behind it in threads.

Only the calling thread ever runs the step, because mediapipe's objects belong to one thread. What waits is bounded, so memory
does not grow with the number of items.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pipeline.core.items import Item
from pipeline.core.step import Produced, Stage, Step
from pipeline.executors.protocol import FailureCause, Prepare, Result, Stopped, Ticket, cause_of, encoded, run_batch

READERS = 2
ENCODERS = 2


@dataclass(slots=True)
class _Read:
    """An item whose inputs are decoded, or the reason why not."""

    item: Item
    ticket: Ticket | None = None
    inputs: Any = None
    cause: FailureCause | None = None


class LocalExecutor:
    """The default executor."""

    def run(self, stage: Stage, items: Iterable[Item], prepare: Prepare, stopped: Stopped) -> Generator[Result, None, None]:
        """See `Executor.run`."""
        step = stage.step
        step.load()
        with ThreadPoolExecutor(READERS, "read") as readers, ThreadPoolExecutor(ENCODERS, "encode") as encoders:
            waiting: deque[Future[Result]] = deque()
            try:
                for batch in _batches(_read_ahead(step, items, prepare, readers), step.batch_size):
                    if stopped():
                        break
                    for work in _work(step, batch):
                        waiting.append(encoders.submit(_encode, step, *work))
                    while waiting and (len(waiting) >= max(ENCODERS, step.batch_size) or waiting[0].done()):
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                readers.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Nothing outlives a stage."""


def run_items(step: Step, items: Sequence[Item]) -> list[Result]:
    """One batch from reading to encoding on the calling thread; for worker processes, which overlap with each other instead.

    Raises:
        LookbookError: one that every further item would meet as well.
    """
    reads = [_read(step, item, _no_ticket) for item in items]
    return [_encode(step, *work) for work in _work(step, reads)]


def _no_ticket(item: Item) -> None:
    """The parent process keeps the tickets."""


def _read_ahead(step: Step, items: Iterable[Item], prepare: Prepare, readers: ThreadPoolExecutor) -> Iterator[_Read]:
    """Items with their inputs decoded, one batch ahead of the one at work."""
    ahead: deque[Future[_Read]] = deque()
    for item in items:
        ahead.append(readers.submit(_read, step, item, prepare))
        if len(ahead) > max(step.batch_size, 1):
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


def _read(step: Step, item: Item, prepare: Callable[[Item], Ticket | None]) -> _Read:
    ticket = None
    try:
        ticket = prepare(item)
        return _Read(item, ticket, step.read(item))
    except Exception as problem:  # any file may be bad in any way; the item fails, the run goes on
        return _Read(item, ticket, cause=cause_of(problem))


def _batches(reads: Iterable[_Read], size: int) -> Iterator[list[_Read]]:
    """Groups of readable items of up to `size`; unreadable ones do not take a place, but come along."""
    batch: list[_Read] = []
    for read in reads:
        batch.append(read)
        if sum(each.cause is None for each in batch) >= max(size, 1) or len(batch) > 2 * size:
            yield batch
            batch = []
    if batch:
        yield batch


Work = tuple[_Read, Produced | FailureCause, float]


def _work(step: Step, batch: Sequence[_Read]) -> Iterator[Work]:
    """Run the readable items of a batch."""
    good = [read for read in batch if read.cause is None]
    begun = time.perf_counter()
    results = iter(run_batch(step, [read.inputs for read in good]) if good else [])
    seconds = (time.perf_counter() - begun) / max(len(good), 1)
    for read in batch:
        if read.cause is not None:
            yield read, read.cause, 0.0
            continue
        made = next(results)
        read.inputs = None  # decoded pictures are large; the encoder only needs what was made of them
        yield read, cause_of(made) if isinstance(made, Exception) else made, seconds


def _encode(step: Step, read: _Read, made: Produced | FailureCause, seconds: float) -> Result:
    if isinstance(made, FailureCause):
        return Result(read.item, read.ticket, seconds=seconds, cause=made)
    try:
        files = encoded(step, read.item, made)
    except Exception as problem:  # an artefact that cannot be encoded is the item's failure, not the run's
        return Result(read.item, read.ticket, seconds=seconds, cause=cause_of(problem))
    return Result(read.item, read.ticket, files, made.notices, made.facts, seconds)
