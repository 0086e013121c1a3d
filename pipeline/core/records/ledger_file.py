"""One SQLite file of the ledger: how it is opened, how far it is, and its errors in words a person can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.errors import OutputError, UsageError, disk_full
from pipeline.core.records.ledger_rows import SCHEMA_VERSION


def connect(path: Path, create: bool) -> sqlite3.Connection:
    """A connection to a ledger file: to our own, made if need be, or to another writer's, which is only read."""
    address = f"{path.resolve().as_uri()}?mode={'rwc' if create else 'rw'}"
    connection = sqlite3.connect(address, uri=True, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=TRUNCATE" if create else "PRAGMA query_only=ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def sequence_of(connection: sqlite3.Connection) -> int:
    """The number of the last transaction in a file."""
    (highest,) = connection.execute("SELECT coalesce(max(value), 0) FROM meta WHERE key = 'sequence'").fetchone()
    return int(highest)


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a ledger that this program cannot read.

    Raises:
        UsageError: it has another version.
        sqlite3.DatabaseError: it has none, so it is damaged.
    """
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    if row is None:
        raise sqlite3.DatabaseError("it names no version")
    version = row[0]
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{path}: ledger of another version ({version}; this program writes {SCHEMA_VERSION})",
            "update, or use other --outputs",
        )


@contextmanager
def disk_refusals(place: Path) -> Iterator[None]:
    """Turn the disk's refusals into errors with a remedy; damage passes through as plain `sqlite3.DatabaseError`.

    Raises:
        OutputError: the disk is full, read-only or broken.
    """
    try:
        yield
    except sqlite3.OperationalError as problem:
        text = str(problem)
        if "no such table" in text or "no such column" in text:
            raise sqlite3.DatabaseError(text) from None
        if "full" in text:
            raise disk_full(place) from None
        raise OutputError(f"{place}: the ledger cannot be used ({text})", "check the disk and its permissions") from None


@contextmanager
def later_damage(folder: Path) -> Iterator[None]:
    """Turn damage that is found after the file was opened, too late to begin a new one, into an error with a remedy.

    Raises:
        OutputError: the file is damaged.
    """
    try:
        yield
    except sqlite3.DatabaseError as problem:
        if type(problem) is not sqlite3.DatabaseError:  # a subclass says that the disk refused, or that we made a mistake
            raise
        raise OutputError(
            f"{folder}: the ledger is damaged ({problem})", f"move it away and run again: mv '{folder}' '{folder}.damaged'"
        ) from None
