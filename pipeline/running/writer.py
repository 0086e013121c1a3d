"""The thread that puts results in place while the next item is worked on; several small ones share a transaction."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from pipeline.core.records.ledger_rows import Outcome
from pipeline.core.records.transaction import Finished, Records

WAITING = 6
WAITING_BYTES = 64_000_000
"""What may wait; the work pauses when the disk is slower than that."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to write down: a finished item, or an outcome without files. `quiet` ones are not reported as written."""

    outcome: Outcome
    finished: Finished | None = None
    quiet: bool = False

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(map(len, self.finished.files.values())) if self.finished is not None else 0


class Writer:
    """Writes entries in order, in its own thread. Use as a context; leaving it writes what is waiting."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._entries: queue.Queue[Entry | None] = queue.Queue(WAITING)
        self._written: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._problem: Exception | None = None
        self._bytes = 0
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._entries.put(None)
        self._thread.join()
        if error is None:
            self._check()

    def put(self, entry: Entry) -> None:
        """Hand over one entry; waits when too many are waiting.

        Raises:
            OutputError: writing failed earlier.
        """
        self._check()
        self._bytes += entry.size
        if self._bytes > WAITING_BYTES:
            self._entries.join()
            self._bytes = entry.size
        self._entries.put(entry)

    def flush(self) -> None:
        """Wait until everything handed over is written.

        Raises:
            OutputError: it could not be.
        """
        self._entries.join()
        self._check()

    def written(self) -> Iterator[Outcome]:
        """Outcomes written since the last call, as recorded."""
        while True:
            try:
                yield self._written.get_nowait()
            except queue.Empty:
                return

    def _check(self) -> None:
        if self._problem is not None:
            raise self._problem

    def _work(self) -> None:
        going_on = True
        while going_on:
            group = [self._entries.get()]
            while len(group) < WAITING and not self._entries.empty():
                group.append(self._entries.get())
            entries = [entry for entry in group if entry is not None]
            going_on = len(entries) == len(group)
            if self._problem is None and entries:
                self._write(entries)
            for _ in group:
                self._entries.task_done()

    def _write(self, entries: list[Entry]) -> None:
        finished = [entry.finished for entry in entries if entry.finished is not None]
        others = [entry for entry in entries if entry.finished is None]
        try:
            written = self._records.commit(finished, [entry.outcome for entry in others])
            for outcome in (*written, *(entry.outcome for entry in others if not entry.quiet)):
                self._written.put(outcome)
        except Exception as problem:  # handed to the main thread, which ends the run
            self._problem = problem
