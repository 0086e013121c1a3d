"""What runs inside a worker process: build the step, then read, run and encode the items that arrive.

Orders arrive on standard input; answers and log lines leave on standard output. The process ends when standard input does, so
it never outlives its parent, however that ended.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, NoReturn

from pipeline.core.errors import ExitCode, LookbookError
from pipeline.core.items import Item
from pipeline.core.step import BuildStep, Step
from pipeline.executors.local import run_items
from pipeline.executors.protocol import Result, cause_of
from pipeline.executors.worker_log import LogSender

CAUSE_LINES = 6
"""So many last lines of a traceback or of standard error say why a worker cannot start."""


class WorkerStartError(LookbookError):
    """No worker process gets as far as its first item; every further one would fail as well, so the run ends."""

    exit_code = ExitCode.INTERNAL

    @classmethod
    def because(cls, cause: str, lines: Sequence[str]) -> WorkerStartError:
        """The error with its cause.

        Args:
            cause: in a few words.
            lines: of a traceback or of standard error; the last ones are shown.
        """
        shown = "".join(f"\n    {line.rstrip()}" for line in lines[-CAUSE_LINES:])
        return cls(f"the worker processes cannot start: {cause}{shown}", "work in this process alone: --workers 1")


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """One message to a worker: how to build the step of a new stage, or items of the stage at hand."""

    build: BuildStep | None = None
    items: Sequence[Item] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """A worker's answer to one order.

    Args:
        results: one per item; none for an order that builds a step.
        hopeless: the error that ends the run.
    """

    results: Sequence[Result] = ()
    hopeless: LookbookError | None = None


def main() -> NoReturn:
    """The worker's main function."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides what stops
    incoming, outgoing = _take_standard_streams()
    sender = LogSender(outgoing)
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(incoming, orders), daemon=True).start()
    step: Step | None = None
    while True:
        step, reply = _answer(step, orders.get())
        sender.send(reply)


def _take_standard_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output for ourselves alone; what a library prints goes to standard error instead."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return incoming, outgoing


def _receive(incoming: IO[bytes], orders: queue.SimpleQueue[bytes]) -> NoReturn:
    """Take in orders, also while the main thread works, in order to notice when no more can come."""
    with suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            orders.put(pickle.load(incoming))
    os._exit(0)


def _answer(step: Step | None, data: bytes) -> tuple[Step | None, Reply]:
    """The step to go on with, and the answer to an order."""
    try:
        order: WorkOrder = pickle.loads(data)  # finds the step's module, which may be at fault itself
        if order.build is not None:
            step = order.build()
            step.load()
            return step, Reply()
    except LookbookError as problem:
        return None, Reply(hopeless=problem)
    except Exception as problem:  # whatever the step's libraries raise, no item can be worked on
        lines = "".join(traceback.format_exception(problem)).splitlines()
        return None, Reply(hopeless=WorkerStartError.because("the step cannot be loaded", lines))
    assert step is not None, "the first order of a stage says how to build its step"
    try:
        return step, Reply(run_items(step, order.items))
    except LookbookError as problem:
        return step, Reply(hopeless=problem)
    except Exception as problem:  # our mistake; the items fail, the parent reports it
        cause = cause_of(problem)
        return step, Reply([Result(item, cause=cause) for item in order.items])
