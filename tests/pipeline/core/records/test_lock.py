"""One run at a time; the second is told who holds the lock; a dead holder's is cleared."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from killable import pipe, process

from pipeline.core.errors import ExitCode
from pipeline.core.records.lock import LOCK_NAME, LockedError, RunLock


def hold(folder: Path, ready: object) -> None:
    RunLock(folder).acquire()
    ready.send(os.getpid())
    ready.recv()


def test_a_second_run_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    here, there = pipe()
    with process(hold, tmp_path, there):
        pid = here.recv()
        with pytest.raises(LockedError) as caught:
            RunLock(tmp_path).acquire()
    assert f"process {pid} on {socket.gethostname()}, since 20" in caught.value.message
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_second_run_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    with RunLock(tmp_path), pytest.raises(LockedError), RunLock(tmp_path):
        pass


def test_the_lock_of_a_killed_run_is_cleared_and_its_holder_named(tmp_path: Path) -> None:
    here, there = pipe()
    with process(hold, tmp_path, there) as child:
        pid = here.recv()
        child.kill()
        child.join()
    with RunLock(tmp_path) as lock:
        assert lock.cleared is not None
        assert lock.cleared.pid == pid


def test_a_run_that_signed_off_leaves_nothing_to_clear(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        pass
    with RunLock(tmp_path) as lock:
        assert lock.cleared is None


def test_a_run_on_another_machine_that_did_not_sign_off_is_not_overrun(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text(json.dumps({"pid": 1, "host": "far-away", "since": "2026-01-01T00:00:00"}))
    with pytest.raises(LockedError, match="far-away") as caught, RunLock(tmp_path):
        pass
    assert str(tmp_path / LOCK_NAME) in caught.value.remedy
    (tmp_path / LOCK_NAME).unlink()
    with RunLock(tmp_path):
        pass


def test_a_damaged_lock_file_does_not_stop_a_run(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("{not json")
    with RunLock(tmp_path) as lock:
        assert lock.cleared is not None
