"""Worker processes: what they need in order to start, what becomes of a run when they cannot, and what dies with them."""

from __future__ import annotations

import functools
import importlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from small_steps import MatteStep, SmallConfig, World

from pipeline.core.errors import ExitCode, LookbookError, MissingPackageError
from pipeline.core.step import Stage
from pipeline.executors import worker_process
from pipeline.executors.worker import WorkerStartError
from pipeline.executors.worker_process import START_TRIES
from pipeline.running.options import RunOptions
from pipeline.running.runner import run_stages
from pipeline.running.summary import RunSummary

WORKERS = 2
MANY = [f"p{number:02d}" for number in range(12)]
SUPPORT = Path(__file__).parents[2] / "support"
ROOT = SUPPORT.parents[1]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, persons=MANY).fill()


def run(world: World, build: Any) -> RunSummary:
    """Run one stage whose step is built by `build(config, context)`."""
    stage = world.stages("background")[0]
    builder = functools.partial(build, SmallConfig(), stage.step.context)
    with world.open() as records:
        return run_stages([Stage(builder(), stage.items, builder)], records, RunOptions(workers=WORKERS))


def starts_of(folder: Path) -> int:
    """How many processes have left a mark in a folder."""
    return len(list(folder.glob("started-*")))


# ---- a worker that cannot start -----------------------------------------------------------------------------------------------


