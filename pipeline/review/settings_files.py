"""Settings files with a mistake: found, shown, put aside under a clear name beside their place, and brought back.

They are `lookbook.toml`, and the `<photo>.toml` and `<background>.toml` beside the pictures of the inputs folder. A request
names one of those that are there, never a path; links, which may lead out of the folder, are none of them. Works without the
workspace's items, which a mistake in `lookbook.toml` keeps from being read.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.api import prepare
from pipeline.catalog import resolve
from pipeline.core.config import load_settings
from pipeline.core.errors import InputError, LookbookError, UsageError
from pipeline.core.images import SUFFIXES
from pipeline.core.inputs.placement_file import read_placement_path
from pipeline.core.layout import (
    BACKGROUND_INPUTS,
    CONFIG_FILE,
    INPUT_PREFIX,
    OLDER_BACKGROUND_INPUTS,
    PERSON_INPUTS,
    SETTINGS_SUFFIX,
    Ref,
)
from pipeline.review.broken_line import broken_line
from pipeline.review.input_stamp import stamp_of
from pipeline.review.workspace import UnknownItemError, Workspace
from pipeline.settings import schema

PERSON_WANTED = "preprocess.background.which_person:person_wanted"
"""Reads `<photo>.toml`; the step is only named, never imported."""
ASIDE = ".put-aside-"
MOST_SHOWN = 20_000
"""Characters of a file that are shown."""
MOST_READ = 1_000_000
"""Bytes of a file that is read at all."""


@dataclass(frozen=True)
class Mistake:
    """A settings file that cannot be used.

    Args:
        name: `lookbook.toml`, or the path below the inputs folder.
        message, remedy: what is wrong and what helps.
        line: where, from 1; None = not known.
        text: the content.
        version: changes with the content.
    """

    name: str
    message: str
    remedy: str
    line: int | None
    text: str
    version: str


@dataclass(frozen=True)
class Kept:
    """A settings file that was put aside.

    Args:
        name: of the file.
        kept_as: what it is called now, in the same folder.
        version: of what is in its place; "" = nothing.
    """

    name: str
    kept_as: str
    version: str


class SettingsFiles:
    """The settings files of a workspace.

    Args:
        workspace: the folders.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._inputs = workspace.layout.inputs

    def mistakes(self) -> list[Mistake]:
        """Every settings file with a mistake; those of the workspace first."""
        found = ((name, path, self._problem(name, path)) for name, path in self._places() if path.is_file())
        return [_mistake(name, path, problem) for name, path, problem in found if problem]

    def kept(self) -> list[Kept]:
        """What was put aside, of each file the latest first."""
        return [Kept(name, aside.name, _version(path)) for name, path in self._places() for aside in reversed(_put_aside(path))]

    def path(self, name: str) -> Path:
        """The place of a settings file, whether or not one is there.

        Raises:
            UnknownItemError: no settings file is called so.
        """
        found = dict(self._places()).get(name)
        if found is None:
            raise UnknownItemError(f"no settings file {name!r}")
        return found

    def ref(self, name: str) -> Ref:
        """The ref of a settings file, which every save of it holds; raises as `path`."""
        self.path(name)
        return INPUT_PREFIX + name if "/" in name else name

    def version(self, name: str) -> str:
        """Changes with the file; "" when there is none."""
        return _version(self.path(name))

    def put_aside(self, name: str) -> Kept:
        """Move a file with a mistake to a free name beside it; the caller holds the target.

        Raises:
            UsageError: there is no mistake in it.
        """
        path = self.path(name)
        if not path.is_file():
            raise UnknownItemError(f"there is no {name}")
        if not self._problem(name, path):
            raise UsageError(f"{name} has no mistake", "change it in a text editor")
        target = _free_name(path)
        path.rename(target)
        if path == self._workspace.request.config:  # named on the command line, so it has to be there
            path.touch()
        return Kept(name, target.name, _version(path))

    def bring_back(self, name: str) -> Path:
        """Put what was put aside last in its place again; the caller holds the target.

        Raises:
            UsageError: nothing was put aside, or another file is in its place.
        """
        path = self.path(name)
        aside = _put_aside(path)
        if not aside:
            raise UsageError(f"nothing to undo for {name}")
        if path.is_file() and path.stat().st_size:
            raise UsageError(f"there is another {name} by now", f"{aside[-1].name} stays beside it")
        return aside[-1].replace(path)

    # ---- finding ----------------------------------------------------------------------------------------------------------

    def _places(self) -> Iterator[tuple[str, Path]]:
        """Name and place of every settings file that is read, or was put aside."""
        config = self._workspace.request.config or self._inputs.parent / CONFIG_FILE
        if not config.is_symlink():
            yield config.name, config
        root = Path(os.path.realpath(self._inputs))
        for kind in (PERSON_INPUTS, BACKGROUND_INPUTS, OLDER_BACKGROUND_INPUTS):
            files = {_place_of(file) for file in (self._inputs / kind).rglob(f"*{SETTINGS_SUFFIX}")}
            for path in sorted(files):
                below = path.relative_to(self._inputs)
                if not path.name.startswith(".") and _has_picture(path) and os.path.realpath(path) == str(root / below):
                    yield below.as_posix(), path

    def _problem(self, name: str, path: Path) -> LookbookError | None:
        try:
            if path.stat().st_size > MOST_READ:
                raise InputError(f"{name}: larger than {MOST_READ / 1e6:g} MB, so it is no settings file")
            self._check(name)(path)
        except LookbookError as problem:
            return problem
        except OSError as problem:
            return InputError(f"{name}: {problem.strerror}", "check its permissions")
        return None

    def _check(self, name: str) -> Callable[[Path], object]:
        kind = name.partition("/")[0]
        if kind == PERSON_INPUTS:
            reads: Callable[[Path], object] = resolve(PERSON_WANTED)
            return reads
        return read_placement_path if "/" in name else self._check_settings

    def _check_settings(self, path: Path) -> None:
        """Read the settings alone, then see whether the workspace can be read with them, and only with others.

        Raises:
            LookbookError: this file is to blame.
        """
        load_settings(schema(), path, environment={})
        try:
            self._workspace.items()
        except UsageError as problem:
            if self._is_readable_without():
                raise problem from None

    def _is_readable_without(self) -> bool:
        """Whether the workspace can be read with an empty settings file."""
        with tempfile.TemporaryDirectory() as folder:
            empty = Path(folder) / CONFIG_FILE
            empty.touch()
            try:
                prepare(replace(self._workspace.request, steps=(), config=empty))
            except LookbookError:
                return False
            return True


