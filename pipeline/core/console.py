"""All output of the program: lines, progress bars, JSON events. No other file prints."""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

LOG = "lookbook"
"""The logger for code that has no console: it announces long work and reports remarks."""


class Colour(StrEnum):
    """Terminal colours by meaning."""

    GOOD = "\033[32m"
    WARN = "\033[33m"
    BAD = "\033[31m"
    DIM = "\033[2m"


class Console:
    """Writes lines, progress bars and events.

    Args:
        json_events: write one JSON object per line to standard output, and nothing else there.
        stream: where lines go; by default standard output, or standard error with `json_events`.
    """

    def __init__(self, json_events: bool = False, stream: TextIO | None = None) -> None:
        self.json_events = json_events
        self.stream = stream or (sys.stderr if json_events else sys.stdout)
        self.colourful = self.stream.isatty() and "NO_COLOR" not in os.environ
        self._bar: tqdm | None = None

    @property
    def interactive(self) -> bool:
        """Whether a user can answer a question."""
        return sys.stdin.isatty() and not self.json_events

    def say(self, text: str = "", colour: Colour | None = None) -> None:
        """Write one line for the user, above a running progress bar."""
        text = as_started(text)
        line = f"{colour.value}{text}\033[0m" if colour and self.colourful else text
        tqdm.write(_writable(line, self.stream), file=self.stream)
        self.stream.flush()

    def data(self, text: str) -> None:
        """Write the result of a command to standard output, in every mode."""
        sys.stdout.write(_writable(text, sys.stdout) + "\n")

    def event(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Write one machine-readable event; without `--json` nothing is written."""
        if self.json_events:
            sys.stdout.write(as_started(json.dumps({"event": kind, **facts}, ensure_ascii=True, default=str)) + "\n")
            sys.stdout.flush()

    def table(self, rows: Sequence[Sequence[str]], colours: Sequence[Colour | None] = ()) -> None:
        """Write left-aligned columns; the last one has any length."""
        if not rows:
            return
        rows = [[printable(cell) for cell in row] for row in rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
        for index, row in enumerate(rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            self.say("  ".join([*cells, row[-1]]), colours[index] if index < len(colours) else None)

    def start_bar(self, title: str, total: int) -> None:
        """Begin a progress bar on a terminal or in a notebook; elsewhere write one line."""
        self.close_bar()
        kind = self._bar_kind()
        if kind is None:
            self.say(f"{title}: {total} to do")
        else:
            self._bar = kind(total=total, desc=title, unit="", file=self.stream, dynamic_ncols=True, leave=True, mininterval=0.2)

    def _bar_kind(self) -> type[tqdm] | None:
        """The bar that can be drawn where lines go: text, or a widget of a notebook; None = neither."""
        kind: type[tqdm] | None = None
        if self.stream.isatty() and not self.json_events:
            kind = tqdm
        elif self.stream is sys.stdout and not self.json_events and _draws_widgets():
            kind = importlib.import_module("tqdm.notebook").tqdm
        return kind

    def advance(self, note: str = "") -> None:
        """Count one more item as done."""
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(1)

    def close_bar(self) -> None:
        """End the progress bar, if there is one."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _LogLines(logging.Handler):
    """Writes log records as lines and events of a console."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        if self._console.stream.closed:  # as a notebook or a test runner leaves it behind
            return
        text = record.getMessage()
        self._console.event("note", {"text": text})
        self._console.say(text, Colour.WARN if record.levelno >= logging.WARNING else Colour.DIM)


def follow_log(console: Console) -> None:
    """Let a console write what the program logs; the console before it stops doing so."""
    log = logging.getLogger(LOG)
    log.setLevel(logging.INFO)
    for handler in [each for each in log.handlers if isinstance(each, _LogLines)]:
        log.removeHandler(handler)
    log.addHandler(_LogLines(console))


def _draws_widgets() -> bool:
    """Whether this is a cell of a notebook whose environment has ipywidgets; Colab is one."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in shell.config and importlib.util.find_spec("ipywidgets") is not None


def _writable(text: str, stream: TextIO) -> str:
    """Replace characters that the terminal cannot show by escapes."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding, "replace")


def as_started(text: str) -> str:
    """Replace `python run.py` in a message by `lookbook` where the program was started as that, without a checkout."""
    if Path(sys.argv[0]).stem != "lookbook":
        return text
    text = text.replace("python run.py", "lookbook")
    return re.sub(r"pip install -e ('?)\.", r"pip install \1lookbook", text)


def printable(name: str) -> str:
    """A file name on one line: control characters, which could forge output or colours, become escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)


def duration(seconds: float) -> str:
    """Seconds for people: `45 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
