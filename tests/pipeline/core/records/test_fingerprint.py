"""A fingerprint changes with what decides the pixels and with nothing else; contents are believed only where that is safe."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from small_steps import SmallConfig

from pipeline.core.items import Item, Person, Unit
from pipeline.core.layout import Layout, Ref
from pipeline.core.records.contents import UNREADABLE, Contents
from pipeline.core.records.fingerprint import Fingerprinter, basis_from_json, sha256_of_bytes
from pipeline.core.records.ledger_rows import UNTRUSTED, FileRow
from pipeline.core.step import Context, StepBase

ANN = Person("ann", "inputs:person/ann.png")


class AnyStep(StepBase):
    name, unit, version = "any", Unit.PERSON, 1
    seed = "1"

    def reads(self, item: Item) -> Sequence[Ref]:
        return (item.source, f"matte/{item.id}.png")

    def may_read(self, item: Item) -> Sequence[Ref]:
        return (f"inputs:person/{item.id}.toml",)

    def writes(self, item: Item) -> Sequence[Ref]:
        return (f"image/{item.id}.jpg",)

    def signature(self, item: Item) -> Mapping[str, str]:
        return {"seed": self.seed, "backend": "embedded"}

    def read(self, item: Item) -> Any:
        return None

    def run(self, inputs: Sequence[Any]) -> Any:
        return []


CONTENT = {"inputs:person/ann.png": "aa" * 32, "matte/ann.png": "bb" * 32}


def fingerprint(
    content: Mapping[str, str] = CONTENT, gain: int = 1, root: str = "somewhere", item: Person = ANN, **traits: Any
) -> str | None:
    step = AnyStep(SmallConfig(gain=gain), Context(Layout(Path(root), Path(root), Path(root))))
    for name, value in traits.items():
        setattr(step, name, value)
    return Fingerprinter(step, content.get).of(item)


def test_another_model_file_is_another_fingerprint() -> None:
    plain, first, second = fingerprint(), fingerprint(model_files={"u2net": "a"}), fingerprint(model_files={"u2net": "b"})
    assert len({plain, first, second}) == 3


def test_the_place_decides_nothing() -> None:
    assert fingerprint(root="here") == fingerprint(root="there")


def test_the_item_s_name_decides_nothing_by_itself() -> None:
    renamed = {"inputs:person/eve.png": "aa" * 32, "matte/eve.png": "bb" * 32}
    assert fingerprint(renamed, item=Person("eve", "inputs:person/eve.png")) == fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"gain": 2},
        {"version": 2},
        {"name": "other"},
        {"seed": "2"},
        {"content": CONTENT | {"matte/ann.png": "cc" * 32}},
        {"content": {"inputs:person/ann.png": "bb" * 32, "matte/ann.png": "aa" * 32}},
        {"content": CONTENT | {"inputs:person/ann.toml": "dd" * 32}},
    ],
    ids=["settings", "version", "step", "signature", "contents", "roles swapped", "settings file appeared"],
)
def test_everything_that_decides_the_pixels_changes_it(change: dict[str, Any]) -> None:
    assert fingerprint(**change) != fingerprint()


def test_there_is_none_while_a_required_file_is_absent() -> None:
    assert fingerprint({"inputs:person/ann.png": "aa" * 32}) is None


def test_the_basis_survives_the_ledger() -> None:
    step = AnyStep(SmallConfig(gain=4), Context(Layout()))
    basis = Fingerprinter(step, CONTENT.get).basis(ANN)
    assert basis_from_json(basis.to_json()) == basis
    assert basis.settings == {"gain": 4}
    assert basis.inputs["inputs:person/ann.toml"] == "-"


# ---- contents and the stat cache ----------------------------------------------------------------------------------------------


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "in", tmp_path / "out", tmp_path / "weights")
    layout.inputs.mkdir()
    return layout


REF = "inputs:a.png"


def put(layout: Layout, data: bytes, age_seconds: float = 60.0) -> None:
    path = layout.path(REF)
    path.write_bytes(data)
    then = time.time_ns() - int(age_seconds * 1e9)
    os.utime(path, ns=(then, then))


def remembered(layout: Layout) -> dict[str, FileRow]:
    """The rows the ledger would hold after one look."""
    contents = Contents(layout, {})
    contents.of(REF)
    return {row.ref: row for row in contents.take_fresh()}


def test_contents_are_the_sha256_of_the_bytes_and_none_for_absent_files(layout: Layout) -> None:
    put(layout, b"data")
    contents = Contents(layout, {})
    assert contents.of(REF) == sha256_of_bytes(b"data")
    assert contents.of("inputs:b.png") is None
    assert contents.of("nowhere/at/all.png") is None
    assert contents.is_there(REF)
    assert not contents.is_there("inputs:b.png")


def test_an_untouched_file_is_not_read_again(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    put(layout, b"data")
    rows = remembered(layout)
    monkeypatch.setattr("pipeline.core.records.contents.sha256_of_file", lambda path: pytest.fail("read again"))
    assert Contents(layout, rows).of(REF) == sha256_of_bytes(b"data")


def test_a_file_of_another_size_time_or_inode_is_read_again(layout: Layout) -> None:
    put(layout, b"data")
    rows = remembered(layout)
    put(layout, b"DATA", age_seconds=50)
    assert Contents(layout, dict(rows)).of(REF) == sha256_of_bytes(b"DATA")
    before = layout.path(REF).stat()
    layout.path("inputs:new.png").write_bytes(b"Data")
    os.utime(layout.path("inputs:new.png"), ns=(before.st_mtime_ns, rows[REF].mtime_ns))
    layout.path("inputs:new.png").replace(layout.path(REF))
    assert Contents(layout, dict(rows)).of(REF) == sha256_of_bytes(b"Data")


@pytest.mark.parametrize("age_seconds", [0.0, 1.0, -1.0])
def test_a_file_changed_just_before_it_was_hashed_is_not_believed_next_time(layout: Layout, age_seconds: float) -> None:
    put(layout, b"data", age_seconds)
    rows = remembered(layout)
    assert rows[REF].size == UNTRUSTED
    stamp = layout.path(REF).stat()
    layout.path(REF).write_bytes(b"DATA")
    os.utime(layout.path(REF), ns=(stamp.st_mtime_ns, stamp.st_mtime_ns))
    assert Contents(layout, rows).of(REF) == sha256_of_bytes(b"DATA")


def test_a_file_from_the_future_is_believed(layout: Layout) -> None:
    """A clock that was set back would otherwise have every photo hashed in every run."""
    put(layout, b"data", age_seconds=-3600)
    assert remembered(layout)[REF].size == 4


def test_verify_believes_nothing(layout: Layout) -> None:
    put(layout, b"data")
    rows = remembered(layout)
    stamp = layout.path(REF).stat()
    layout.path(REF).write_bytes(b"DATA")
    os.utime(layout.path(REF), ns=(stamp.st_mtime_ns, stamp.st_mtime_ns))
    assert Contents(layout, dict(rows)).of(REF) == sha256_of_bytes(b"data")
    assert Contents(layout, dict(rows), verify=True).of(REF) == sha256_of_bytes(b"DATA")


def test_looking_again_sees_a_change_within_the_same_run(layout: Layout) -> None:
    put(layout, b"data")
    contents = Contents(layout, {})
    assert contents.look_again(REF) == sha256_of_bytes(b"data")
    put(layout, b"other", age_seconds=5)
    assert contents.of(REF) == sha256_of_bytes(b"data")
    assert contents.look_again(REF) == sha256_of_bytes(b"other")
    layout.path(REF).unlink()
    assert contents.look_again(REF) is None
    assert contents.of(REF) is None


def test_a_file_that_cannot_be_read_counts_as_such(layout: Layout) -> None:
    layout.path(REF).mkdir()
    assert Contents(layout, {}).of(REF) == UNREADABLE


def test_a_file_that_changes_while_it_is_hashed_is_not_believed_next_time(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(layout, b"data")

    def hash_slowly(path: Path) -> str:
        put(layout, b"changed meanwhile", age_seconds=30)
        return sha256_of_bytes(b"data")

    monkeypatch.setattr("pipeline.core.records.contents.sha256_of_file", hash_slowly)
    assert remembered(layout)[REF].size == UNTRUSTED


def test_hashing_many_files_is_announced_now_and_then(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.core.records.contents.ANNOUNCE_EVERY", 2)
    for number in range(5):
        layout.path(f"inputs:{number}.png").write_bytes(b"data")
    contents, heard = Contents(layout, {}), []
    contents.announce = heard.append
    for number in range(5):
        contents.of(f"inputs:{number}.png")
    assert heard == [2, 4]
