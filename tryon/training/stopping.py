"""Stopping between two steps: Ctrl-C, a scheduler's signal, `train stop`, and numbers that are none."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from pipeline.core.errors import ExitCode, LookbookError

STOP_FILE = "stop"
TERMINATED = 143
"""Exit code after SIGTERM or SIGUSR1, with which a queue starts the job again."""


class NotANumberError(LookbookError):
    """A loss or gradient is not finite."""

    exit_code = ExitCode.INTERNAL


class Stops:
    """Notices that somebody wants the run to stop; the loop asks once per step.

    Args:
        folder: of the run, in which `train stop` leaves a file.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / STOP_FILE
        self._code: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def code(self) -> int | None:
        """Exit code of a wanted stop; None = go on."""
        if self._code is None and self._file.exists():
            self._file.unlink(missing_ok=True)
            self._code = int(ExitCode.DONE)
        return self._code

    def __enter__(self) -> Stops:
        self._file.unlink(missing_ok=True)
        names = ("SIGINT", "SIGTERM", "SIGUSR1")
        for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
            self._before[number] = signal.signal(number, self._notice)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _notice(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._code is not None:
            raise KeyboardInterrupt  # a second Ctrl-C does not wait
        self._code = int(ExitCode.INTERRUPTED) if number == signal.SIGINT else TERMINATED


class Overflows:
    """Counts fp16 steps that the scaler skipped.

    Args:
        most: in a row.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.in_row = 0

    def count(self, skipped: bool, step: int, samples: list[str]) -> None:
        """Note a step.

        Raises:
            NotANumberError: too many in a row.
        """
        self.in_row = self.in_row + 1 if skipped else 0
        if self.in_row >= self._most:
            raise _not_finite(f"gradients overflowed fp16 in {self.in_row} steps in a row", step, samples)


def check_finite(values: Mapping[str, float], step: int, samples: list[str]) -> None:
    """Stop at once where a value is NaN or infinite.

    Raises:
        NotANumberError: with the step and the ids of its samples.
    """
    bad = [name for name, value in values.items() if value != value or abs(value) == float("inf")]
    if bad:
        raise _not_finite(f"{' and '.join(bad)} not finite", step, samples)


def _not_finite(what: str, step: int, samples: list[str]) -> NotANumberError:
    return NotANumberError(
        f"step {step + 1}: {what}, for {', '.join(samples)}; the last good checkpoint is kept",
        "look at these pairs (--show-data), lower optimiser.learning_rate, or set precision.numbers=bf16",
    )
