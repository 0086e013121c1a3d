"""Finds the user's pictures in a folder: sorted, without following links out of it; everything left out is reported."""

from __future__ import annotations

import os
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.images import SUFFIXES
from pipeline.core.layout import SETTINGS_SUFFIX

NO_PICTURE = "not a picture by its name"


@dataclass(frozen=True, slots=True)
class Problem:
    """An input that cannot be used.

    Args:
        path: which file or line.
        reason: why, in one line.
        remedy: what to do.
        harmless: the user asked for nothing that needs it, so the run still counts as complete.
    """

    path: str
    reason: str
    remedy: str = ""
    harmless: bool = False


def find_pictures(folder: Path, root: Path) -> tuple[list[str], list[Problem]]:
    """Relative paths (`/` between parts) of the pictures below a folder, and the files that cannot be used.

    Hidden files and settings files are ignored. Links that leave `root` or form a circle are not followed and give a `Problem`.

    Args:
        folder: where to look; need not exist.
        root: the inputs folder; nothing outside it is read.
    """
    found: list[str] = []
    problems: list[Problem] = []
    # A link to a folder above this one would lead back here, and all other files there would count as this folder's.
    _walk(folder, "", os.path.realpath(root), frozenset(map(str, Path(os.path.realpath(folder)).parents)), found, problems)
    found.sort(key=lambda name: (unicodedata.normalize("NFC", name).casefold(), name))
    return found, problems


def _walk(folder: Path, prefix: str, root: str, above: frozenset[str], found: list[str], problems: list[Problem]) -> None:
    here = os.path.realpath(folder)
    if here in above:
        problems.append(Problem(str(folder), "this link forms a circle; it is not followed", "remove the link"))
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as problem:
        problems.append(Problem(str(folder), f"cannot be listed ({problem.strerror})", f"check its permissions: ls -ld {folder}"))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        reason = _obstacle(entry, root)
        if reason:
            problems.append(Problem(entry.path, *reason, harmless=reason[0].startswith(NO_PICTURE)))
        elif entry.is_dir():
            _walk(Path(entry.path), f"{prefix}{entry.name}/", root, above | {here}, found, problems)
        elif _suffix(entry.name) in SUFFIXES:
            found.append(prefix + entry.name)


def _obstacle(entry: os.DirEntry[str], root: str) -> tuple[str, str] | None:
    """Why an entry cannot be used, with the remedy; None when it can be, or when it is a settings file."""
    if not _is_text(entry.name):
        return "its name is not valid UTF-8", "rename it"
    if entry.is_symlink():
        target = os.path.realpath(entry.path)
        if not Path(target).exists():
            return "this link points to nothing", "remove or repair the link"
        if os.path.commonpath([target, root]) != root:
            return (
                "this link leads out of the inputs folder; it is not followed",
                "copy the file, or point --inputs at its folder",
            )
    if entry.is_dir():
        return None
    suffix = _suffix(entry.name)
    if suffix == SETTINGS_SUFFIX:
        return None
    if not stat.S_ISREG(entry.stat().st_mode):
        return "not a regular file", "remove it"
    if suffix not in SUFFIXES:
        return f"{NO_PICTURE} (suffix {suffix or 'none'})", f"allowed: {', '.join(sorted(SUFFIXES))}"
    return None


def _suffix(name: str) -> str:
    """Lower case, with its dot. Takes a tenth of the time of `Path.suffix`, which matters with ten thousand files."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
