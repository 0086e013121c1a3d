"""What a sweep ends with: one table, as Markdown and CSV, and one contact sheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.records.whole_file import write_whole
from pipeline.report.sheet import SheetPicture, write_sheet
from pipeline.sweep.grid import Entry
from pipeline.sweep.records import Outcome

TABLE, CSV, SHEET = "table.md", "table.csv", "sheet.pdf"
MOST_COLUMNS = 6
Row = tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One entry and what came of it.

    Args:
        entry: the combination.
        folder: its folder.
        outcome: figures, pictures, or why there are none.
    """

    entry: Entry
    folder: Path
    outcome: Outcome


def table(lines: Sequence[Line]) -> list[Row]:
    """A heading and a row per entry: what differs, every figure that some entry has, time, what went wrong."""
    varied = list(dict.fromkeys(name for line in lines for name in line.entry.changes))
    figures = list(dict.fromkeys(name for line in lines for name in line.outcome.figures))
    heading = ("of", *(name.rpartition(".")[2] for name in varied), "pictures", *figures, "seconds", "went wrong")
    return [heading, *(_row(line, varied, figures) for line in lines)]


def write_outcome(folder: Path, lines: Sequence[Line]) -> list[Path]:
    """Write table and sheet; returns what was written."""
    rows = table(lines)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    written = {CSV: text.getvalue(), TABLE: _markdown(rows)}
    for name, content in written.items():
        write_whole(folder / name, content)
    shown, columns = _shown(lines)
    if shown:
        write_sheet(shown, folder / SHEET, f"Sweep {folder.name}", columns)
    return [folder / name for name in (*written, *([SHEET] if shown else []))]


def _row(line: Line, varied: Sequence[str], figures: Sequence[str]) -> Row:
    found: Mapping[str, float] = line.outcome.figures
    return (
        line.entry.of,
        *(str(line.entry.changes.get(name, "-")) for name in varied),
        str(len(line.outcome.pictures)),
        *(f"{found[name]:.4f}" if name in found else "-" for name in figures),
        f"{line.outcome.seconds:.0f}",
        line.outcome.wrong or "-",
    )


def _markdown(rows: Sequence[Row]) -> str:
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"


def _shown(lines: Sequence[Line]) -> tuple[list[SheetPicture], int]:
    """Pictures with what they show, those of one pair beside each other; and how many side by side."""
    names = list(dict.fromkeys(name for line in lines for name in line.outcome.pictures))
    pictures = [
        SheetPicture(line.folder / line.outcome.pictures[name], (line.entry.title, name))
        for name in names
        for line in lines
        if name in line.outcome.pictures
    ]
    most = max((sum(name in line.outcome.pictures for line in lines) for name in names), default=1)
    return pictures, min(most, MOST_COLUMNS)
