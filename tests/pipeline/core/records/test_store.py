"""Files appear whole, under their own name, or not at all."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from pipeline.core.errors import OutputError
from pipeline.core.layout import Layout
from pipeline.core.records.store import COARSEST_CLOCK_NS, TEMP_PREFIX, Store, file_stamp, output_error


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "in", tmp_path / "out", tmp_path / "weights")


def test_a_file_has_its_old_contents_until_it_is_replaced(layout: Layout) -> None:
    store = Store(layout)
    store.replace(store.stage("a/b.png", b"old"))
    staged = store.stage("a/b.png", b"new")
    assert layout.path("a/b.png").read_bytes() == b"old"
    store.replace(staged)
    assert layout.path("a/b.png").read_bytes() == b"new"
    assert [path.name for path in layout.path("a").iterdir()] == ["b.png"]


def test_the_stamp_is_that_of_the_file_in_place_and_lies_in_the_past(layout: Layout) -> None:
    store = Store(layout)
    staged = store.stage("a/b.png", b"data")
    store.replace(staged)
    assert staged.stamp == file_stamp(layout.path("a/b.png").stat())
    assert staged.stamp.mtime_ns <= time.time_ns() - COARSEST_CLOCK_NS


def test_a_temporary_name_fits_even_beside_the_longest_allowed_name(layout: Layout) -> None:
    name = f"a/{'x' * 251}.png"
    store = Store(layout)
    store.replace(store.stage(name, b"data"))
    assert layout.path(name).read_bytes() == b"data"


def test_a_failed_write_leaves_nothing_behind(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(layout)

    def full(temp: Path, data: bytes) -> None:
        temp.write_bytes(data[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "_write", full)
    with pytest.raises(OutputError, match="full"):
        store.stage("a/b.png", b"data")
    assert list(layout.path("a").iterdir()) == []


def test_a_folder_in_the_way_of_a_file_is_named(layout: Layout) -> None:
    layout.path("a/b.png/c").mkdir(parents=True)
    store = Store(layout)
    with pytest.raises(OutputError, match=r"b\.png"):
        store.replace(store.stage("a/b.png", b"data"))


def test_sweeping_removes_what_a_killed_run_left_and_nothing_else(layout: Layout) -> None:
    store = Store(layout)
    store.stage("a/b.png", b"data")
    layout.path("a/c.png").write_bytes(b"kept")
    layout.path("a/.hidden").write_bytes(b"kept")
    assert store.sweep([layout.path("a")]) == 1
    assert sorted(path.name for path in layout.path("a").iterdir()) == [".hidden", "c.png"]
    assert not list(layout.outputs.rglob(f"{TEMP_PREFIX}*"))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "full"),
        (errno.EDQUOT, "full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may not be written"),
        (errno.EIO, "cannot be written"),
    ],
)
def test_every_refusal_of_the_disk_names_the_file_and_a_remedy(number: int, words: str) -> None:
    error = output_error(OSError(number, os.strerror(number)), Path("outputs/final/x.png"))
    assert words in error.message
    assert "outputs/final/x.png" in error.message
    assert error.remedy


def test_permissions_are_to_be_looked_at_where_a_folder_is(tmp_path: Path) -> None:
    error = output_error(OSError(errno.EACCES, "denied"), tmp_path / "outputs" / "final" / "x.png")
    assert error.remedy.endswith(f"ls -ld {tmp_path}")
