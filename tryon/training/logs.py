"""What a run writes down: `log.csv` (the same bytes for the same run), `speed.csv`, `validation.csv`, TensorBoard events."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LOG, SPEED, VALIDATION = "log.csv", "speed.csv", "validation.csv"


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
        part = self._path.with_name(f".{self._path.name}.part")
        part.write_text(text.getvalue(), "utf-8")
        part.replace(self._path)

    def add(self, step: int, values: Mapping[str, Any]) -> None:
        """Write a line at once, in one piece."""
        cells = [str(step), *(_cell(values.get(name, "")) for name in self._columns[1:])]
        with self._path.open("a", encoding="utf-8", newline="") as file:
            file.write(",".join(cells) + "\n")


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
