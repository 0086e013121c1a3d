"""What is written down comes back, newest first, whatever happens to clocks, files and processes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pipeline.core.errors import OutputError, UsageError
from pipeline.core.flags import Flag, Notice
from pipeline.core.records.ledger import Ledger
from pipeline.core.records.ledger_rows import FileRow, Intent, Outcome, Status


def row(ref: str, fingerprint: str = "f") -> FileRow:
    return FileRow(ref, fingerprint, "made", "", 3, 1_700_000_000_123_456_789, 2**63 - 1)


def outcome(slot: str = "a/x.png", **facts: object) -> Outcome:
    values = {"slot": slot, "step": "pose", "item": "x", "status": Status.DONE, "writes": (slot,)} | facts
    return Outcome(**values)


def open_ledger(folder: Path, writer: str = "driver", writable: bool = True) -> Ledger:
    return Ledger(folder, writer, writable=writable, durable=False)


def write(folder: Path, *rows: FileRow, writer: str = "driver", outcomes: tuple[Outcome, ...] = ()) -> None:
    ledger = open_ledger(folder, writer)
    ledger.settle(rows, outcomes)
    ledger.close()


def test_rows_and_outcomes_come_back_as_they_were(tmp_path: Path) -> None:
    full = outcome(
        fingerprint="f",
        basis="{}",
        writes=("a/x.png", "b/x y.json"),
        notices=(Notice(Flag.BACK_VIEW, "72 %"),),
        facts={"backend": "embedded"},
        kept=("b/x y.json",),
        message="Größe → 남",
        remedy="none",
        sticky=True,
        seconds=1.25,
    )
    write(tmp_path, row("a/x.png"), row("b/남자.json"), outcomes=(full,))
    ledger = open_ledger(tmp_path, writable=False)
    assert ledger.files == {"a/x.png": row("a/x.png"), "b/남자.json": row("b/남자.json")}
    assert list(ledger.outcomes()) == [full]
    assert [notice.flag for notice in full.all_notices] == [Flag.BACK_VIEW, Flag.EDITED_BY_HAND]
    ledger.close()


def test_the_newest_row_wins_across_writers_whoever_wrote_it(tmp_path: Path) -> None:
    write(tmp_path, row("a", "first"), row("b", "first"), writer="shard-1", outcomes=(outcome(fingerprint="first"),))
    write(tmp_path, row("a", "second"), writer="another", outcomes=(outcome(fingerprint="second"),))
    write(tmp_path, row("b", "third"), writer="shard-1")
    ledger = open_ledger(tmp_path)
    assert {ref: each.fingerprint for ref, each in ledger.files.items()} == {"a": "second", "b": "third"}
    assert [each.fingerprint for each in ledger.outcomes()] == ["second"]
    ledger.close()


def test_a_failure_that_was_cured_by_another_writer_is_no_failure(tmp_path: Path) -> None:
    write(tmp_path, writer="shard-1", outcomes=(outcome(status=Status.FAILED, message="no"),))
    ledger = open_ledger(tmp_path)
    assert list(ledger.failures()) == ["a/x.png"]
    ledger.settle((), (outcome(),))
    assert ledger.failures() == {}
    ledger.close()


def test_an_intent_stays_until_its_item_is_settled(tmp_path: Path) -> None:
    intent = Intent({"a/x.png": "hash"}, outcome(fingerprint="f"))
    ledger = open_ledger(tmp_path)
    ledger.intend([intent])
    ledger.close()
    ledger = open_ledger(tmp_path)
    assert ledger.intents() == [intent]
    ledger.settle([row("a/x.png")], [intent.outcome])
    assert ledger.intents() == []
    ledger.close()


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path)
    with pytest.raises(sqlite3.Error):
        ledger.settle([row("a"), ("too", "short")], [outcome()])
    assert list(ledger.outcomes()) == []
    ledger.settle([row("b")], [])
    ledger.close()
    assert set(open_ledger(tmp_path).files) == {"b"}


@pytest.mark.parametrize("damage", ["text", "cut", "zeros", "foreign"])
def test_a_damaged_ledger_is_put_aside_and_counts_as_lost(tmp_path: Path, damage: str) -> None:
    write(tmp_path, *(row(f"folder/{number}") for number in range(2000)))
    path = tmp_path / "driver.sqlite"
    data = path.read_bytes()
    if damage == "foreign":
        path.unlink()
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE files (something TEXT)")
    else:
        path.write_bytes(
            {"text": b"not a database " * 300, "cut": data[: len(data) // 2], "zeros": data[:4096] + bytes(len(data) - 4096)}[
                damage
            ]
        )

    looking = open_ledger(tmp_path, writable=False)
    assert "damaged" in looking.notes[0]
    looking.close()
    assert path.exists()

    ledger = open_ledger(tmp_path)
    assert ledger.files == {}
    assert "driver.sqlite.damaged-1" in ledger.notes[0]
    ledger.settle([row("a")], [])
    ledger.close()
    assert set(open_ledger(tmp_path).files) == {"a"}
    assert (tmp_path / "driver.sqlite.damaged-1").exists()


def test_another_writer_s_damage_does_not_take_ours_along(tmp_path: Path) -> None:
    write(tmp_path, row("ours"))
    (tmp_path / "shard-1.sqlite").write_bytes(b"not a database " * 300)
    ledger = open_ledger(tmp_path)
    assert set(ledger.files) == {"ours"}
    assert "shard-1" in ledger.notes[0]
    ledger.close()


def test_a_ledger_of_another_version_is_refused_untouched(tmp_path: Path) -> None:
    write(tmp_path, row("a"))
    with sqlite3.connect(tmp_path / "driver.sqlite") as connection:
        connection.execute("UPDATE meta SET value = 99 WHERE key = 'schema'")
    with pytest.raises(UsageError, match="99"):
        open_ledger(tmp_path)
    assert not list(tmp_path.glob("*damaged*"))


def test_looking_creates_nothing(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "outputs" / ".ledger", writable=False)
    assert ledger.files == {}
    assert list(ledger.outcomes()) == []
    assert not (tmp_path / "outputs").exists()


def test_damage_found_late_is_named_with_a_way_out(tmp_path: Path) -> None:
    write(tmp_path, outcomes=tuple(outcome(f"a/{number:05d}", message="x" * 200) for number in range(3000)))
    path = tmp_path / "driver.sqlite"
    data = bytearray(path.read_bytes())
    data[len(data) // 4 : len(data) // 2] = b"\xff" * (len(data) // 2 - len(data) // 4)
    path.write_bytes(data)
    ledger = open_ledger(tmp_path)
    with pytest.raises(OutputError, match="damaged") as caught:
        list(ledger.outcomes())
    assert "mv " in caught.value.remedy
    ledger.close()
