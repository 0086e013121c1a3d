"""A small run in a process of its own that can be made to die at a chosen point, or be run by somebody without rights."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock

from clean_processes import clean_processes
from PIL import Image
from small_steps import SmallConfig, World

from pipeline.core.errors import LookbookError
from pipeline.core.records.ledger import Ledger
from pipeline.core.records.store import FileStamp, Staged, Store
from pipeline.running.summary import Listener

NOBODY = 65534


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Countdown:
    """Dies when it is called for the n-th time."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            die()


def deadly_store(point: str, tick: Callable[[], None]) -> type[Store]:
    class DeadlyStore(Store):
        def stage(self, ref: str, data: bytes) -> Staged:
            if point == "before write":
                tick()
            return super().stage(ref, data)

        def _write(self, temp: Path, data: bytes) -> FileStamp:
            if point == "half written":
                temp.write_bytes(data[: len(data) // 2])
                tick()
                temp.unlink()
            return super()._write(temp, data)

        def replace(self, staged: Staged) -> None:
            if point == "before replace":
                tick()
            super().replace(staged)
            if point == "after replace":
                tick()

    return DeadlyStore


def deadly_ledger(point: str, tick: Callable[[], None]) -> dict[str, Any]:
    """Replacements for methods of the ledger."""
    settle, intend = Ledger.settle, Ledger.intend

    def deadly_settle(self: Ledger, files: Iterable, outcomes: Iterable, **others: Any) -> None:
        outcomes = list(outcomes)
        if point == "between replace and commit" and outcomes:
            tick()
        settle(self, files, outcomes, **others)
        if point == "after commit" and outcomes:
            tick()

    def deadly_intend(self: Ledger, intents: Iterable) -> None:
        intend(self, intents)
        if point == "after intent":
            tick()

    return {"settle": deadly_settle, "intend": deadly_intend}


def doomed_run(root: Path, point: str, number: int, gain: int, started: Connection, workers: int, outfits: bool = False) -> None:
    """The body of the process: run, and die at the n-th passage of a point; `any time` waits for a signal from outside."""
    tick = Countdown(number)
    world = World(root, settings={"background": SmallConfig(gain=gain)}, outfits=outfits)
    with (
        mock.patch("small_steps.Store", deadly_store(point, tick)),
        mock.patch.multiple(Ledger, **deadly_ledger(point, tick)),
    ):
        started.send("go")
        world.durable = True
        world.run(workers=workers, listener=Listener())


def nobodys_run(root: Path, answer: Connection, dry: bool) -> None:
    """The body of a process that has given up its rights: sends the exit code and what the run said."""
    os.setgroups([])
    os.setgid(NOBODY)
    Image.init()  # its readers load on first use, and the environment may lie where nobody may look
    os.setuid(NOBODY)
    world = World(root, durable=True)
    try:
        if dry:
            answer.send((0, world.lines()))
            return
        summary = world.run()
        answer.send((int(summary.exit_code), [failure.message for failure in summary.failures]))
    except LookbookError as problem:
        answer.send((int(problem.exit_code), [str(problem)]))


@contextmanager
def process(body: Callable[..., None], *values: object) -> Iterator[multiprocessing.process.BaseProcess]:
    """One of the clean processes; killed on the way out."""
    child = clean_processes().Process(target=body, args=values)
    child.start()
    try:
        yield child
    finally:
        child.kill()
        child.join()


def pipe() -> tuple[Connection, Connection]:
    """(here, there)."""
    here, there = clean_processes().Pipe()
    return here, there
