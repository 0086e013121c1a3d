"""Model files that are on this machine already, but not where they belong: one folder too high, renamed, or in another cache.

A file counts when its size is that of the table; its hash is compared before it is moved. The cache of the hub names files by
their sha256, so there one look finds them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.core.errors import WeightsError
from pipeline.core.weights import table as rows
from pipeline.core.weights.access import DEFAULT_ROOT, Findings, status_of
from pipeline.core.weights.copying import copy_file
from pipeline.core.weights.files import Progress, digest_of, no_progress, read_verified, stub_on_disk
from pipeline.core.weights.part import write_refusal
from pipeline.core.weights.table import Weight, WeightFile
from pipeline.core.weights.verify import FileState, Finding, check_digest, path_of

DEPTH = 3
"""So many folders below the weights folder are looked through."""
IGNORED = (".part", ".json", ".lock")
"""Endings of what the downloader keeps beside model files."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file that looks like one of the table.

    Args:
        weight: the row.
        file: the file of that row that is missing.
        path: where it lies instead.
        shared: it belongs to another program's cache, so that it is copied and never moved away.
    """

    weight: Weight
    file: WeightFile
    path: Path
    shared: bool

    def line(self) -> str:
        """`stableviton-vitonhd/VITONHD.ckpt: weights/VITONHD.ckpt has its size`."""
        return f"{self.weight.name}/{self.file.name}: {self.path} {'has its size' if self.file.size else 'has its name'}"


def command(names: Iterable[str], root: Path) -> str:
    """The command line that puts sighted files where they belong."""
    folder = "" if root == DEFAULT_ROOT else f" --weights {root}"
    return f"python run.py weights find {' '.join(dict.fromkeys(names))}{folder} --move"


class Elsewhere:
    """The places of one machine, each listed once.

    Args:
        root: the weights folder.
        environment: names the caches of other programs; default: this process's.
    """

    def __init__(self, root: Path, environment: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._environment = os.environ if environment is None else environment
        self._listed: list[tuple[Path, int, bool]] | None = None

    def of(self, name: str) -> list[Sighting]:
        """The missing or unusable files of a row that lie elsewhere.

        Raises:
            WeightsError: no such row.
        """
        return self.among(status_of(name, self._root))

    def among(self, findings: Findings) -> list[Sighting]:
        """The same for a row whose status is known already."""
        wanted = [found for found in findings if found.state in {FileState.MISSING, FileState.UNUSABLE}]
        sighted = (self._sighting(finding) for finding in wanted)
        return [each for each in sighted if each is not None]

    def _sighting(self, finding: Finding) -> Sighting | None:
        weight, file = finding.weight, finding.file
        for blob in self._blobs(file):
            return Sighting(weight, file, blob, shared=True)
        for path, size, shared in self._files():
            if path != finding.path and _fits(file, path, size) and not self._belongs(path, size):
                return Sighting(weight, file, path, shared)
        return None

    def _belongs(self, path: Path, size: int) -> bool:
        """Whether a file is in its own row's place and fits there."""
        parts = path.relative_to(self._root).parts if path.is_relative_to(self._root) else ()
        row = rows.table().get(parts[0]) if len(parts) > 1 else None
        files = row.files if row else ()
        return any(path == self._root / parts[0] / file.name and file.size in {None, size} for file in files)

    def _files(self) -> list[tuple[Path, int, bool]]:
        if self._listed is None:
            own = [(path, size, False) for path, size in _walk(self._root, DEPTH)]
            others = [(path, size, True) for folder in self._caches() for path, size in _walk(folder, 1)]
            self._listed = [*own, *others]
        return self._listed

    def _home(self) -> Path:
        return Path(self._environment.get("HOME") or self._environment.get("USERPROFILE") or "/nonexistent")

    def _caches(self) -> Iterator[Path]:
        """Folders of rembg and of torch's hub."""
        yield Path(self._environment.get("U2NET_HOME") or self._home() / ".u2net")
        torch = self._environment.get("TORCH_HOME") or self._home() / ".cache" / "torch"
        yield Path(torch) / "hub" / "checkpoints"

    def _blobs(self, file: WeightFile) -> Iterator[Path]:
        """The file in the cache of the Hugging Face hub: `models--OWNER--NAME/blobs/SHA256`."""
        hub = self._environment.get("HF_HUB_CACHE") or self._environment.get("HUGGINGFACE_HUB_CACHE")
        home = self._environment.get("HF_HOME") or self._home() / ".cache" / "huggingface"
        cache = Path(hub) if hub else Path(home) / "hub"
        if not file.sha256 or not cache.is_dir():
            return
        for repo in sorted(cache.glob("*--*")):
            yield from (blob for sha256 in file.sha256 if (blob := repo / "blobs" / sha256).is_file())


def _fits(file: WeightFile, path: Path, size: int) -> bool:
    """By its exact size where that is known, else by its name."""
    if file.size is not None:
        return size == file.size
    return path.name == PurePosixPath(file.name).name and not stub_on_disk(path, file.bytes_expected)


def _walk(folder: Path, depth: int) -> Iterator[tuple[Path, int]]:
    """Files of a folder with their sizes, so many folders deep; what cannot be listed is passed over."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir() and depth > 1:
            yield from _walk(Path(entry.path), depth - 1)
        elif entry.is_file() and not entry.name.endswith(IGNORED):
            yield Path(entry.path), entry.stat().st_size


def bring(sighting: Sighting, root: Path = DEFAULT_ROOT, progress: Progress = no_progress) -> Finding:
    """Put a sighted file where it belongs, when its hash is right: moved within the weights folder, copied from another cache.

    Raises:
        WeightsError: it is another file of the same size, or cannot be written.
    """
    weight, file, source = sighting.weight, sighting.file, sighting.path
    if sighting.shared:
        return copy_file(weight, file, source, root, progress)
    digest = digest_of(source, progress)
    if file.sha256 and digest.sha256 not in file.sha256:
        raise WeightsError(
            f"weights: {source} has the size of {weight.name}/{file.name}, but another content (sha256 {digest.sha256[:12]}…)",
            f"when it does the same: python run.py weights use {weight.name} {source}",
        )
    target = path_of(weight, file, root)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)
    except OSError as error:
        raise write_refusal(f"{source} cannot be moved to {target}", error) from error
    return check_digest(weight, file, read_verified(root / weight.name), digest)
