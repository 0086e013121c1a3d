"""Two processes write ledgers of their own beside each other: what was written later holds, whoever opened first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.core.layout import CLOTH, LEDGER, Layout
from pipeline.core.records.fingerprint import sha256_of_bytes
from pipeline.core.records.ledger import Ledger
from pipeline.core.records.ledger_rows import FileRow, Intent, Outcome, Status
from pipeline.core.records.store import Store
from pipeline.core.records.transaction import open_records

SLOT = CLOTH.of("shirt")
BOTH_WAYS = [("shard-0", "shard-1"), ("shard-1", "shard-0")]

opening = pytest.mark.parametrize("opened", BOTH_WAYS, ids=" opens before ".join)
writing = pytest.mark.parametrize("written", BOTH_WAYS, ids=" writes before ".join)


def row(maker: str, seen: str = "") -> FileRow:
    return FileRow(SLOT, maker, f"made by {maker}", seen, 3, 1_700_000_000_123_456_789, 7)


def outcome(maker: str, status: Status = Status.DONE, **facts: object) -> Outcome:
    values = {"slot": SLOT, "step": "cloth", "item": "shirt", "status": status, "fingerprint": maker, "writes": (SLOT,)} | facts
    return Outcome(**values)


@contextmanager
def writers(folder: Path, opened: tuple[str, str]) -> Iterator[dict[str, Ledger]]:
    """Two ledgers of one folder, open at the same time."""
    ledgers = {name: Ledger(folder, name, durable=False) for name in opened}
    yield ledgers
    for ledger in ledgers.values():
        ledger.close()


@contextmanager
def reader(folder: Path) -> Iterator[Ledger]:
    ledger = Ledger(folder, writable=False)
    yield ledger
    ledger.close()


@opening
@writing
def test_of_two_writers_of_one_garment_the_later_one_holds(
    tmp_path: Path, opened: tuple[str, str], written: tuple[str, str]
) -> None:
    with writers(tmp_path, opened) as ledgers:
        for name in written:
            ledgers[name].settle([row(name)], [outcome(name)])
    with reader(tmp_path) as ledger:
        assert ledger.files[SLOT].fingerprint == written[1]
        assert ledger.outcome(SLOT).fingerprint == written[1]


@opening
@writing
def test_a_writer_that_has_written_often_does_not_outdo_one_that_writes_later(
    tmp_path: Path, opened: tuple[str, str], written: tuple[str, str]
) -> None:
    first, second = written
    with writers(tmp_path, opened) as ledgers:
        for _ in range(5):
            ledgers[first].settle([row(first)], [outcome(first)])
        ledgers[second].settle([row(second)], [outcome(second)])
        ledgers[first].settle([], [outcome("x", slot="cloth/other.jpg", item="other")])
    with reader(tmp_path) as ledger:
        assert ledger.files[SLOT].fingerprint == ledger.outcome(SLOT).fingerprint == second


@opening
@writing
def test_a_hand_edit_noted_by_one_writer_and_a_picture_made_by_the_other_hold_in_the_order_of_writing(
    tmp_path: Path, opened: tuple[str, str], written: tuple[str, str]
) -> None:
    editor, maker = "shard-0", "shard-1"
    edit, made = row(editor, seen="somebody's"), row(maker)
    with writers(tmp_path, opened) as ledgers:
        for name in written:
            if name == editor:
                ledgers[name].settle([edit], [outcome(name, Status.KEPT, kept=(SLOT,))])
            else:
                ledgers[name].settle([made], [outcome(name)])
    with reader(tmp_path) as ledger:
        edited_last = written[1] == editor
        assert ledger.files[SLOT] == (edit if edited_last else made)
        assert ledger.kept("cloth") == ({SLOT: (SLOT,)} if edited_last else {})


@opening
@writing
def test_a_failure_and_a_success_of_two_writers_hold_in_the_order_of_writing(
    tmp_path: Path, opened: tuple[str, str], written: tuple[str, str]
) -> None:
    with writers(tmp_path, opened) as ledgers:
        for name in written:
            ledgers[name].settle([], [outcome(name, Status.FAILED if name == "shard-0" else Status.DONE)])
    with reader(tmp_path) as ledger:
        assert set(ledger.failures()) == ({SLOT} if written[1] == "shard-0" else set())


def test_a_writer_that_appears_while_another_is_at_work_counts_on_from_it(tmp_path: Path) -> None:
    early = Ledger(tmp_path, "shard-1", durable=False)
    early.settle([row("shard-1")], [outcome("shard-1")])
    late = Ledger(tmp_path, "shard-0", durable=False)
    late.settle([row("shard-0")], [outcome("shard-0")])
    early.settle([row("shard-1")], [outcome("shard-1")])
    early.close()
    late.close()
    with reader(tmp_path) as ledger:
        assert ledger.files[SLOT].fingerprint == ledger.outcome(SLOT).fingerprint == "shard-1"


def test_of_equal_numbers_the_later_name_wins_for_files_outcomes_and_intents_alike(tmp_path: Path) -> None:
    """Two transactions at the same moment may see the same number, and ledgers of earlier versions often hold equal ones."""
    for name in ("shard-0.5", "shard-0"):  # as file names their order is the other way round than as names of writers
        (tmp_path / "alone").mkdir(exist_ok=True)
        alone = Ledger(tmp_path / "alone", name, durable=False)
        alone.settle([row(name)], [outcome(name)])
        alone.intend([Intent({SLOT: name}, outcome(name))])
        alone.close()
        (tmp_path / "alone" / f"{name}.sqlite").rename(tmp_path / f"{name}.sqlite")
    with reader(tmp_path) as ledger:
        assert ledger.files[SLOT].fingerprint == ledger.outcome(SLOT).fingerprint == "shard-0.5"
        assert [intent.files[SLOT] for intent in ledger.intents()] == ["shard-0", "shard-0.5"]


@opening
@writing
def test_intents_of_two_killed_writers_are_taken_up_in_the_order_of_writing(
    tmp_path: Path, opened: tuple[str, str], written: tuple[str, str]
) -> None:
    layout = Layout(tmp_path / "inputs", tmp_path / "outputs", tmp_path / "weights")
    put(layout, b"the same bytes")
    with writers(layout.outputs / LEDGER, opened) as ledgers:
        for name in written:
            ledgers[name].intend([Intent({SLOT: sha256_of_bytes(b"the same bytes")}, outcome(name))])
    with open_records(layout, store=Store(layout, durable=False)) as records:
        assert records.ledger.files[SLOT].fingerprint == records.ledger.outcome(SLOT).fingerprint == written[1]
        assert records.ledger.intents() == []


def test_an_intent_that_another_writer_overtook_with_the_same_bytes_changes_nothing(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "inputs", tmp_path / "outputs", tmp_path / "weights")
    data = put(layout, b"the same bytes")
    with writers(layout.outputs / LEDGER, BOTH_WAYS[0]) as ledgers:
        ledgers["shard-0"].intend([Intent({SLOT: data.made}, outcome("killed"))])
        ledgers["shard-1"].settle([data._replace(fingerprint="later")], [outcome("later")])
    with open_records(layout, store=Store(layout, durable=False)) as records:
        assert records.ledger.files[SLOT].fingerprint == records.ledger.outcome(SLOT).fingerprint == "later"
        assert records.ledger.intents() == []


def test_an_overtaken_intent_whose_bytes_are_in_place_after_all_is_no_hand_edit(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "inputs", tmp_path / "outputs", tmp_path / "weights")
    data = put(layout, b"put in place last, by the killed one")
    with writers(layout.outputs / LEDGER, BOTH_WAYS[0]) as ledgers:
        ledgers["shard-0"].intend([Intent({SLOT: data.made}, outcome("killed"))])
        ledgers["shard-1"].settle([data._replace(made="other bytes", fingerprint="later", inode=1)], [outcome("later")])
    with open_records(layout, store=Store(layout, durable=False)) as records:
        assert not records.is_hand_edit(SLOT)
        assert records.ledger.files[SLOT].fingerprint == records.ledger.outcome(SLOT).fingerprint == "killed"


def put(layout: Layout, data: bytes) -> FileRow:
    """A garment's picture on the disk, and the row that says so."""
    path = layout.path(SLOT)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    status = path.stat()
    return FileRow(SLOT, "", sha256_of_bytes(data), "", status.st_size, status.st_mtime_ns, status.st_ino)
