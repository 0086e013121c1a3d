"""One run at a time on an outputs folder. The system frees the lock of a dead run; the file says who holds it."""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from pipeline.core.errors import ExitCode, OutputError
from pipeline.core.records.store import output_error

LOCK_NAME = "lock"
_BEYOND_TEXT = 1 << 20
"""Where Windows locks a byte: outside the text, which others must be able to read."""


class LockedError(OutputError):
    """Another run works on the same outputs folder."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, for people: process id, machine, start time (ISO 8601, local)."""

    pid: int
    host: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


class RunLock:
    """Held from `acquire` to `release`, or to the end of the process however it ends.

    Args:
        folder: the ledger's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_NAME
        self.cleared: Holder | None = None
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock; a dead holder's is taken over and kept in `cleared`.

        Raises:
            LockedError: a living run holds it, or one on another machine did and may still live.
            OutputError: the folder cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as problem:
            raise output_error(problem, self.path) from None
        holder = _read(handle)
        if not _try_lock(handle, holder):
            os.close(handle)
            who = holder or "it has not signed yet"
            raise LockedError(f"{self.path.parent.parent}: another run is at work here ({who})", "wait for it to end")
        if holder is not None and holder.host != socket.gethostname():
            os.close(handle)
            raise LockedError(
                f"{self.path.parent.parent}: a run on another machine did not sign off ({holder})",
                f"when you are sure that it has ended: rm '{self.path}'",
            )
        self.cleared = holder
        self._handle = handle
        self._write(handle)

    def _write(self, handle: int) -> None:
        me = Holder(os.getpid(), socket.gethostname(), datetime.now().isoformat(timespec="seconds"))
        try:
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, json.dumps(asdict(me)).encode())
        except OSError as problem:
            self.release()
            raise output_error(problem, self.path) from None

    def release(self) -> None:
        """Sign off: empty the file, then let go. The file itself stays, because removing it would race with the next run."""
        if self._handle is not None:
            with suppress(OSError):
                os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> RunLock:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def _read(handle: int) -> Holder | None:
    """Who signed the file; None when the last run signed off. A damaged signature counts as somebody unknown here."""
    text = os.read(handle, 4096)
    if not text.strip():
        return None
    try:
        return Holder(**json.loads(text))
    except (ValueError, TypeError):
        return Holder(0, socket.gethostname(), "an unknown time")


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int, holder: Holder | None) -> bool:
        os.lseek(handle, _BEYOND_TEXT, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int, holder: Holder | None) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # Some network disks know no locks; there the signature has to do.
            return holder is None or not _lives(holder.pid)
        return True

    def _lives(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
