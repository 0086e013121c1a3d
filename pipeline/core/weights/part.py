"""The unfinished file of a download, `<target>.part`, and a file beside it with the conditions for resuming it."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.core.errors import WeightsDiskFullError, WeightsError, is_disk_full
from pipeline.core.weights.files import Digest, read_json, write_json

try:
    import fcntl
except ImportError:  # Windows has no flock: two simultaneous downloads of one file are not noticed there
    fcntl = None  # type: ignore[assignment]

CHOOSE_FOLDER = "check the folder, or choose another: --weights DIR"


def write_refusal(what: str, error: OSError) -> WeightsError:
    """The error of a write into the weights folder that the system refused; `what` could not be done, and to which file."""
    if is_disk_full(error):
        return WeightsDiskFullError(f"weights: {what}: the disk is full", "free some space and run the same command again")
    return WeightsError(f"weights: {what}: {error.strerror}", CHOOSE_FOLDER)


class Part:
    """A context manager that keeps the file open and locked, and hashes it as it grows.

    Raises:
        WeightsError: another process is downloading the same file, or the folder cannot be written.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self.digest = Digest()
        self.validator = ""
        self._facts = target.with_name(target.name + ".part.json")
        self._url = ""
        self._handle: FileIO

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered, so that on a full disk closing the file writes nothing.
            self._handle = self.path.open("a+b", buffering=0)
        except OSError as error:
            raise write_refusal(f"{self.path} cannot be written", error) from error
        self._lock()
        facts = read_json(self._facts)
        self._url, self.validator = str(facts.get("url", "")), str(facts.get("validator", ""))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._handle.close()
        if self.path.exists() and self.path.stat().st_size == 0:
            self._remove()

    def _lock(self) -> None:
        if fcntl is None:
            return
        busy = WeightsError(
            f"weights: another process is downloading {self.target}", "wait for it, then run the same command again"
        )
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another process may have finished between our open and our lock; our open file would then be its finished file.
            ours = os.fstat(self._handle.fileno()).st_ino == self.path.stat().st_ino
        except OSError as error:
            self._handle.close()
            raise busy from error
        if not ours:
            self._handle.close()
            raise busy

    def resume_offset(self, url: str, *, trusted: bool) -> int:
        """The number of bytes that need not be downloaded again; the digest then includes them.

        Args:
            url: the address of the next request.
            trusted: the whole file will be compared with a known hash, so parts may be joined even when the server does not
                promise that nothing changed.
        """
        size = os.fstat(self._handle.fileno()).st_size
        if size == 0 or not (trusted or (self.validator and url == self._url)):
            return 0
        if url != self._url:
            self.validator = ""  # the validator of another server is meaningless here
        self.digest.catch_up(self._handle, size)
        return size

    def restart(self, url: str, validator: str) -> None:
        """Empty the file, and write down the address of its next bytes."""
        self._handle.truncate(0)
        self.digest = Digest()
        self._url, self.validator = url, validator
        write_json(self._facts, {"url": url, "validator": validator})

    def append(self, data: bytes) -> None:
        """Write and hash the next bytes.

        Raises:
            OSError: the disk is full or gone.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[self._handle.write(rest) :]
        self.digest.update(data)

    def head(self) -> bytes:
        """The first 64 bytes."""
        self._handle.seek(0)
        return self._handle.read(64)

    def discard(self) -> None:
        """Empty the file."""
        self.restart(self._url, "")

    def finish(self) -> None:
        """Rename the complete file to its final name, after it is safely on disk."""
        os.fsync(self._handle.fileno())
        if fcntl is None:
            self._handle.close()  # Windows cannot rename an open file
        self.path.replace(self.target)
        self._handle.close()
        self._facts.unlink(missing_ok=True)

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._facts.unlink(missing_ok=True)
