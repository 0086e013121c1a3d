"""What the shell and a program learn of a run's end: 0, 1, 2, 3, 4, 130, 143, and a summary that is no success by accident."""

from __future__ import annotations

import errno
import functools
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_steps import MatteStep, SmallConfig, World
from workspaces import save

from pipeline.api import Request
from pipeline.api import run as run_request
from pipeline.cli.app import main
from pipeline.core.errors import DiskFullError, ExitCode, OutputError, disk_full
from pipeline.core.records.store import output_error
from pipeline.core.step import Stage
from pipeline.running.options import RunOptions
from pipeline.running.runner import run_stages
from pipeline.running.summary import IncompleteRunError, RunSummary

ROOT = Path(__file__).parents[3]


class FullTemporaryFolder(MatteStep):
    def run(self, inputs: Sequence[Any]) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/matte.npy")


class FullQuota(MatteStep):
    def run(self, inputs: Sequence[Any]) -> Any:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


class FullInRust(MatteStep):
    def run(self, inputs: Sequence[Any]) -> Any:
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")


class BrokenDisk(MatteStep):
    def run(self, inputs: Sequence[Any]) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def run(root: Path, build: Callable[..., Any], workers: int = 1) -> RunSummary:
    world = World(root, persons=["ann", "bob"]).fill()
    stage = world.stages("background")[0]
    builder = functools.partial(build, SmallConfig(), stage.step.context)
    with world.open() as records:
        return run_stages([Stage(builder(), stage.items, builder)], records, RunOptions(workers=workers))


@pytest.mark.parametrize(
    ("build", "workers"), [(FullTemporaryFolder, 1), (FullTemporaryFolder, 2), (FullQuota, 1), (FullInRust, 1)]
)
def test_a_disk_that_fills_up_inside_a_step_ends_the_run_with_code_4(tmp_path: Path, build: Callable[..., Any], workers: int):
    with pytest.raises(DiskFullError, match="the disk is full") as caught:
        run(tmp_path, build, workers)
    assert caught.value.exit_code == 4 and "free some space" in caught.value.remedy


def test_another_fault_of_a_disk_fails_its_item_and_the_run_goes_on(tmp_path: Path):
    summary = run(tmp_path, BrokenDisk)
    assert len(summary.failures) == 2 and summary.exit_code is ExitCode.INTERNAL


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 4), (errno.EDQUOT, 4), (errno.EROFS, 1), (errno.EACCES, 1)])
def test_a_refused_write_says_by_its_code_whether_the_disk_is_full(number: int, code: int):
    refusal = output_error(OSError(number, os.strerror(number)), Path("outputs/matte/ann.png"))
    assert isinstance(refusal, OutputError) and refusal.exit_code == code
    assert pickle.loads(pickle.dumps(refusal)).exit_code == code


def run_py(code: str, *words: str) -> subprocess.Popen[str]:
    begin = f"import sys; sys.argv = ['run.py', *sys.argv[1:]]\n{code}\nfrom pipeline.door import main; main()"
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", begin, *words], cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


FULL = (
    "import pipeline.demo, errno\ndef full(*_): raise OSError(errno.ENOSPC, 'No space left on device', 'inputs/person/a.png')\n"
)


def test_every_command_ends_with_code_4_and_one_line_where_a_disk_is_full(tmp_path: Path):
    ended = run_py(f"{FULL}pipeline.demo.write_whole = full", "demo", "--inputs", str(tmp_path))
    out, errors = ended.communicate(timeout=60)
    assert ended.returncode == 4 and "Traceback" not in errors
    assert "error: inputs/person/a.png: the disk is full" in out and "→ free some space" in out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_under_standard_output_is_said_on_standard_error():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "run.py", "weights", "list"]
        ended = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert ended.returncode == 4 and "the disk is full" in ended.stderr and "Traceback" not in ended.stderr


WAITS = """
import time, pipeline.cli.session as session
def wait(*_, **__):
    print("here", flush=True)
    time.sleep(60)
session.Session.run = wait
"""


