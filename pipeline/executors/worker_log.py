"""What worker processes log, said by the parent: a worker has no console and no log of its own."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from pipeline.core.console import LOG


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log line on its way from a worker to its parent: the level's number, and the finished text."""

    level: int
    text: str


class LogSender(logging.Handler):
    """The worker's end: answers and log lines share one pipe, and log lines come from any thread.

    Args:
        pipe: to the parent.
    """

    def __init__(self, pipe: connection.Connection) -> None:
        super().__init__(logging.INFO)
        self._pipe = pipe
        self._sending = threading.Lock()
        log = logging.getLogger(LOG)
        log.setLevel(logging.INFO)
        log.addHandler(self)

    def send(self, message: Any) -> None:
        """Send anything that survives pickling."""
        with self._sending:
            self._pipe.send(message)

    def emit(self, record: logging.LogRecord) -> None:
        """Send a log line; a parent that is gone needs none."""
        with suppress(OSError):
            self.send(LogLine(record.levelno, record.getMessage()))


class LogReceiver:
    """The parent's end: what one worker said is not repeated when the others say it too."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._first: dict[str, int] = {}

    def hear(self, worker: int, remark: LogLine) -> None:
        """Log a worker's remark, unless another worker made the same one before.

        Args:
            worker: its number.
            remark: what it said.
        """
        with self._guard:
            first = self._first.setdefault(remark.text, worker) == worker
        if first:
            logging.getLogger(LOG).log(remark.level, remark.text)
