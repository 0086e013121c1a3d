"""Kill the run anywhere; run again; the folder equals that of an uninterrupted run, byte for byte."""

from __future__ import annotations

import functools
import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from killable import doomed_run, pipe, process
from small_steps import MatteStep, SmallConfig, World

from pipeline.core.layout import LEDGER
from pipeline.core.records.store import TEMP_PREFIX
from pipeline.core.step import Produced, Stage
from pipeline.running.options import RunOptions
from pipeline.running.runner import run_stages

POINTS = [
    *(("before write", number) for number in (1, 2, 5, 9, 14, 20, 27, 31)),
    *(("half written", number) for number in (1, 6, 13, 25)),
    *(("before replace", number) for number in (1, 2, 4, 10, 18, 30)),
    *(("after replace", number) for number in (1, 3, 8, 16, 26)),
    *(("after intent", number) for number in (1, 2, 5)),
    *(("between replace and commit", number) for number in (1, 2, 3, 4, 5, 6)),
    *(("after commit", number) for number in (1, 4, 6)),
]
RANDOM_KILLS = 8
GAIN = 3
"""Settings of the second run, under which every matte, mask and picture differs."""


def finished(root: Path) -> dict[str, bytes]:
    """What an uninterrupted run leaves: one with the first settings, one with the second."""
    world = World(root, durable=False).fill()
    world.run()
    world.settings["background"] = SmallConfig(gain=GAIN)
    world.run()
    return world.snapshot()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return finished(tmp_path_factory.mktemp("uninterrupted"))


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after the first run, to be copied."""
    root = tmp_path_factory.mktemp("first") / "world"
    World(root).fill().run()
    return root


def fresh_or_second(root: Path, first_run: Path, second: bool) -> None:
    if second:
        shutil.copytree(first_run, root)
    else:
        World(root).fill()


def kill_at(root: Path, point: str, number: int) -> None:
    here, there = pipe()
    with process(doomed_run, root, point, number, GAIN, there, 1) as child:
        child.join(60)
        assert child.exitcode == -signal.SIGKILL, f"{point} {number} was never reached"
    here.close()


def check(root: Path, expected: dict[str, bytes]) -> None:
    """A rerun brings the folder to where an uninterrupted run would have, leaves nothing over, and calls nothing edited."""
    world = World(root, settings={"background": SmallConfig(gain=GAIN)})
    summary = world.run()
    assert summary.failures == []
    assert [stage.kept for stage in summary.stages if stage.kept] == []
    assert world.snapshot() == expected
    assert not list(world.layout.outputs.rglob(f"{TEMP_PREFIX}*"))
    assert world.lines() == []


@pytest.mark.slow
@pytest.mark.parametrize("second", [False, True], ids=["first run", "second run"])
@pytest.mark.parametrize(("point", "number"), POINTS, ids=[f"{point} {number}" for point, number in POINTS])
def test_a_run_killed_at_a_point_is_picked_up(
    tmp_path: Path, expected: dict[str, bytes], first_run: Path, point: str, number: int, second: bool
) -> None:
    root = tmp_path / "world"
    fresh_or_second(root, first_run, second)
    if second:  # it writes fewer files, in fewer stages
        number = min(number, 4 if "commit" in point or "intent" in point else 20)
    kill_at(root, point, number)
    check(root, expected)


@pytest.mark.slow
@pytest.mark.parametrize("kill", range(RANDOM_KILLS))
def test_a_run_killed_at_a_random_moment_is_picked_up(
    tmp_path: Path, expected: dict[str, bytes], kill: int, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    seconds = random.Random(seed).uniform(0.0, 0.4)
    World(tmp_path).fill()
    here, there = pipe()
    with process(doomed_run, tmp_path, "any time", 1, GAIN, there, 1) as child:
        assert here.recv() == "go"
        time.sleep(seconds)
        child.kill()
        child.join(60)
        ended = "killed" if child.exitcode == -signal.SIGKILL else "it had finished"
    with capsys.disabled():
        sys.stdout.write(f"[kill {kill}: after {seconds * 1000:.0f} ms, {ended}]")
    check(tmp_path, expected)


def test_a_run_killed_three_times_in_a_row_is_picked_up(tmp_path: Path, expected: dict[str, bytes]) -> None:
    World(tmp_path).fill()
    for point, number in (("after replace", 2), ("between replace and commit", 2), ("before replace", 3)):
        kill_at(tmp_path, point, number)
    check(tmp_path, expected)


def test_the_plan_after_a_kill_calls_nothing_edited_by_hand_and_changes_nothing(tmp_path: Path) -> None:
    World(tmp_path).fill()
    kill_at(tmp_path, "between replace and commit", 4)
    world = World(tmp_path, settings={"background": SmallConfig(gain=GAIN)})
    before = {path: path.read_bytes() for path in (tmp_path / "outputs" / LEDGER).iterdir()}
    plan = world.plan()
    assert [stage.kept for stage in plan.stages if stage.kept] == []
    assert {path: path.read_bytes() for path in (tmp_path / "outputs" / LEDGER).iterdir()} == before


def test_a_file_edited_after_the_kill_is_respected(tmp_path: Path) -> None:
    World(tmp_path).fill()
    kill_at(tmp_path, "between replace and commit", 1)
    world = World(tmp_path, settings={"background": SmallConfig(gain=GAIN)})
    written = next(path for path in world.layout.outputs.glob("landmarks/*.json"))
    written.write_text('{"edited": true}\n')
    world.run()
    assert written.read_text() == '{"edited": true}\n'


def children_of(pid: int) -> set[int]:
    found = set()
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if f"PPid:\t{pid}\n" in status.read_text():
                found.add(int(status.parent.name))
        except OSError:
            continue  # it ended while we looked
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see processes")
def test_workers_die_with_a_killed_parent_and_the_work_is_picked_up(tmp_path: Path) -> None:
    world = World(tmp_path, persons=[f"p{number}" for number in range(60)]).fill()
    with process(doomed_workers, tmp_path) as child:
        deadline = time.monotonic() + 30
        while not (tmp_path / "busy").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert child.pid is not None
        workers = children_of(child.pid)
        child.kill()
        child.join()
    assert len(workers) >= 2
    deadline = time.monotonic() + 10
    while any(is_running(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in workers if is_running(pid)]
    world.run()
    elsewhere = World(tmp_path / "elsewhere", persons=world.persons).fill()
    elsewhere.run()
    assert world.snapshot() == elsewhere.snapshot()


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


class Endless(MatteStep):
    """Is busy with one photo for longer than anybody waits."""

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        if any(item.id == "p7" for item, _ in inputs):
            (self.layout.inputs.parent / "busy").touch()
            time.sleep(600)
        return super().run(inputs)


def doomed_workers(root: Path) -> None:
    world = World(root, persons=[f"p{number}" for number in range(60)])
    stage = world.stages("background")[0]
    builder = functools.partial(Endless, SmallConfig(), stage.step.context)
    with world.open() as records:
        run_stages([Stage(builder(), stage.items, builder)], records, RunOptions(workers=2))