def test_sigterm_outside_the_work_on_items_ends_with_143_too(tmp_path: Path):
    (tmp_path / "person").mkdir()
    ended = run_py(WAITS, "--step", "all", "--inputs", str(tmp_path))
    assert ended.stdout is not None and ended.stdout.readline() == "here\n"
    ended.send_signal(signal.SIGTERM)
    _, errors = ended.communicate(timeout=60)
    assert ended.returncode == 143 and "Traceback" not in errors


# ---- the summary --------------------------------------------------------------------------------------------------------------


def photo(folder: Path) -> None:
    save(folder / "person/ann.png", np.full((96, 64, 3), 128, np.uint8))


def test_a_complete_run_is_true_and_says_so(tmp_path: Path):
    summary = World(tmp_path).fill().run()
    assert summary and summary.complete and str(summary) == f"complete: {summary.made} made"
    summary.require_complete()


def test_a_run_with_failures_is_false_and_begins_with_what_is_missing(tmp_path: Path):
    summary = run(tmp_path, BrokenDisk)
    assert not summary and str(summary) == "NOT complete (exit code 1): 2 items without a result; 0 made"
    with pytest.raises(IncompleteRunError, match="background ann") as caught:
        summary.require_complete()
    assert caught.value.exit_code is ExitCode.INTERNAL


def test_an_input_that_cannot_be_used_makes_a_programs_run_incomplete_as_on_the_command_line(tmp_path: Path):
    photo(tmp_path / "inputs")
    (tmp_path / "inputs/pairs.txt").write_text("ann a_dress_that_is_not_there\n")
    summary = run_request(Request(steps="cloth", inputs=tmp_path / "inputs", outputs=tmp_path / "outputs"))  # type: ignore[arg-type]
    assert not summary and summary.exit_code is ExitCode.ITEMS_FAILED
    assert "1 input left out" in str(summary)


def test_a_run_over_empty_folders_is_no_success(tmp_path: Path):
    (tmp_path / "inputs").mkdir()
    summary = run_request(Request(inputs=tmp_path / "inputs", outputs=tmp_path / "outputs"))
    assert summary.made == 0 and not summary and summary.exit_code is ExitCode.USAGE
    with pytest.raises(IncompleteRunError, match="no person and no garment"):
        summary.require_complete()


def test_the_errors_of_full_disks_name_the_file():
    assert disk_full("outputs/x.png").message == "outputs/x.png: the disk is full"


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (errno.ENOSPC, ExitCode.DISK_FULL, "the disk is full"),
        (errno.EROFS, ExitCode.INTERNAL, "read-only"),
        (errno.EACCES, ExitCode.INTERNAL, "ls -ld /reports/day.pdf"),
        (errno.EPERM, ExitCode.INTERNAL, "permission denied"),
        (errno.EEXIST, ExitCode.INTERNAL, "is there already"),
        (errno.ENOTDIR, ExitCode.INTERNAL, "a file lies where a folder is wanted"),
        (errno.EISDIR, ExitCode.INTERNAL, "a folder lies where a file is wanted"),
    ],
)
def test_what_the_system_refuses_any_command_is_one_message_with_the_place(
    number: int, code: ExitCode, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refused() -> None:
        raise OSError(number, os.strerror(number), "/reports/.hidden.part", None, "/reports/day.pdf")

    monkeypatch.setattr("pipeline.cli.app.app", refused)
    with pytest.raises(SystemExit) as end:
        main()
    said = "".join(capsys.readouterr())
    assert end.value.code == code
    assert words in said and "/reports/day.pdf" in said and "Traceback" not in said and "hidden" not in said


@pytest.mark.parametrize(
    "fault", [FileNotFoundError(errno.ENOENT, "gone", "x.py"), OSError(errno.EACCES, "denied"), KeyError("x")]
)
def test_what_may_be_a_fault_of_the_program_is_shown_whole(fault: Exception, monkeypatch: pytest.MonkeyPatch):
    def broken() -> None:
        raise fault

    monkeypatch.setattr("pipeline.cli.app.app", broken)
    with pytest.raises(type(fault)):
        main()