def test_workers_that_cannot_start_end_the_run_after_a_few_tries_with_the_cause_and_a_cure(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    mark = f"import os; open(f'{tmp_path}/started-{{os.getpid()}}', 'x'); import a_module_that_is_not_here"
    monkeypatch.setattr(worker_process, "COMMAND", (sys.executable, "-c", mark))
    with pytest.raises(WorkerStartError) as caught:
        run(world, MatteStep)
    assert "No module named 'a_module_that_is_not_here'" in caught.value.message
    assert "exit code 1" in caught.value.message
    assert "--workers 1" in caught.value.remedy
    assert caught.value.exit_code is ExitCode.INTERNAL
    assert START_TRIES <= starts_of(tmp_path) < START_TRIES + WORKERS
    assert "Traceback" not in capfd.readouterr().err, "the cause is told once, in the error"


BROKEN = {
    "dies": "sys.stderr.write('a native library broke\\n'); sys.stderr.flush(); os._exit(7)",
    "is killed": "sys.stderr.write('a native library broke\\n'); sys.stderr.flush(); os.kill(os.getpid(), 9)",
    "raises": "raise ImportError('a native library broke')",
}


def broken_module(folder: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> Any:
    """The builder of a step whose module can be imported here, but not in a worker."""
    name = f"broken_{how.replace(' ', '_')}"
    text = f"""
        import os, sys
        if "pytest" not in sys.modules:
            open(f"{folder}/started-{{os.getpid()}}", "x")
            {BROKEN[how]}
        from small_steps import MatteStep
        class Step(MatteStep): pass
    """
    (folder / f"{name}.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(folder)
    return importlib.import_module(name).Step


@pytest.mark.parametrize("how", BROKEN)
def test_a_worker_that_ends_at_the_import_of_its_step_ends_the_run(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    build = broken_module(tmp_path, monkeypatch, how)
    with pytest.raises(WorkerStartError, match="a native library broke") as caught:
        run(world, build)
    assert starts_of(tmp_path) < START_TRIES + WORKERS
    assert {"dies": "exit code 7", "is killed": "signal 9", "raises": "ImportError"}[how] in caught.value.message
    assert world.snapshot() == {}


class Unloadable(MatteStep):
    def load(self) -> None:
        raise ZeroDivisionError("half a model")


class Unfit(MatteStep):
    def load(self) -> None:
        raise MissingPackageError("no such library", "pip install it")


@pytest.mark.parametrize(
    ("build", "kind", "text"), [(Unloadable, WorkerStartError, "half a model"), (Unfit, MissingPackageError, "no such")]
)
def test_a_step_that_cannot_load_ends_the_run(world: World, build: Any, kind: type[LookbookError], text: str) -> None:
    with pytest.raises(kind, match=text):
        run(world, build)


# ---- a worker that dies at work -----------------------------------------------------------------------------------------------


class DiesOverSome(MatteStep):
    """Ends its process over every second photo, far more often than workers may fail to start."""

    def run(self, inputs: Sequence[Any]) -> Any:
        if any(int(item.id[1:]) % 2 for item, _ in inputs):
            os._exit(3)
        return super().run(inputs)


class DiesOverTheThird(MatteStep):
    def run(self, inputs: Sequence[Any]) -> Any:
        if any(item.id == MANY[2] for item, _ in inputs):
            os._exit(3)
        return super().run(inputs)


@pytest.mark.parametrize(("build", "victims"), [(DiesOverTheThird, MANY[2:3]), (DiesOverSome, MANY[1::2])])
def test_a_worker_that_dies_over_an_item_fails_that_item_alone_however_often(
    world: World, build: Any, victims: list[str]
) -> None:
    summary = run(world, build)
    assert sorted(each.item for each in summary.failures) == victims
    assert summary.stages[0].made == len(MANY) - len(victims)
    assert all("--workers 1" in each.remedy for each in summary.failures)


# ---- what surrounds a worker --------------------------------------------------------------------------------------------------


class Loud(MatteStep):
    """Prints in every way there is."""

    def run(self, inputs: Sequence[Any]) -> Any:
        sys.stdout.write("said on standard output\n")
        sys.stdout.flush()
        os.write(1, b"written to file descriptor 1\n")
        os.write(2, b"written to file descriptor 2\n")
        assert sys.stdin.read() == ""
        return super().run(inputs)


def test_what_a_step_prints_reaches_standard_error_and_disturbs_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(world, Loud).made == len(MANY)
    out, errors = capsys.readouterr()
    assert out == ""
    for line in ("said on standard output", "written to file descriptor 1", "written to file descriptor 2"):
        assert errors.count(line) == len(MANY)


def test_the_probe_of_a_start_finds_what_a_run_would_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker_process.start_problem() == ""
    monkeypatch.setattr(worker_process, "COMMAND", (sys.executable, "-c", "import a_module_that_is_not_here"))
    assert "exit code 1" in worker_process.start_problem() and "a_module_that_is_not_here" in worker_process.start_problem()
    monkeypatch.setattr(worker_process, "COMMAND", ("no such program",))
    assert "No such file" in worker_process.start_problem()
    monkeypatch.setattr(worker_process, "COMMAND", (sys.executable, "-c", "import time; time.sleep(30)"))
    assert worker_process.start_problem(seconds=0.2) == "not ready after 0 s"


PROGRAM = """
import sys
from pathlib import Path
from small_steps import World
summary = World(Path(sys.argv[1]), persons=["ann", "bob"]).fill().run("background", workers=2)
assert summary.made == 2, summary
"""

REQUEST = """
import sys
from pathlib import Path
import numpy as np
from workspaces import save
from pipeline.api import Request, run
root = Path(sys.argv[1])
for name in ("ann", "bob", "cid"):
    save(root / f"inputs/person/{name}.png", np.full((96, 64, 3), 128, np.uint8))
summary = run(Request(steps="background", inputs=root / "inputs", outputs=root / "outputs", workers=2))
assert not summary and len(summary.failures) == 3, summary  # nobody is in these pictures, and that alone is wrong
assert not any(failure.internal for failure in summary.failures), summary
"""


@pytest.mark.parametrize("how", ["typed in", "a file without a guard"])
def test_workers_start_whatever_the_main_module_of_the_program_is(tmp_path: Path, how: str) -> None:
    script = tmp_path / "a program.py"
    script.write_text(PROGRAM)
    command = [sys.executable, "-" if how == "typed in" else str(script), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": f"{SUPPORT}{os.pathsep}{ROOT}"}
    done = subprocess.run(command, input=PROGRAM, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_request_with_workers_needs_no_guard_either(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(REQUEST)
    environment = os.environ | {"PYTHONPATH": f"{SUPPORT}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr
