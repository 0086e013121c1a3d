"""A sweep from its file to table and sheet: entries that are done stay, a broken one fails alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.core.console import LOG, Colour, Console, duration
from pipeline.core.errors import ExitCode, LookbookError
from pipeline.sweep.config import Sweep, read_sweep
from pipeline.sweep.dressing import Dressing
from pipeline.sweep.grid import Entry, entries
from pipeline.sweep.outcome import Line, table, write_outcome
from pipeline.sweep.records import Outcome, keep, kept
from pipeline.sweep.training import Training

ENTRIES = "entries"


class SweepRun:
    """One sweep.

    Args:
        file: its TOML file.
        to: the folder of all sweeps; this one's lies in it, named as the file.
        weights: the weights folder.
        console: prints.

    Raises:
        ConfigError: see `read_sweep` and `entries`.
    """

    def __init__(self, file: Path, to: Path, weights: Path, console: Console) -> None:
        self._console = console
        self._sweep: Sweep = read_sweep(file)
        self._entries = entries(self._sweep)
        self.folder = to / self._sweep.name
        self._dressing = Dressing(self._sweep.dress, self.folder, weights) if self._sweep.dress else None
        self._training = Training(self._sweep.train, self.folder, weights, console) if self._sweep.train else None

    def check(self) -> None:
        """Every entry's settings, before the first one works.

        Raises:
            LookbookError: an unknown setting or a value that does not fit, inputs that are not there.
        """
        for entry in self._entries:
            if entry.kind == "dress":
                self._dresser.prepared(entry)
            else:
                self._trainer.settings(entry)

    def show(self) -> ExitCode:
        """Print the grid and its cost; write nothing."""
        rows, seconds = [("entry", "what", "work", "about")], 0.0
        for entry in self._entries:
            if entry.kind == "dress":
                prepared = self._dresser.prepared(entry)
                pairs, need = len(prepared.assembly.collection.pairs), self._dresser.seconds(prepared)
                seconds = (seconds or self._dresser.preparing(prepared)) + need
                rows.append((entry.folder, entry.title, f"{pairs} pictures", duration(need)))
            else:
                steps, batch = self._trainer.steps(entry)
                rows.append((entry.folder, entry.title, f"{steps} steps of {batch} pairs", "as `train --dry-run` measures"))
        self._console.table(rows)
        self._console.say(f"{len(self._entries)} entries; results in {self.folder}; nothing was made")
        if self._dressing is not None:
            self._console.say(
                f"pictures about {duration(seconds)} on two CPU cores, people and garments (once for all entries) included; as "
                "the engine's card says for its default settings",
                Colour.DIM,
            )
        return ExitCode.DONE

    def run(self) -> ExitCode:
        """Work, entry after entry, and write table and sheet."""
        lines: list[Line] = []
        for number, entry in enumerate(self._entries, 1):
            folder = self.folder / ENTRIES / entry.folder
            self._console.say(f"{number} of {len(self._entries)}: {entry.of}: {entry.title}")
            lines.append(Line(entry, folder, self._outcome(entry, folder)))
        written = write_outcome(self.folder, lines)
        self._console.table(table(lines))
        self._console.say(f"written: {', '.join(map(str, written))}")
        return self._code(lines)

    def _outcome(self, entry: Entry, folder: Path) -> Outcome:
        """What an entry came to: kept from before, made now, or why not."""
        try:
            facts = self._facts(entry)
            if (before := kept(folder, facts)) is not None:
                self._console.say("  done before", Colour.DIM)
                return before
            made = self._dresser.make(entry, folder) if entry.kind == "dress" else self._trainer.make(entry, folder)
        except LookbookError as problem:
            return self._broken(problem.message, problem.remedy)
        except (MemoryError, OSError, RuntimeError, ValueError) as problem:
            logging.getLogger(LOG).debug("sweep entry %s", entry.folder, exc_info=True)
            return self._broken(f"{type(problem).__name__}: {problem}", "see the error above; the other entries go on")
        whole = Outcome(made.figures, made.pictures, made.seconds, made.wrong, facts)
        folder.mkdir(parents=True, exist_ok=True)
        keep(folder, entry, whole)
        if whole.wrong:
            self._console.say(f"  {whole.wrong}", Colour.BAD)
        return whole

    def _broken(self, message: str, remedy: str) -> Outcome:
        self._console.say(f"  failed: {message}", Colour.BAD)
        if remedy:
            self._console.say(f"  → {remedy}", Colour.BAD)
        return Outcome(wrong=message.splitlines()[0] if message else "failed")

    def _facts(self, entry: Entry) -> dict[str, Any]:
        if entry.kind == "train":
            return self._trainer.facts(entry)
        return self._dresser.facts(self._dresser.prepared(entry), entry)

    @property
    def _dresser(self) -> Dressing:
        assert self._dressing is not None
        return self._dressing

    @property
    def _trainer(self) -> Training:
        assert self._training is not None
        return self._training

    @staticmethod
    def _code(lines: Sequence[Line]) -> ExitCode:
        return ExitCode.ITEMS_FAILED if any(line.outcome.wrong for line in lines) else ExitCode.DONE
