"""What a run writes down: `log.csv` (the same bytes for the same run), `speed.csv`, `validation.csv`,
`metrics.csv`, TensorBoard events."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.core.records.whole_file import write_whole
from tryon.training.logs.events import EventFile
from tryon.training.logs.mirror import Mirror

LOG, SPEED, VALIDATION, METRICS = "log.csv", "speed.csv", "validation.csv", "metrics.csv"
EVENTS = "events"


class Table:
    """A CSV file whose first column is the step.

    Args:
        path: the file.
        columns: after `step`.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path, self._columns = path, ["step", *columns]

    def cut(self, step: int) -> None:
        """Forget lines after a step: a resumed run writes them again. Starts the file where there is none."""
        kept = [row for row in read_table(self._path) if int(row["step"]) <= step]
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, lineterminator="\n", extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(kept)
        write_whole(self._path, text.getvalue())

    def add(self, step: int, values: Mapping[str, Any]) -> None:
        """Write a line at once, in one piece."""
        cells = [str(step), *(_cell(values.get(name, "")) for name in self._columns[1:])]
        with self._path.open("a", encoding="utf-8", newline="") as file:
            file.write(",".join(cells) + "\n")


class RunLogs:
    """A run's tables, and copies of them for other programs; only the main process writes.

    Args:
        folder: of the run.
        step: from which it goes on.
        main: whether this is the main process.
        mirrored: settings to keep with a copy for Weights & Biases; None = no such copy.
    """

    def __init__(self, folder: Path, step: int, main: bool, mirrored: Mapping[str, Any] | None = None) -> None:
        self._folder, self._begun, self._main, self._mirrored = folder, step, main, mirrored
        self._tables: dict[str, Table] = {}
        self._copies: list[EventFile | Mirror] = []

    def __enter__(self) -> RunLogs:
        if self._main:
            self._copies.append(EventFile(self._folder / EVENTS, self._begun))
            if self._mirrored is not None:
                self._copies.append(Mirror(self._folder, self._mirrored))
        return self

    def __exit__(self, *rest: object) -> None:
        for copy in self._copies:
            copy.close()

    def add(self, step: int, measured: Mapping[str, float]) -> None:
        """A step's figures; those that a clock decides go into a table of their own."""
        exact = {name: value for name, value in measured.items() if name != "seconds"}
        self._write(LOG, step, exact)
        self._write(SPEED, step, {"seconds": measured["seconds"]})
        self._copy(step, measured)

    def validate(self, step: int, found: Mapping[str, float]) -> None:
        """A validation's figures."""
        self._write(VALIDATION, step, found)
        self._copy(step, {f"validation/{name}": value for name, value in found.items()})

    def measure(self, step: int, found: Mapping[str, float]) -> None:
        """Measures of drawn pictures."""
        self._write(METRICS, step, found)
        self._copy(step, {f"metrics/{name}": value for name, value in found.items()})

    def _copy(self, step: int, values: Mapping[str, float]) -> None:
        for copy in self._copies:
            copy.add(step, values)

    def _write(self, name: str, step: int, values: Mapping[str, float]) -> None:
        if not self._main or not values:
            return
        if name not in self._tables:
            self._tables[name] = Table(self._folder / name, list(values))
            self._tables[name].cut(self._begun)
        self._tables[name].add(step, values)


def read_table(path: Path) -> list[dict[str, str]]:
    """The whole lines of a CSV file; a last one that a killed run left unfinished does not count."""
    if not path.is_file():
        return []
    text = path.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    rows = list(csv.DictReader(io.StringIO(whole)))
    return [row for row in rows if (row.get("step") or "").isdigit() and None not in row.values()]


def _cell(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)
