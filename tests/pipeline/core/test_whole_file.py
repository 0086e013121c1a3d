"""A file appears whole or not at all, and nothing else stays in its folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pipeline.core.records.whole_file import whole_file, write_whole


def test_folders_are_made_and_text_is_written_as_it_is(tmp_path: Path):
    target = tmp_path / "a" / "b" / "zoë.txt"
    write_whole(target, "eins\r\nzwei\n")
    assert target.read_bytes() == b"eins\r\nzwei\n"
    write_whole(target, b"three")
    assert target.read_bytes() == b"three" and [each.name for each in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("problem", [OSError("the disk is full"), KeyboardInterrupt(), ValueError("no such tensor")])
def test_what_fails_halfway_leaves_the_old_file_and_nothing_else(tmp_path: Path, problem: BaseException):
    target = tmp_path / "weights.safetensors"
    target.write_bytes(b"old")
    with pytest.raises(type(problem)), whole_file(target) as temporary:
        temporary.write_bytes(b"half of the n")
        assert target.read_bytes() == b"old"
        raise problem
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_a_folder_of_that_name_is_refused_and_stays(tmp_path: Path):
    (tmp_path / "report.md").mkdir()
    with pytest.raises(OSError, match=r"report\.md"):
        write_whole(tmp_path / "report.md", "words")
    assert [each.name for each in tmp_path.iterdir()] == ["report.md"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything may be written")
def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        write_whole(tmp_path / "report.md", "words")


def test_writers_that_meet_leave_the_file_of_one_of_them(tmp_path: Path):
    target, contents = tmp_path / "seen.json", [bytes([number]) * 50_000 for number in range(8)]
    threads = [threading.Thread(target=lambda each=each: [write_whole(target, each) for _ in range(20)]) for each in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() in contents and list(tmp_path.iterdir()) == [target]
