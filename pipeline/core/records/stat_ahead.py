"""Asks for the status of all files in a process of its own, while this one still imports, reads the inputs and loads the ledger.

With ten thousand photos these are two hundred thousand calls, a quarter of the time of a run with nothing to do, while a second
core stands idle. Threads would not help: each would wait for the interpreter after every call. What comes back is only believed
until the plan is made; whoever writes asks the disk anew.

The file is its own script, so it imports nothing of ours.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

WORTHWHILE_BYTES = 16_000_000
"""Size of a ledger from which starting another process pays: some twenty thousand files."""

Listing = dict[str, tuple[int, int, int] | None]
"""File name → size, modification time in ns, inode; None for what has no status, a link to nowhere."""


class StatsAhead:
    """Folders listed by a child process; a context manager that ends the child.

    Args:
        roots: folders whose whole trees are listed; links to folders are not followed.
        ledger: folder of the ledger; while it is small nothing is listed and every answer is None.
    """

    def __init__(self, roots: Sequence[Path], ledger: Path) -> None:
        self._found: dict[str, Listing] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        if not roots or _weight(ledger) < WORTHWHILE_BYTES:
            return
        command = [sys.executable, "-I", "-S", __file__, *map(os.fspath, roots)]
        try:
            self._child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError:
            return  # no process to be had: the folders are listed here, as they would be without this class
        assert self._child.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._child.stdout,), daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.forget()

    def forget(self) -> None:
        """End the child; from here on every answer is None."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
        if self._reader is not None:
            self._reader.join()
            self._reader = None
        self._found = {}

    def of(self, folder: Path) -> Listing | None:
        """What is in a folder, or None when that has to be asked of the disk."""
        if self._reader is not None:
            self._reader.join()
        return self._found.get(os.fspath(folder))

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            data = pipe.read()
        try:
            found = marshal.loads(data)
        except (EOFError, ValueError, TypeError):
            return  # the child was ended, or ended itself
        self._found = found if isinstance(found, dict) else {}


def _weight(ledger: Path) -> int:
    """Bytes of all files of a ledger."""
    return sum(file.stat().st_size for file in ledger.glob("*.sqlite"))


def list_folder(folder: str, below: list[str] | None = None) -> Listing:
    """What is in a folder, in the order of the names.

    Args:
        folder: which.
        below: the folders in it, links left out, are added here.

    Raises:
        OSError: it is absent or may not be listed.
    """
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    names = [entry.name for entry in found]
    if below is not None:
        below += [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
    if os.stat not in os.supports_dir_fd:
        return {name: _status(os.path.join(folder, name), None) for name in names}  # noqa: PTH118
    handle = os.open(folder, os.O_RDONLY)
    try:
        return {name: _status(name, handle) for name in names}
    finally:
        os.close(handle)


def _status(name: str, folder: int | None) -> tuple[int, int, int] | None:
    try:
        status = os.stat(name, dir_fd=folder)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def list_trees(roots: Sequence[str]) -> dict[str, Listing]:
    """Every folder below the roots that can be listed."""
    found: dict[str, Listing] = {}
    for root in roots:
        folders = [root]
        while folders:
            folder = folders.pop()
            with suppress(OSError):
                found[folder] = list_folder(folder, folders)
    return found


if __name__ == "__main__":
    sys.stdout.buffer.write(marshal.dumps(list_trees(sys.argv[1:])))
