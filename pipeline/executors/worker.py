"""What runs inside a worker process: build the step from its recipe, then read, run and encode what arrives on the pipe.

The process ends when its parent does, however that ended.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing import connection, parent_process
from typing import Any

from pipeline.core.errors import LookbookError
from pipeline.core.items import Item
from pipeline.core.stage import StepRecipe
from pipeline.core.step import Step
from pipeline.executors.local import run_items
from pipeline.executors.protocol import Result, failure_of
from pipeline.executors.worker_log import LogSender

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Job:
    """Work for a worker: a batch of items, and the recipe of their step (pickled once per worker and stage)."""

    stage: int
    recipe: StepRecipe | None
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Reply:
    """A worker's answer: one result per item, or the error that ends the run."""

    results: Sequence[Result] = ()
    hopeless: LookbookError | None = None


def serve(pipe: connection.Connection, threads: int) -> None:
    """The worker's main function.

    Args:
        pipe: jobs come in, replies and log lines go out.
        threads: processor threads this worker may use.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides what stops
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    threading.Thread(target=_die_with_parent, daemon=True).start()
    mouth = LogSender(pipe)
    step: Step | None = None
    stage = -1
    while True:
        try:
            job: Job | None = pipe.recv()
        except (EOFError, OSError):
            return
        if job is None:
            return
        reply: Any
        try:
            if job.stage != stage or step is None:
                step, stage = _build(job), job.stage
            reply = Reply(run_items(step, job.items))
        except LookbookError as problem:
            reply = Reply(hopeless=problem)
        except Exception as problem:  # the step could not be built; its items fail, the parent reports it
            failure = failure_of(problem)
            reply = Reply([replace(Result(item), failure=failure) for item in job.items])
        mouth.send(reply)


def _build(job: Job) -> Step:
    assert job.recipe is not None, "the first job of a stage brings the recipe"
    step = job.recipe()
    step.load()
    return step


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
