"""One entry of a training: an ordinary run of `train`, in the sweep's folder, so that it resumes as any does."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from pipeline.catalog import TRAINERS, TRAINING, resolve
from pipeline.core.console import Console
from pipeline.core.errors import ExitCode, UsageError
from pipeline.sweep.config import TrainConfig
from pipeline.sweep.grid import Entry
from pipeline.sweep.records import Outcome

RUNS = "runs"
SHEET = "held-out pairs"
TABLES = ("validation.csv", "metrics.csv")


class Training:
    """Trains entry after entry.

    Args:
        config: of the file.
        folder: of the sweep.
        weights: the weights folder.
        console: says what the training room says.
    """

    def __init__(self, config: TrainConfig, folder: Path, weights: Path, console: Console) -> None:
        self._config, self._folder, self._weights, self._console = config, folder, weights, console

    def settings(self, entry: Entry) -> Any:
        """The resolved settings of an entry, checked.

        Raises:
            UsageError: an unknown preset or setting, with the nearest known one.
        """
        return resolve(TRAINING["settings"])(resolve(TRAINERS[entry.of]), self._options(entry, entry.folder), self._silent)

    def facts(self, entry: Entry) -> dict[str, Any]:
        """What decides an entry: settings, bytes of the data and of the start weights.

        Raises:
            LookbookError: of the training room.
        """
        found: dict[str, Any] = resolve(TRAINING["decided"])(resolve(TRAINERS[entry.of]), self._options(entry, entry.folder))
        return found

    def steps(self, entry: Entry) -> tuple[int, int | str]:
        """Optimiser steps of an entry, and the pairs of each."""
        loop = self.settings(entry)["loop"]
        batch = loop.batch if loop.batch == "auto" else loop.batch * loop.accumulation
        return loop.steps, batch

    def make(self, entry: Entry, folder: Path) -> Outcome:
        """Train, and take figures and newest sheet from the run.

        Raises:
            LookbookError: of the training room.
        """
        begun = time.monotonic()
        name = f"{entry.folder}-{_short(self.facts(entry))}"  # other data or start weights begin another run
        code = resolve(TRAINING["start"])(resolve(TRAINERS[entry.of]), self._options(entry, name), self._console.say)
        if code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
            raise KeyboardInterrupt
        if code:
            raise UsageError(f"the training ended with exit code {code}", "see what it said above")
        run = self._folder / RUNS / name
        rows = resolve(TRAINING["table"])(run / "log.csv")
        if not rows:
            raise UsageError(f"{run}: no step was done", "train.set: loop.steps")
        figures = {"step": float(rows[-1]["step"]), "loss (last tenth)": _mean_of_last([float(row["loss"]) for row in rows])}
        for table in TABLES:
            for row in resolve(TRAINING["table"])(run / table)[-1:]:
                figures |= {name: float(value) for name, value in row.items() if name != "step" and value}
        return Outcome(figures, self._sheet(run, folder), time.monotonic() - begun)

    def _options(self, entry: Entry, run: str) -> Any:
        return resolve(TRAINING["options"])(
            data=Path(self._config.data),
            preset=entry.preset,
            start=Path(self._config.start) if self._config.start else None,
            runs=self._folder / RUNS,
            run=run,
            overrides=entry.overrides,
            skip_bad=self._config.skip_bad,
            skip_incomplete=self._config.skip_incomplete,
            weights=self._weights,
            identify=resolve(TRAINING["identify"]),
            device=self._config.device,
        )

    @staticmethod
    def _sheet(run: Path, folder: Path) -> dict[str, str]:
        """The newest picture of held-out pairs, if the run drew one."""
        drawn = sorted((run / "pictures").glob("step-*.png"))
        if not drawn:
            return {}
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(drawn[-1], folder / "sheet.png")
        return {SHEET: "sheet.png"}

    @staticmethod
    def _silent(line: str) -> None:
        """Says nothing."""


def _mean_of_last(losses: list[float]) -> float:
    """A single step's loss depends on its timesteps; the mean of the last tenth says more."""
    last = losses[-max(1, len(losses) // 10) :]
    return sum(last) / len(last)


def _short(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
