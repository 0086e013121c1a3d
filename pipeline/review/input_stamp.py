"""Whether the inputs folder changed, without walking through it at every request."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.core.images import SUFFIXES

SETTLED_S = 2.0
"""A folder that changed less than this before it was walked through may change again within its clock's tick, unseen."""


class InputStamp:
    """Remembers the last walk: its folders, and the files that are not pictures.

    A folder's own time tells whether something in it was added, removed or renamed; settings and lists are looked at one by one.
    Pictures that are overwritten in place are only seen by a walk.

    Args:
        inputs: the inputs folder.
        config: the settings file, which need not exist.
    """

    def __init__(self, inputs: Path, config: Path) -> None:
        self._inputs = inputs
        self._config = config
        self._guard = threading.Lock()
        self._watched: tuple[Path, ...] = ()
        self._quick = ""
        self._full = ""

    def of_now(self) -> str:
        """A text that changes when an input is added, removed or replaced, or a setting changes; costs one listing."""
        with self._guard:
            return self._walk()

    def _walk(self) -> str:
        begun = time.time()
        paths = [path for path in self._inputs.rglob("*") if not path.name.startswith(".")]
        stamps = {path: stamp_of(path) for path in sorted([*paths, self._config])}
        folders = [self._inputs, *(path for path, stamp in stamps.items() if not stamp and path.is_dir())]
        self._watched = (*folders, *(path for path in stamps if path.suffix.lower() not in SUFFIXES and path not in folders))
        settled = all(_changed_at(path) < begun - SETTLED_S for path in folders)
        self._quick = self._watched_now() if settled else ""
        self._full = _digest([f"{path}\0{stamp}" for path, stamp in stamps.items()])
        return self._full

    def quickly(self) -> str:
        """The same text as long as folders and settings are as at the last walk; else walks."""
        with self._guard:
            if self._quick and self._quick == self._watched_now():
                return self._full
            return self._walk()

    def _watched_now(self) -> str:
        return _digest([f"{path}\0{_looked_at(path)}" for path in self._watched])


def stamp_of(path: Path) -> str:
    """Size, modification time and inode as text; "" for what is not a regular file."""
    return _looked_at(path) if path.is_file() else ""


def _looked_at(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
