"""Errors that name what happened, the file, and the command that helps (docs/architecture.md#errors-and-flags).

Every error that a user can cause derives from `LookbookError`; any other is a fault of the program and ends the run with exit
code 1.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable
from enum import IntEnum

IN_THE_WAY = {
    errno.EEXIST: "is there already, and not what is wanted there",
    errno.ENOTDIR: "a file lies where a folder is wanted",
    errno.EISDIR: "a folder lies where a file is wanted",
}


class ExitCode(IntEnum):
    """The exit codes of a run (docs/architecture.md#errors-and-flags)."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    ITEMS_FAILED = 3
    DISK_FULL = 4
    INTERRUPTED = 130
    TERMINATED = 143


class LookbookError(Exception):
    """Something that the user can correct, with a remedy.

    Args:
        message: what happened, to which file, and what was allowed.
        remedy: the command or the change that helps; printed on its own line.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.remedy}" if self.remedy else self.message

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        """Let the error be pickled with its remedy, for the way back from a worker process."""
        return type(self), (self.message, self.remedy)


class UsageError(LookbookError):
    """A wrong option, an unknown name, a missing folder."""


class ConfigError(UsageError):
    """A setting that does not exist or does not fit."""


class InputError(LookbookError):
    """One input picture cannot be used; it fails alone and the run goes on."""

    exit_code = ExitCode.ITEMS_FAILED


class MissingArtefactError(InputError):
    """A step needs a file that another step makes."""


class MissingPackageError(UsageError):
    """A library of an optional extra is not installed."""


class WeightsError(UsageError):
    """A model file is missing, incomplete, not the expected one, or unsafe to open."""


class OutputError(LookbookError):
    """The outputs folder cannot be written: read-only, full, or held by another run."""

    exit_code = ExitCode.INTERNAL


class DiskFullError(OutputError):
    """A disk has no room; what was finished is in place."""

    exit_code = ExitCode.DISK_FULL


class WeightsDiskFullError(WeightsError, DiskFullError):
    """The disk of the weights folder has no room."""

    exit_code = ExitCode.DISK_FULL


def is_disk_full(problem: BaseException) -> bool:
    """Whether the system refused to write because the disk, or the user's share of it, is full."""
    if isinstance(problem, OSError) and problem.errno is not None:
        return problem.errno in {errno.ENOSPC, errno.EDQUOT}
    return f"os error {errno.ENOSPC}" in str(problem)  # as libraries written in Rust say it


def disk_full(path: object) -> DiskFullError:
    """The error of a write that a full disk refused; `path` is what was to be written."""
    return DiskFullError(f"{path}: the disk is full", "free some space, or use another disk; the same command then goes on")


def system_refusal(problem: BaseException) -> OutputError | None:
    """The error for what the system refused a command, where a person can help: no room, no right, or something in the way.

    Returns:
        None for anything else, which may be a fault of the program.
    """
    named = getattr(problem, "filename2", None) or getattr(problem, "filename", None)
    if is_disk_full(problem):
        return disk_full(named or "what was to be written")
    if not isinstance(problem, OSError) or not named:
        return None
    if problem.errno == errno.EROFS:
        return OutputError(f"{named}: the disk is read-only", "choose a place that can be written")
    if problem.errno in {errno.EACCES, errno.EPERM}:
        return OutputError(f"{named}: permission denied", f"check who may read and write there: ls -ld {named}")
    if problem.errno in {errno.EEXIST, errno.ENOTDIR, errno.EISDIR}:
        return OutputError(f"{named}: {IN_THE_WAY[problem.errno]}", "choose another place, or move that one away")
    return None


def nearest(word: str, known: Iterable[str], prefix: str = "") -> str:
    """A remedy: the most similar known names, or all of them, or a text that there are none."""
    known = list(known)
    if not known:
        return "it has no settings"
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5) or known
    return f"did you mean {' or '.join(prefix + name for name in close)}?" if len(close) <= 3 else f"known: {', '.join(close)}"
