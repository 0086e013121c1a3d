"""The memory of what was made, from what, and what went wrong: one SQLite file per writer in `outputs/.ledger/`.

Several files are read together. Of rows about the same thing the newest holds: the one with the higher sequence number, and of
equal numbers the one whose writer's name sorts later. Before each transaction a writer looks at the numbers of all other files
and takes the next one, so what is written later has a higher number; only transactions at the very same moment can have equal
ones. Clocks of the machine may go backwards and decide nothing.

A damaged file is put aside and counts as lost: the artefacts that it knew then count as hand edits.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from pipeline.core.layout import Ref
from pipeline.core.machine.process import gc_paused
from pipeline.core.records.ledger_file import check_version, connect, disk_refusals, later_damage, sequence_of
from pipeline.core.records.ledger_rows import (
    SCHEMA,
    FileRow,
    Intent,
    Outcome,
    intent_from_json,
    intent_json,
    outcome_of,
    row_of,
)

DRIVER = "driver"
_SUFFIX = ".sqlite"

Rank = tuple[int, int]
"""When a row was written, among all: its sequence number, then the place of its writer's name."""


class Ledger:
    """All writers' records, merged; written by one.

    Args:
        folder: the ledger's folder.
        writer: names the file this process writes.
        writable: False opens for looking only: nothing is created, moved or changed.
        durable: survive a power cut; off in tests only.
    """

    def __init__(self, folder: Path, writer: str = DRIVER, *, writable: bool = True, durable: bool = True) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self.files: dict[Ref, FileRow] = {}
        self._guard = threading.RLock()
        self._sequence = 0
        self._own = folder / f"{writer}{_SUFFIX}"
        self._writer: sqlite3.Connection | None = None
        self._others: dict[Path, sqlite3.Connection] = {}
        self._opened: list[sqlite3.Connection] = []
        """In the order of the writers' names, so that of equal sequence numbers the one that is read later holds."""
        if writable:
            folder.mkdir(parents=True, exist_ok=True)
        try:
            self._open_all(writable, durable)
        except BaseException:
            self.close()
            raise

    def _open_all(self, writable: bool, durable: bool) -> None:
        newest: dict[Ref, int] = {}
        paths = sorted({*self._paths(), *([self._own] if writable else [])}, key=lambda path: path.stem)
        merged = newest if len(paths) > 1 else None
        for path in paths:
            mine = path == self._own and writable
            connection = self._open(path, merged, writable, create=mine)
            if connection is None and mine:
                connection = self._open(path, merged, writable, create=True)
            if connection is None:
                continue
            if mine:
                connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
                self._writer = connection
            else:
                self._others[path] = connection

    def _paths(self) -> Iterator[Path]:
        return self.folder.glob(f"*{_SUFFIX}")

    def _open(self, path: Path, newest: dict[Ref, int] | None, writable: bool, create: bool) -> sqlite3.Connection | None:
        """Connect and load; a damaged file is put aside (or passed over when only looking) and gives None."""
        connection = None
        try:
            with disk_refusals(path):
                connection = connect(path, create)
                self._opened.append(connection)
                if create:
                    connection.executescript(SCHEMA)
                check_version(connection, path)
                self._load(connection, newest)
                return connection
        except sqlite3.DatabaseError as problem:
            if connection is not None:
                connection.close()
                self._opened.remove(connection)
            self._put_aside(path, problem, writable)
            return None

    def _put_aside(self, path: Path, problem: sqlite3.DatabaseError, writable: bool) -> None:
        if not writable:
            self.notes.append(f"{path}: damaged ledger ({problem}); passed over")
            return
        number = 1
        while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
            number += 1
        path.replace(aside)
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
        self.notes.append(f"{path}: damaged ledger ({problem}); put aside as {aside.name}. What it knew counts as given by hand")

    def _load(self, connection: sqlite3.Connection, newest: dict[Ref, int] | None) -> None:
        """Take in the file rows; with several writers the newest hold."""
        self._sequence = max(self._sequence, sequence_of(connection))
        columns = ", ".join(FileRow._fields)
        if newest is None:
            with gc_paused():
                rows = map(FileRow._make, connection.execute(f"SELECT {columns} FROM files"))
                self.files = {row[0]: row for row in rows}
            return
        for sequence, *values in connection.execute(f"SELECT sequence, {columns} FROM files").fetchall():
            if sequence >= newest.get(values[0], -1):
                newest[values[0]] = sequence
                self.files[values[0]] = FileRow._make(values)

    def close(self) -> None:
        """Let go of the files."""
        for connection in (*self._opened, *self._others.values()):
            with suppress(sqlite3.Error):
                connection.close()
        self._opened, self._others, self._writer = [], {}, None

    # ---- reading ----------------------------------------------------------------------------------------------------------

    def _query(self, sql: str, values: Sequence[str] = ()) -> Iterator[tuple]:
        for rows in self._query_each(sql, values):
            yield from rows

    def _query_each(self, sql: str, values: Sequence[str] = ()) -> Iterator[list[tuple]]:
        """The answers of the writers' files, in the order of the writers' names."""
        for connection in self._opened:
            with self._guard, disk_refusals(self.folder), later_damage(self.folder):
                rows = connection.execute(sql, values).fetchall()
            yield rows

    def outcomes(self, where: str = "1", values: Sequence[str] = ()) -> Iterator[Outcome]:
        """What became of items, newest per item, in the order of the slots.

        Args:
            where: an SQL condition on columns that never change for a slot: `slot`, `step`, `item`.
            values: for its question marks.
        """
        newest: dict[str, tuple] = {}
        for row in self._query(f"SELECT * FROM outcomes WHERE {where}", values):
            if row[0] not in newest or row[1] >= newest[row[0]][1]:
                newest[row[0]] = row
        return (outcome_of(newest[slot]) for slot in sorted(newest))

    def outcome(self, slot: Ref) -> Outcome | None:
        """What became of one item, by the first file it writes."""
        return next(iter(self.outcomes("slot = ?", (slot,))), None)

    def namesakes(self, slot: Ref, step: str, item: str) -> list[Outcome]:
        """What a step made of an item before: by the same first file, or by one that differs only in its ending.

        A slot changes with the format that a picture is asked for in; an engine's pictures have a folder of their own.
        """
        stem = slot.rpartition(".")[0] or slot
        found = self.outcomes("slot >= ? AND slot < ? AND step = ? AND item = ?", (f"{stem}.", f"{stem}/", step, item))
        return list(found)

    def failures(self) -> dict[Ref, Outcome]:
        """Items whose last attempt failed, by slot."""
        slots = {row[0] for row in self._query("SELECT slot FROM outcomes WHERE status = 'failed'")}
        found = {slot: self.outcome(slot) for slot in slots}
        return {slot: outcome for slot, outcome in found.items() if outcome is not None and outcome.failed}

    def kept(self, step: str) -> dict[Ref, tuple[Ref, ...]]:
        """Hand edits of a step as last seen, by slot."""
        slots = [row[0] for row in self._query("SELECT slot FROM outcomes WHERE step = ? AND kept <> '[]'", (step,))]
        found = {slot: self.outcome(slot) for slot in slots}
        return {slot: outcome.kept for slot, outcome in found.items() if outcome is not None and outcome.kept}

    def items_of(self, step: str) -> set[str]:
        """Ids of all items a step ever worked on."""
        return {row[0] for row in self._query("SELECT DISTINCT item FROM outcomes WHERE step = ?", (step,))}

    def intents(self) -> list[Intent]:
        """What was about to be put in place when a run died, oldest first."""
        found = self._ranked("SELECT sequence, slot, content FROM intents")
        return [
            intent_from_json(content, overtaken=rank < self._rank_of_outcome(slot))
            for rank, (_, slot, content) in sorted(found, key=lambda each: each[0])
        ]

    def _rank_of_outcome(self, slot: Ref) -> Rank:
        ranks = (rank for rank, _ in self._ranked("SELECT sequence FROM outcomes WHERE slot = ?", (slot,)))
        return max(ranks, default=(-1, -1))

    def _ranked(self, sql: str, values: Sequence[str] = ()) -> Iterator[tuple[Rank, tuple]]:
        """Rows whose first column is their sequence number, each with its place in the order of writing."""
        for place, rows in enumerate(self._query_each(sql, values)):
            for row in rows:
                yield (row[0], place), row

    # ---- writing ----------------------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        assert self._writer is not None, "the ledger was opened for looking only"
        with self._guard, disk_refusals(self.folder), later_damage(self.folder):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                self._sequence = max(self._sequence, self._sequence_elsewhere()) + 1
                self._writer.execute("INSERT OR REPLACE INTO meta VALUES ('sequence', ?)", (self._sequence,))
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise

    def _sequence_elsewhere(self) -> int:
        """The highest sequence number in other writers' files, those included that have appeared since this one was opened."""
        highest = 0
        for path in self._paths():
            if path != self._own:
                with suppress(sqlite3.DatabaseError), disk_refusals(path):  # one that is damaged or just being made says nothing
                    if path not in self._others:
                        self._others[path] = connect(path, create=False)
                    highest = max(highest, sequence_of(self._others[path]))
        return highest

    def intend(self, intents: Iterable[Intent]) -> None:
        """Write down what is about to be put in place."""
        with self._transaction() as connection:
            rows = [(intent.outcome.slot, self._sequence, intent_json(intent)) for intent in intents]
            connection.executemany("INSERT OR REPLACE INTO intents VALUES (?, ?, ?)", rows)

    def settle(
        self, files: Iterable[FileRow], outcomes: Iterable[Outcome], closed: Iterable[Ref] = (), gone: Iterable[Ref] = ()
    ) -> None:
        """Write down what is in place and what became of items, and strike out their intents, all in one transaction.

        Args:
            files: rows to add or replace.
            outcomes: likewise; their intents are struck out.
            closed: slots of intents to strike out without an outcome.
            gone: files and slots that are no more.
        """
        files, outcomes, gone = list(files), list(outcomes), list(gone)
        with self._transaction() as connection:
            for table, column in (("files", "ref"), ("outcomes", "slot")):
                connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(ref,) for ref in gone])
            marks = ", ".join("?" * (len(FileRow._fields) + 1))
            connection.executemany(f"INSERT OR REPLACE INTO files VALUES ({marks})", [(*row, self._sequence) for row in files])
            rows = [row_of(outcome, self._sequence) for outcome in outcomes]
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                connection.executemany(f"INSERT OR REPLACE INTO outcomes VALUES ({marks})", rows)
            slots = [(slot,) for slot in (*closed, *(outcome.slot for outcome in outcomes))]
            connection.executemany("DELETE FROM intents WHERE slot = ?", slots)

    def strike_intents(self) -> None:
        """Forget all intents, those of other writers' files included; only safe under the run's lock, after recovery."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM intents")
        for other in self._others.values():
            with self._guard, disk_refusals(self.folder):
                other.execute("PRAGMA query_only=OFF")
                other.execute("DELETE FROM intents")
                other.execute("PRAGMA query_only=ON")

    def note_run(self, command: str, settings: str) -> None:
        """Write down that a run began, with its resolved configuration."""
        with self._transaction() as connection:
            now = datetime.now().isoformat(timespec="seconds")
            connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", (self._sequence, now, command, settings))
