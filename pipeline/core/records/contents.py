"""What is in files now: content hashes, read from the stat cache where a file is untouched.

Folders are listed once per run, which is far cheaper than asking for each file. A file counts as untouched when size,
modification time and inode are as they were when it was hashed; a file changed within two seconds of being hashed is not believed
next time, because a later change could hide in the same tick of a coarse clock.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.core.layout import INPUT_PREFIX, Layout, Ref
from pipeline.core.records.fingerprint import sha256_of_file
from pipeline.core.records.ledger_rows import UNTRUSTED, FileRow
from pipeline.core.records.stat_ahead import Listing, list_folder
from pipeline.core.records.store import COARSEST_CLOCK_NS, FileStamp, file_stamp

ANNOUNCE_EVERY = 1000
UNREADABLE = "unreadable"
"""The content of a file that is there and cannot be read; equal to no hash."""


class _Lookup(dict[Ref, str]):
    """A table that finds out what it does not know; plain look-ups, of which a plan makes a million, stay as fast as a dict's."""

    def __init__(self, find: Callable[[Ref], str | None]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, ref: Ref) -> str | None:
        return self._find(ref)


class Contents:
    """Content hashes by ref; safe to ask from several threads.

    Args:
        layout: where inputs and outputs are.
        rows: the ledger's file rows, shared and kept up to date here.
        verify: believe no stamp; hash every file that is asked for.
    """

    def __init__(self, layout: Layout, rows: dict[Ref, FileRow], verify: bool = False) -> None:
        self._layout = layout
        self._rows = rows
        self._verify = verify
        self._known = _Lookup(self._find)
        self._unhashed: set[Ref] = set()
        self._scanned: set[str] = set()
        self._fresh: dict[Ref, FileRow] = {}
        self._scanning = threading.Lock()
        self.hashed = 0
        self.announce: Callable[[int], None] = lambda count: None
        """Called with the number of files hashed so far, now and then: a copied tree of many gigabytes takes minutes."""
        self.ahead: Callable[[Path], Listing | None] = lambda folder: None
        """What `StatsAhead` knows of a folder; None = ask the disk."""
        self.of: Callable[[Ref], str | None] = self._known.__getitem__
        """The sha256 of a file's contents, `UNREADABLE`, or None when it is not there."""

    def _find(self, ref: Ref) -> str | None:
        """The content of a file that is not in the table."""
        if not self.is_there(ref):
            return None
        return self._known.get(ref) or self._hash(ref)

    def is_there(self, ref: Ref) -> bool:
        """Whether a file exists; never hashes it."""
        folder = _folder_of(ref)
        if folder not in self._scanned:
            with self._scanning:
                if folder not in self._scanned:
                    self._scan(folder)
        return ref in self._known or ref in self._unhashed

    def _scan(self, folder: str) -> None:
        """Take in a folder; in the order of the names, which is that of the rows in memory and so a fifth faster."""
        known, rows, believe = self._known, self._rows, not self._verify
        prefix = folder if folder in {"", INPUT_PREFIX} else f"{folder}/"
        for name, stamp in self._listing(self._layout.path(folder)).items():
            row = rows.get(prefix + name)
            if row is not None and believe:
                if stamp is None:
                    continue  # a link to nowhere, or gone since
                if row[4:7] == stamp:
                    known[row[0]] = row[3] or row[2]
                    continue
            self._unhashed.add(prefix + name)
        self._scanned.add(folder)

    def _listing(self, folder: Path) -> Listing:
        found = self.ahead(folder)
        if found is not None:
            return found
        try:
            return list_folder(os.fspath(folder))
        except OSError:
            return {}  # absent, or may not be listed: whoever needs a file of it is told that the file is missing

    def _hash(self, ref: Ref) -> str | None:
        path = self._layout.path(ref)
        try:
            before = path.stat()
            content = sha256_of_file(path)
            after = path.stat()
        except FileNotFoundError:
            self.forget(ref)
            return None
        except OSError:
            self._known[ref] = UNREADABLE
            return UNREADABLE
        self.hashed += 1
        if self.hashed % ANNOUNCE_EVERY == 0:
            self.announce(self.hashed)
        still = file_stamp(before) == file_stamp(after)
        self._remember(ref, content, file_stamp(after), trusted=still and not _is_racy(after.st_mtime_ns))
        return content

    def _remember(self, ref: Ref, content: str, stamp: FileStamp, trusted: bool) -> None:
        old = self._rows.get(ref)
        fingerprint, made = (old.fingerprint, old.made) if old is not None else ("", "")
        seen = "" if content == made else content
        row = FileRow(ref, fingerprint, made, seen, stamp.size, stamp.mtime_ns, stamp.inode)
        self._rows[ref] = row
        self._fresh[ref] = row if trusted else row._replace(size=UNTRUSTED)
        self._known[ref] = content

    def look_again(self, ref: Ref) -> str | None:
        """The content right now: asks the disk about this one file and hashes it if it was touched since it was last seen."""
        self.of(ref)
        row = self._rows.get(ref)
        try:
            stamp = file_stamp(self._layout.path(ref).stat())
        except OSError:
            self.forget(ref)
            return None
        if row is not None and self._known.get(ref) == row.content and stamp == FileStamp(row.size, row.mtime_ns, row.inode):
            return row.content
        return self._hash(ref)

    def put(self, row: FileRow) -> None:
        """Take note of a file that we just put in place."""
        self._rows[row.ref] = row
        self._known[row.ref] = row.content
        self._fresh.pop(row.ref, None)

    def take_fresh(self) -> list[FileRow]:
        """Rows of files hashed since the last call, for the ledger to keep."""
        fresh = []
        while self._fresh:
            fresh.append(self._fresh.popitem()[1])
        return fresh

    def forget(self, ref: Ref) -> None:
        """A file was removed."""
        self._known.pop(ref, None)
        self._unhashed.discard(ref)


def _folder_of(ref: Ref) -> str:
    head, slash, _ = ref.rpartition("/")
    if slash:
        return head
    return INPUT_PREFIX if ref.startswith(INPUT_PREFIX) else ""


def _is_racy(mtime_ns: int) -> bool:
    """Whether a change right now could leave the modification time as it is on a coarse clock."""
    return abs(time.time_ns() - mtime_ns) < COARSEST_CLOCK_NS


def folder_paths(layout: Layout, refs: list[Ref]) -> set[Path]:
    """The folders that hold these files."""
    return {layout.path(ref).parent for ref in refs}
