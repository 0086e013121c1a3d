"""`watch` does new files once they have arrived whole, says what fails, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.api import Request
from pipeline.cli import watch as watching
from pipeline.cli.watch import settled, watch
from pipeline.core.console import Console
from pipeline.core.errors import ExitCode, UsageError


def states(*seen: str) -> list[str]:
    """What is told when the folder looks like this, look by look."""
    looks = iter(seen)
    told: list[str] = []

    def stop(_: float) -> None:
        if not looks.__length_hint__():
            raise StopIteration

    try:
        for state in settled(lambda: next(looks), 0, stop):
            told.append(state)
    except RuntimeError:  # a StopIteration inside a generator
        pass
    return told


def test_a_folder_is_told_of_once_it_rests():
    assert states("a", "a", "a", "a") == ["a"]


def test_a_file_that_is_still_copied_waits():
    assert states("a", "a", "b", "c", "d", "d", "d") == ["a", "d"]


def test_what_came_and_went_between_two_looks_is_nothing_new():
    assert states("a", "a", "b", "a", "a") == ["a"]


class FakeSession:
    """Stands in for a run: fails first, then works."""

    def __init__(self, request: Request, outcomes: Iterator[object]) -> None:
        self.request = request
        self.outcomes = outcomes
        self.runs = 0

    def run(self, ask: bool) -> ExitCode:
        assert ask is False
        self.runs += 1
        outcome = next(self.outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, ExitCode)
        return outcome


def test_a_failing_run_is_said_and_the_next_file_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    inputs = tmp_path / "inputs" / "person"
    inputs.mkdir(parents=True)
    outcomes: Iterator[object] = iter([UsageError("no pictures", "put photos there"), ExitCode.DONE, ExitCode.INTERRUPTED])
    session = FakeSession(Request(inputs=tmp_path / "inputs", outputs=tmp_path / "outputs"), outcomes)
    looks = 0

    def sleep(_: float) -> None:
        nonlocal looks
        looks += 1
        assert looks < 50
        if looks % 3 == 0:
            (inputs / f"{looks}.jpg").write_bytes(b"x")

    assert watch(session, Console(), 0, sleep) is ExitCode.INTERRUPTED
    assert session.runs == 3
    said = capsys.readouterr().out
    assert "no pictures" in said and "put photos there" in said and said.count("waiting") == 2


def test_control_c_between_two_runs_ends_the_watch(tmp_path: Path):
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    session = FakeSession(Request(inputs=tmp_path / "inputs", outputs=tmp_path / "outputs"), iter([]))
    assert watching.watch(session, Console(), 0, interrupt) is ExitCode.INTERRUPTED
