"""Whole training runs in a test's folder: begun, killed, compared bit for bit."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from clean_processes import clean_processes
from training_trees import training_tree

from tryon.training import checkpoint as checkpoints
from tryon.training.logs.run_logs import LOG
from tryon.training.memory import LiveBytes
from tryon.training.session import Options, start

QUICK = (
    *("data.height=64", "data.width=64", "data.threads=0", "precision.numbers=fp32", "loop.batch=2", "loop.ema_decay=0.9"),
    *("loop.draw_every=0", "loop.validate_every=0", "loop.log_every=1"),
)


def quiet(line: str) -> None:
    """Says nothing."""


@dataclass(frozen=True)
class Place:
    """A tree of four pairs, start weights, and a recipe that trains on them quickly."""

    recipe: Any
    data: Path
    start: Path
    overrides: tuple[str, ...] = ()
    preset: str = ""

    def options(self, runs: Path, *overrides: str, **more) -> Options:
        """Of the run `one` below a folder."""
        given = {"data": self.data, "start": self.start, "runs": runs, "run": "one", "device": "cpu", "preset": self.preset}
        return Options(**{**given, "overrides": (*QUICK, *self.overrides, *overrides), **more})

    def train(self, runs: Path, *overrides: str, say=quiet, **more) -> int:
        """Begin or go on; the exit code."""
        return start(self.recipe, self.options(runs, *overrides, **more), say)

    def in_a_process(self, runs: Path, *overrides: str) -> BaseProcess:
        """In a clean process, so that a kill costs no second import."""
        process = clean_processes().Process(target=_train, args=(self, runs, overrides))
        process.start()
        return process

    def killed(self, runs: Path, *overrides: str, kills: int) -> int:
        """Kill a run at random moments, then let it end; how often it was killed.

        A moment is drawn within a step or what is written after it, and counted from the step before it, so that a machine that
        is busy with other things now and idle then changes nothing; `loop.log_every` is 1.

        Args:
            runs: folder of runs.
            overrides: settings.
            kills: at most so many; a run that is nearly done comes to its end first.
        """
        chance, done = random.Random(4), 0
        while done < kills:
            process = clean_processes().Process(
                target=_train_on, args=(self, runs, overrides, chance.randint(1, 2), chance.random())
            )
            process.start()
            process.join()
            if process.exitcode == 0:
                break
            assert process.exitcode == -signal.SIGKILL
            done += 1
        last = self.in_a_process(runs, *overrides)
        last.join()
        assert last.exitcode == 0
        return done

    def killed_at(self, runs: Path, *overrides: str, steps: Sequence[int]) -> None:
        """Kill a run after each of these steps, before it is saved, then let it end; `loop.log_every` is 1."""
        for step in steps:
            process = clean_processes().Process(target=_train_until, args=(self, runs, overrides, step))
            process.start()
            process.join()
            assert process.exitcode == -signal.SIGKILL, f"killed at step {step}"
        last = self.in_a_process(runs, *overrides)
        last.join()
        assert last.exitcode == 0

    def straight(self, runs: Path, *overrides: str) -> None:
        """A run from beginning to end in a process of its own."""
        process = self.in_a_process(runs, *overrides)
        process.join()
        assert process.exitcode == 0


def _train_until(place: Place, runs: Path, overrides: tuple[str, ...], step: int) -> None:
    def say(line: str) -> None:
        if line.startswith(f"step {step}/"):
            os.kill(os.getpid(), signal.SIGKILL)

    _train(place, runs, overrides, say)


def _train(place: Place, runs: Path, overrides: tuple[str, ...], say=quiet) -> None:
    """The body of a process; the plan of memory and time, which has tests of its own, is half of a short run and left out."""
    torch.set_num_threads(1)
    with mock.patch("tryon.training.probe.announce"):
        os._exit(place.train(runs, *overrides, say=say))


def _train_on(place: Place, runs: Path, overrides: tuple[str, ...], steps: int, share: float) -> None:
    """Train so many more steps, then be killed within a share of the time that one took; never after the last of all."""
    moments = [time.monotonic()]

    def say(line: str) -> None:
        moments.append(time.monotonic())
        if not (found := re.match(r"step (\d+)/(\d+)", line)):
            return
        seen.append(int(found[1]))
        if len(seen) == steps and seen[-1] < int(found[2]):
            threading.Timer(share * (moments[-1] - moments[-2]), os.kill, (os.getpid(), signal.SIGKILL)).start()

    seen: list[int] = []
    _train(place, runs, overrides, say)


def training_place(root: Path, recipe: Any, write_start, file: str, *overrides: str) -> Place:
    """Write tree and start weights below a folder."""
    return Place(recipe, training_tree(root / "data", size=(64, 64)), write_start(root / file), overrides)


def measured_step(trainer: Any) -> float:
    """Storages alive at once in a real second step, with weights, average and moments, in bytes."""
    steps = trainer.steps(2)
    next(steps)
    state = trainer.updates.state()[0].values()
    held = sum(each.nbytes for each in (*trainer.trainee.module.parameters(), *trainer.average.average.values(), *state))
    with LiveBytes() as live:
        next(steps)
    return float(live.peak + held)


def contents(folder: Path) -> dict[str, bytes]:
    """Everything of a run's newest checkpoint, and its log."""
    newest = checkpoints.newest(folder / checkpoints.FOLDER)
    files = {path.name: path.read_bytes() for path in newest.path.iterdir()}
    return files | {LOG: (folder / LOG).read_bytes()}


def differing(first: Path, second: Path) -> set[str]:
    """Files of two runs that are not the same bytes."""
    ours, theirs = contents(first), contents(second)
    assert len(theirs) == 6
    return {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
