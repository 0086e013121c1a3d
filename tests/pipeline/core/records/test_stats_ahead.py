"""Folders listed by a process of its own: the same answers as the disk gives, until the plan is made."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pipeline.core.layout import Layout
from pipeline.core.records import stat_ahead as stats_ahead
from pipeline.core.records.contents import Contents
from pipeline.core.records.ledger_rows import FileRow
from pipeline.core.records.stat_ahead import StatsAhead, list_folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two folders, a name that is no ASCII, a link to nowhere, a link in a circle."""
    for name in ("a.png", "sub/ü b.jpg", "sub/deeper/c.txt"):
        path = tmp_path / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "outputs/lost").symlink_to("nowhere")
    (tmp_path / "outputs/sub/round").symlink_to("..")
    return tmp_path / "outputs"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger that is large enough to list ahead."""
    folder = tmp_path / "ledger"
    folder.mkdir()
    (folder / "driver.sqlite").write_bytes(b"x" * 100)
    monkeypatch.setattr(stats_ahead, "WORTHWHILE_BYTES", 50)
    return folder


def test_it_says_of_every_folder_what_the_disk_says(tree, ledger):
    with StatsAhead((tree,), ledger) as ahead:
        for folder in (tree, tree / "sub", tree / "sub/deeper"):
            assert ahead.of(folder) == list_folder(os.fspath(folder))
        stamp = (tree / "a.png").stat()
        assert ahead.of(tree)["a.png"] == (stamp.st_size, stamp.st_mtime_ns, stamp.st_ino)
        assert ahead.of(tree)["lost"] is None
        assert ahead.of(tree / "sub/round") is None, "links are not followed"


def test_what_it_does_not_know_has_to_be_asked_of_the_disk(tree, ledger, tmp_path):
    with StatsAhead((tree, tmp_path / "absent"), ledger) as ahead:
        assert ahead.of(tmp_path / "absent") is None
        assert ahead.of(tmp_path / "elsewhere") is None


def test_after_the_plan_nothing_of_it_is_believed(tree, ledger):
    with StatsAhead((tree,), ledger) as ahead:
        assert ahead.of(tree)
        ahead.forget()
        assert ahead.of(tree) is None


def test_a_small_ledger_is_not_worth_a_process(tree, ledger, monkeypatch):
    monkeypatch.setattr(stats_ahead, "WORTHWHILE_BYTES", 1000)
    monkeypatch.setattr(stats_ahead.subprocess, "Popen", lambda *words, **options: pytest.fail("a process was started"))
    with StatsAhead((tree,), ledger) as ahead:
        assert ahead.of(tree) is None


@pytest.mark.parametrize("program", ["", "import sys; sys.exit(3)", "print('no listing')"])
def test_a_child_that_fails_leaves_the_work_to_the_disk(tree, ledger, tmp_path, monkeypatch, program):
    broken = tmp_path / "broken.py"
    broken.write_text(program)
    monkeypatch.setattr(stats_ahead, "__file__", os.fspath(broken))
    with StatsAhead((tree,), ledger) as ahead:
        assert ahead.of(tree) is None


def test_no_process_to_be_had_leaves_the_work_to_the_disk(tree, ledger, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with StatsAhead((tree,), ledger) as ahead:
        assert ahead.of(tree) is None


def test_leaving_early_does_not_wait_for_the_child(tree, ledger, tmp_path, monkeypatch):
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(stats_ahead, "__file__", os.fspath(sleeper))
    before = stats_ahead.threading.active_count()
    with StatsAhead((tree,), ledger):
        pass
    assert stats_ahead.threading.active_count() == before


def test_contents_are_the_same_with_and_without_it(tree, ledger, tmp_path):
    """One file as the ledger knows it, one changed since, one unknown."""
    layout = Layout(tmp_path / "inputs", tree)
    stamp = (tree / "a.png").stat()
    row = FileRow("a.png", "print", "made", "", stamp.st_size, stamp.st_mtime_ns, stamp.st_ino)
    changed = row._replace(ref="sub/ü b.jpg", size=1)
    answers = []
    with StatsAhead((tree,), ledger) as ahead:
        for listing in (ahead.of, lambda folder: None):
            contents = Contents(layout, {"a.png": row, "sub/ü b.jpg": changed})
            contents.ahead = listing
            refs = ("a.png", "sub/ü b.jpg", "sub/deeper/c.txt", "absent.png", "lost")
            answers.append([contents.of(ref) for ref in refs])
    assert answers[0] == answers[1]
    assert answers[0][0] == "made" and len(answers[0][1]) == 64 and answers[0][3:] == [None, None]