def _mistake(name: str, path: Path, problem: LookbookError) -> Mistake:
    version = _version(path)  # before the text is read: what changes meanwhile makes a change be refused
    text = path.read_bytes()[:MOST_SHOWN].decode("utf-8", "replace") if os.access(path, os.R_OK) else ""
    message = problem.message.removeprefix(f"{path}: ").removeprefix(f"{name}: ")
    return Mistake(name, message, problem.remedy, broken_line(text, message), text, version)


def _version(path: Path) -> str:
    stamp = stamp_of(path)
    return stamp and hashlib.sha256(stamp.encode()).hexdigest()[:24]


def _has_picture(path: Path) -> bool:
    return any(path.with_suffix(suffix).exists() or path.with_suffix(suffix.upper()).exists() for suffix in SUFFIXES)


def _free_name(path: Path) -> Path:
    """A name that is taken by nothing, behind those that were put aside before."""
    first = max(map(_number, _put_aside(path)), default=0) + 1
    names = (path.with_name(f"{path.stem}{ASIDE}{number}{path.suffix}") for number in itertools.count(first))
    return next(each for each in names if not os.path.lexists(each))


def _place_of(file: Path) -> Path:
    """The place that a file has, or had before it was put aside."""
    return file.with_name(re.sub(rf"{re.escape(ASIDE)}\d+$", "", file.stem) + file.suffix)


def _put_aside(path: Path) -> list[Path]:
    """What was put aside of a file, in order."""
    found = [each for each in path.parent.glob(f"*{ASIDE}*{path.suffix}") if _place_of(each) == path != each]
    return sorted((each for each in found if each.is_file() and not each.is_symlink()), key=_number)


def _number(aside: Path) -> int:
    return int(aside.stem.rpartition("-")[2])
