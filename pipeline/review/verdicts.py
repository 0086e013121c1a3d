"""The user's decisions about finished pictures, appended to `outputs/verdicts.jsonl`; the last line about a picture counts."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class Mark(StrEnum):
    """A decision; `NONE` withdraws the one before."""

    KEEP = "keep"
    REJECT = "reject"
    REDO = "redo"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the file.

    Args:
        item: the finished picture's id.
        engine: which engine made it.
        verdict: the decision.
        picture: sha256 of the picture at the time; a picture that was made again should be judged again.
        at: local time, ISO 8601.
    """

    item: str
    engine: str
    verdict: Mark
    picture: str = ""
    at: str = ""


class Verdicts:
    """Reads the file when another program wrote to it, and appends to it.

    Args:
        path: `outputs/verdicts.jsonl`; need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._read_to = 0
        self._latest: dict[tuple[str, str], Verdict] = {}

    def of(self, item: str, engine: str) -> Verdict | None:
        """The last decision about a picture."""
        found = self._latest.get((item, engine))
        return None if found is None or found.verdict is Mark.NONE else found

    def refresh(self) -> None:
        """Read the lines that were written since the last call, by us or others."""
        with self._guard:
            self._read_new_lines()

    def _read_new_lines(self) -> None:
        size = self._path.stat().st_size if self._path.is_file() else 0
        if size < self._read_to:
            self._latest, self._read_to = {}, 0
        if size == self._read_to:
            return
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for verdict in parse(whole):
            self._latest[verdict.item, verdict.engine] = verdict

    def add(self, verdict: Verdict) -> Verdict:
        """Append one decision; it is on disk when this returns.

        Raises:
            OSError: the file cannot be written.
        """
        stamped = Verdict(verdict.item, verdict.engine, verdict.verdict, verdict.picture, _now())
        with self._guard:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(_missing_newline(self._path) + (json.dumps(asdict(stamped), ensure_ascii=False) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())
            self._read_new_lines()
        return stamped


def parse(data: bytes) -> Iterator[Verdict]:
    """The decisions in a file's content; other lines (incomplete after a crash, or written by hand) are ignored."""
    for line in data.decode("utf-8", "replace").splitlines():
        try:
            row = json.loads(line)
            yield Verdict(
                str(row["item"]), str(row["engine"]), Mark(row["verdict"]), str(row.get("picture", "")), str(row.get("at", ""))
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            continue


def _missing_newline(path: Path) -> bytes:
    """A newline where a crash left an incomplete line, so that the next decision is not appended to it."""
    if not path.stat().st_size:
        return b""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return b"" if file.read(1) == b"\n" else b"\n"


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")
