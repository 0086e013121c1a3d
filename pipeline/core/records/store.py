"""Putting bytes in place: a temporary name in the target's folder, then one rename. A kill leaves the old file or the new one.

A file's modification time is set a little into the past, so that any later edit changes it even on file systems that count in
whole seconds; the stat cache (`contents.py`) relies on that.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.errors import DiskFullError, OutputError, is_disk_full
from pipeline.core.layout import Layout, Ref
from pipeline.core.records.whole_file import TEMP_PREFIX, TEMP_SUFFIX, temporary_beside

COARSEST_CLOCK_NS = 2_000_000_000
"""FAT counts modification times in steps of two seconds."""


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells an untouched file: size in bytes, modification time in ns, inode number."""

    size: int
    mtime_ns: int
    inode: int


def file_stamp(status: os.stat_result) -> FileStamp:
    """The stamp in an `os.stat` answer."""
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class Staged:
    """A file under its temporary name, ready to be put in place."""

    ref: Ref
    temp: Path
    target: Path
    stamp: FileStamp


class Store:
    """Writes artefacts.

    Args:
        layout: where the outputs are.
        durable: survive a power cut too: contents and names reach the disk before the ledger says so. Off in tests only.
    """

    def __init__(self, layout: Layout, durable: bool = True) -> None:
        self._layout = layout
        self.durable = durable
        self._made_folders: set[Path] = set()

    def stage(self, ref: Ref, data: bytes) -> Staged:
        """Write one file under a temporary name beside its target; nothing stays behind when that fails.

        Raises:
            OutputError: the disk is full or read-only, or the folder may not be written.
        """
        target = self._layout.path(ref)
        try:
            self._make_folder(target.parent)
        except OSError as problem:
            raise output_error(problem, target) from None
        while True:
            # Others, threads and programs, stage files here too: a name is taken with the system's exclusive flag, or not at all.
            temp = temporary_beside(target)
            try:
                return Staged(ref, temp, target, self._write(temp, data))
            except FileExistsError:
                continue
            except OSError as problem:
                with suppress(OSError):
                    temp.unlink(missing_ok=True)
                raise output_error(problem, target) from None
            except BaseException:
                temp.unlink(missing_ok=True)
                raise

    def _make_folder(self, folder: Path) -> None:
        if folder not in self._made_folders:
            folder.mkdir(parents=True, exist_ok=True)
            self._made_folders.add(folder)

    def _write(self, temp: Path, data: bytes) -> FileStamp:
        with temp.open("xb") as file:
            file.write(data)
            file.flush()
            past = time.time_ns() - COARSEST_CLOCK_NS
            os.utime(file.fileno() if os.utime in os.supports_fd else temp, ns=(past, past))
            if self.durable:
                os.fsync(file.fileno())
            return file_stamp(os.fstat(file.fileno()))

    def replace(self, staged: Staged) -> None:
        """Give one staged file its name.

        Raises:
            OutputError: the name cannot be taken, e.g. a folder has it.
        """
        try:
            staged.temp.replace(staged.target)
        except OSError as problem:
            raise output_error(problem, staged.target) from None

    def write_if_changed(self, ref: Ref, data: bytes) -> bool:
        """Put a page or list in place that no ledger row stands for; nothing happens when it is there already.

        Returns:
            Whether it was written.
        """
        target = self._layout.path(ref)
        if target.is_file() and target.read_bytes() == data:
            return False
        staged = self.stage(ref, data)
        self.replace(staged)
        self.settle_names([staged])
        return True

    def settle_names(self, staged: Iterable[Staged]) -> None:
        """Make new names survive a power cut: each folder is flushed once. Systems that cannot flush a folder do without."""
        if not self.durable or os.name == "nt":
            return
        for folder in {each.target.parent for each in staged}:
            with suppress(OSError):
                handle = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)

    def discard(self, staged: Iterable[Staged]) -> None:
        """Take temporary files away again."""
        for each in staged:
            with suppress(OSError):
                each.temp.unlink(missing_ok=True)

    def sweep(self, folders: Iterable[Path]) -> int:
        """Remove temporary files a killed run left behind; only safe under the run's lock.

        Returns:
            How many there were.
        """
        count = 0
        for folder in folders:
            for temp in folder.glob(f"{TEMP_PREFIX}*{TEMP_SUFFIX}"):
                with suppress(OSError):
                    temp.unlink()
                    count += 1
        return count


def output_error(problem: OSError, path: Path) -> OutputError:
    """A disk's refusal in words a person can act on.

    Args:
        problem: what the system said.
        path: what was to be written.
    """
    if is_disk_full(problem):
        return DiskFullError(
            f"{path}: the disk is full", "free some space, or move the folder with --outputs; the same command then goes on"
        )
    if problem.errno == errno.EROFS:
        return OutputError(f"{path}: the disk is read-only", "point --outputs at a folder that can be written")
    if problem.errno in {errno.EACCES, errno.EPERM}:
        there = next((folder for folder in path.parents if folder.exists()), path.parent)
        return OutputError(f"{path}: may not be written", f"check the permissions: ls -ld {there}")
    return OutputError(f"{path}: cannot be written ({problem.strerror or problem})", "check the disk and the folder")
