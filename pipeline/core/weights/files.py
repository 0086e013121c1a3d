"""Model files on disk: their hash, the list of verified files, and the recognition of files that are no model.

Hashing ten gigabytes takes half a minute, so a verified file is listed with its size, mtime and inode in
`weights/<name>/.verified.json`. The same list pins the hash of files whose contents nobody published.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.core.records.whole_file import write_whole

VERIFIED_LIST = ".verified.json"
CHUNK_BYTES = 4 << 20
STUB_BYTES = 1024  # no model file is smaller; git-lfs pointers and error texts are
_WEB_PAGE = (b"<!doctype html", b"<html")
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"

Progress = Callable[[int, int | None], None]
"""Called with the bytes done and the total in bytes (None = unknown)."""


def no_progress(done: int, total: int | None) -> None:
    """Report nothing."""


class Digest:
    """SHA-256 and MD5 of a growing file; `count` is the number of bytes seen."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.count = 0

    def update(self, data: bytes) -> None:
        """Add the next bytes."""
        self._sha256.update(data)
        self._md5.update(data)
        self.count += len(data)

    def catch_up(self, handle: BinaryIO | FileIO, end: int) -> None:
        """Read an open file from where the digest stands up to byte `end`."""
        handle.seek(self.count)
        while self.count < end and (data := handle.read(min(CHUNK_BYTES, end - self.count))):
            self.update(data)

    @property
    def sha256(self) -> str:
        """Lower-case hex."""
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        """Lower-case hex."""
        return self._md5.hexdigest()


def digest_of(path: Path, progress: Progress = no_progress) -> Digest:
    """Hash a whole file.

    Raises:
        OSError: it cannot be read.
    """
    digest, total = Digest(), path.stat().st_size
    with path.open("rb") as handle:
        while data := handle.read(CHUNK_BYTES):
            digest.update(data)
            progress(digest.count, total)
    return digest


@dataclass(frozen=True, slots=True)
class VerifiedFile:
    """One line of the list of verified files.

    Args:
        sha256: its contents.
        size: bytes.
        mtime_ns: modification time in ns.
        inode: inode number; a copied file is hashed once more.
        pinned: the hash was taken from the first file seen, not from the table.
        chosen: the user took it in place of the published file (`weights use`).
    """

    sha256: str
    size: int
    mtime_ns: int
    inode: int
    pinned: bool = False
    chosen: bool = False

    def matches(self, path: Path) -> bool:
        """True while the file on disk is the one that was hashed."""
        now = path.stat()
        return (self.size, self.mtime_ns, self.inode) == (now.st_size, now.st_mtime_ns, now.st_ino)


def verified_file(path: Path, sha256: str, *, pinned: bool, chosen: bool = False) -> VerifiedFile:
    """The line of a file that was just hashed."""
    now = path.stat()
    return VerifiedFile(sha256, now.st_size, now.st_mtime_ns, now.st_ino, pinned, chosen)


@dataclass(slots=True)
class VerifiedFiles:
    """The list of verified files in the folder of one row.

    Args:
        folder: `weights/<row>`.
        files: by name below the folder.
        writable: False once the folder refused the list; every process then hashes again.
    """

    folder: Path
    files: dict[str, VerifiedFile] = field(default_factory=dict)
    writable: bool = True

    def put(self, name: str, file: VerifiedFile | None) -> None:
        """Add, replace or (None) remove a file, and write the list."""
        if file is None:
            self.files.pop(name, None)
        else:
            self.files[name] = file
        self.save()

    def save(self) -> None:
        """Write the list, where the folder can be written."""
        try:
            write_json(self.folder / VERIFIED_LIST, {key: asdict(value) for key, value in sorted(self.files.items())})
        except OSError:
            # A shared read-only weights folder is a normal thing on a cluster; only speed is lost.
            self.writable = False


def read_verified(folder: Path) -> VerifiedFiles:
    """The list of a folder; empty when it is absent or damaged."""
    files = {}
    for name, fields in read_json(folder / VERIFIED_LIST).items():
        try:
            files[name] = VerifiedFile(**fields)
        except TypeError:
            continue  # written by another version: hash again
    return VerifiedFiles(folder, files)


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON object; empty when the file is absent or damaged."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write a small JSON object, whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    write_whole(path, json.dumps(data, indent=1) + "\n")


def stub_reason(head: bytes, size: int, bytes_expected: int) -> str:
    """Why a file is not the model but something else under its name; empty when nothing is suspicious.

    Args:
        head: its first bytes (64 are enough).
        size: its size in bytes.
        bytes_expected: exact or rounded size of the model in bytes, 0 when unknown.
    """
    if head.startswith(_LFS_POINTER):
        return f"a git-lfs pointer of {size} bytes, not the file itself"
    if head.lstrip().lower().startswith(_WEB_PAGE):
        return "a web page (a login, quota or consent page was saved instead of the file)"
    if size < STUB_BYTES and (bytes_expected == 0 or bytes_expected > 100 * STUB_BYTES):
        return f"a stub of {size} bytes, not the file itself"
    return ""


def stub_on_disk(path: Path, bytes_expected: int) -> str:
    """`stub_reason` of a file on disk.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as handle:
        return stub_reason(handle.read(64), path.stat().st_size, bytes_expected)


def human_bytes(count: int) -> str:
    """Decimal units as the hubs print them: `10.2 GB`, `335 MB`, `134 bytes`."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            value = count / scale
            return f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"
    return f"{count} bytes"
