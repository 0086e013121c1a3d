"""Log lines of worker processes on their way to the parent, which has the console and the log."""

from __future__ import annotations

import logging
import pickle
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from pipeline.core.console import LOG


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a worker's log: the level's number, and the finished text."""

    level: int
    text: str


class LogSender(logging.Handler):
    """The worker's end. Answers and log lines share one stream, and log lines come from any thread.

    Args:
        stream: to the parent.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(logging.INFO)
        self._stream = stream
        self._sending = threading.Lock()
        log = logging.getLogger(LOG)
        log.setLevel(logging.INFO)
        log.addHandler(self)

    def send(self, message: Any) -> None:
        """Send a message that can be pickled."""
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        with self._sending:
            self._stream.write(data)
            self._stream.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Send a log line; it is lost when the parent is gone."""
        with suppress(OSError):
            self.send(LogLine(record.levelno, record.getMessage()))


class LogReceiver:
    """The parent's end. A line that several workers send is logged for the first of them only."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._first: dict[str, int] = {}

    def log(self, worker: int, line: LogLine) -> None:
        """Log a line, unless another worker sent the same one before.

        Args:
            worker: its number.
            line: what it sent.
        """
        with self._guard:
            first = self._first.setdefault(line.text, worker) == worker
        if first:
            logging.getLogger(LOG).log(line.level, line.text)
