"""What a person decided about finished pictures: appended to `outputs/verdicts.jsonl`, the last line about a picture counts."""

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
    """A decision; `NONE` takes the one before back."""

    KEEP = "keep"
    REJECT = "reject"
    REDO = "redo"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the file.

    Args:
        item: the finished picture's id.
        engine: which engine dressed it.
        verdict: the decision.
        picture: sha256 of the picture that was decided about; one made anew is to be looked at again.
        at: local time, ISO 8601.
    """

    item: str
    engine: str
    verdict: Mark
    picture: str = ""
    at: str = ""


class Verdicts:
    """Reads the file when somebody else wrote to it, appends to it.

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
        """Take in lines written since the last call, ours and others'."""
        with self._guard:
            self._take_in()

    def _take_in(self) -> None:
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
        """Append one decision; it is on the disk when this returns.

        Raises:
            OSError: the disk refused.
        """
        stamped = Verdict(verdict.item, verdict.engine, verdict.verdict, verdict.picture, _now())
        with self._guard:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(_after_torn_line(self._path) + (json.dumps(asdict(stamped), ensure_ascii=False) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())
            self._take_in()
        return stamped


def parse(data: bytes) -> Iterator[Verdict]:
    """The decisions in a file's content; lines that are none (torn by a crash, written by hand) are passed over."""
    for line in data.decode("utf-8", "replace").splitlines():
        try:
            row = json.loads(line)
            yield Verdict(
                str(row["item"]), str(row["engine"]), Mark(row["verdict"]), str(row.get("picture", "")), str(row.get("at", ""))
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            continue


def _after_torn_line(path: Path) -> bytes:
    """A crash may have left half a line; the next one must not be glued to it."""
    if not path.stat().st_size:
        return b""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return b"" if file.read(1) == b"\n" else b"\n"


def _now() -> str:
    return datetime.now().isoformat(timespec="seconds")
