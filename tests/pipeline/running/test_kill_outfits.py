"""Outfits take two passes; killed between them or inside one, and run again, the pictures are those of an uninterrupted run."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from killable import doomed_run, pipe, process
from small_steps import SmallConfig, World

GAIN = 1
POINTS = [("before write", 27), ("half written", 22), ("before replace", 17), ("after replace", 30), ("after commit", 5)]
POINTS += [("between replace and commit", number) for number in (5, 6, 8)]
"""Of the files in order: 15 to 17 first pass, 18 to 26 the people it makes, 27 to 29 their masks, 30 to 32 second pass."""


def world(root: Path) -> World:
    return World(root, settings={"background": SmallConfig(gain=GAIN)}, outfits=True)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    whole = world(tmp_path_factory.mktemp("uninterrupted")).fill()
    whole.run()
    return whole.snapshot()


def kill_and_resume(root: Path, point: str, number: int) -> World:
    killed = world(root).fill()
    here, there = pipe()
    with process(doomed_run, root, point, number, GAIN, there, 1, True) as child:
        child.join(60)
        assert child.exitcode == -signal.SIGKILL, f"{point} {number} was never reached"
    here.close()
    assert killed.run().failures == []
    return killed


def test_both_passes_are_made_once_and_then_up_to_date(tmp_path: Path) -> None:
    whole = world(tmp_path).fill()
    made = [(stage.stage, stage.made) for stage in whole.run().stages]
    assert made[4:] == [("tryon", 3), ("outfit", 3), ("agnostic", 3), ("tryon", 3), ("compose", 6)]
    assert whole.lines() == [] and whole.path("tryon/preview/ann__blue+red.png").exists()


def test_a_run_killed_between_the_passes_is_picked_up(tmp_path: Path, expected: dict[str, bytes]) -> None:
    resumed = kill_and_resume(tmp_path, "before write", 18)
    assert resumed.snapshot() == expected and resumed.lines() == []


@pytest.mark.slow
@pytest.mark.parametrize(("point", "number"), POINTS, ids=[f"{point} {number}" for point, number in POINTS])
def test_a_run_killed_anywhere_in_the_passes_is_picked_up(
    tmp_path: Path, expected: dict[str, bytes], point: str, number: int
) -> None:
    resumed = kill_and_resume(tmp_path, point, number)
    assert resumed.snapshot() == expected and resumed.lines() == []


def test_another_first_garment_redoes_both_passes_and_another_second_one_the_second_alone(tmp_path: Path) -> None:
    whole = world(tmp_path).fill()
    whole.run()
    for name, first in (("blue", 3), ("red", 0)):
        path = whole.layout.inputs / "cloth" / f"{name}.png"
        path.write_bytes((whole.layout.inputs / "background" / f"{'sea' if first else 'town'}.png").read_bytes())
        passes = [stage.made for stage in whole.run().stages if stage.stage == "tryon"]
        assert passes == [first, 3]


def test_a_failed_first_pass_stops_its_own_outfit_alone(tmp_path: Path) -> None:
    whole = world(tmp_path).fill()
    whole.photo("bob").write_bytes(b"no picture")
    summary = whole.run()
    assert {each.item for each in summary.failures if not each.blocked} == {"bob"}
    assert [stage.made for stage in summary.stages if stage.stage == "tryon"] == [2, 2]
