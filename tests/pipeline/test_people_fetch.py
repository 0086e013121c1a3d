"""A run whose networks for finding people lack their files: one announced fetch before any work, or a stop before any work."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest
from garment_outlines import TROUSERS, on_paper
from made_wheels import FakePip
from PIL import Image
from tiny_weights import tiny_table
from typer.testing import CliRunner
from workspaces import save

from pipeline import api
from pipeline.cli.app import app
from pipeline.cli.session import Session
from pipeline.cli.watch import watch
from pipeline.core.console import LOG, Console
from pipeline.core.errors import ExitCode, WeightsError
from pipeline.core.labels import Category
from pipeline.core.layout import GARMENT_GUESSES
from pipeline.core.people_networks import door, litert, people_networks
from pipeline.core.people_networks import files as people_files
from pipeline.core.people_networks.contract import PACKAGES
from pipeline.core.people_networks.door import Runtime
from pipeline.core.people_networks.files import find_file, missing_files
from pipeline.core.weights import table as weights_table
from pipeline.core.weights import wheel as wheels
from pipeline.core.weights.http import Network
from pipeline.request import Request
from pipeline.review.workspace import Workspace
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


def test_the_wheel_is_named_as_its_row_names_it(pip, asked, monkeypatch) -> None:
    assert door.wheel() == "thing==1.0" and "pip install thing==1.0" in door.install_command()
    assert "from your package index (thing 1.0, Apache-2.0)" in people_files.fetch_note(asked.weights)
    monkeypatch.setenv("LOOKBOOK_OFFLINE", "1")
    with pytest.raises(WeightsError) as caught:
        api.run(asked)
    assert "the wheel of thing 1.0" in caught.value.remedy


def test_a_missing_file_names_the_command_that_fetches_it(pip, asked) -> None:
    with pytest.raises(WeightsError, match=r"people/a\.tflite: missing") as caught:
        find_file("a.tflite", asked.weights)
    assert "weights pull people" in caught.value.remedy


class FindsNobody:
    """Stands in for the networks in LiteRT: needs one file of the row, and sees no wearer in any picture."""

    def __init__(self, weights: Path) -> None:
        find_file("a.tflite", weights)

    def pose(self, picture: object) -> None:
        """Nobody."""


@pytest.fixture
def unsorted(pip, asked, monkeypatch) -> Request:
    """Trousers directly in `cloth/`: only their picture tells the category, once it is sure that nobody wears them."""
    monkeypatch.setattr(door, "runtime_here", lambda: Runtime.LITERT)
    monkeypatch.setattr(door._Place, "weights", asked.weights / "of-another-run")
    monkeypatch.setattr(litert, "LiteRTNetworks", FindsNobody)
    people_networks.cache_clear()
    save(asked.inputs / "cloth" / "jeans.png", on_paper(TROUSERS))
    os.utime(asked.inputs / "cloth" / "jeans.png", (1e9, 1e9))
    yield asked
    people_networks.cache_clear()


def jeans(prepared: api.PreparedRun) -> Category:
    return next(each.category for each in prepared.assembly.everything.garments if each.id == "jeans")


@pytest.mark.parametrize("steps", ["background", "parsing"])
def test_a_run_fetches_before_it_guesses_a_category(unsorted, pip, worked, capsys, steps) -> None:
    assert Session(replace(unsorted, steps=(steps,)), Console()).run(ask=False) is ExitCode.DONE
    told = capsys.readouterr().out
    assert told.count("36 MB once") == 1 and "guessed from the outline: jeans lower" in told and "counts as" not in told
    assert len(pip.commands) == 1 and worked == [1]
    assert '"lower"' in unsorted.layout.path(GARMENT_GUESSES).read_text("utf-8")


def test_a_program_that_runs_gets_the_same(unsorted, pip, worked) -> None:
    api.run(unsorted)
    assert jeans(api.prepare(unsorted)) is Category.LOWER
    assert len(pip.commands) == 1 and worked == [1]


def test_a_run_that_cannot_fetch_stops_before_any_work_though_only_a_category_is_wanted(unsorted, worked, monkeypatch) -> None:
    monkeypatch.setenv("LOOKBOOK_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"2 files are not here.*LOOKBOOK_OFFLINE"):
        api.run(replace(unsorted, steps=("parsing",)))
    assert worked == [] and not unsorted.outputs.exists()


def test_a_dry_run_counts_it_as_upper_and_says_so(unsorted, pip, capsys) -> None:
    assert Session(replace(unsorted, steps=("parsing",)), Console()).show_plan() is ExitCode.DONE
    told = capsys.readouterr().out
    assert told.count("jeans counts as upper until") == 1 and "cloth/lower" in told and "would fetch first" in told
    assert pip.commands == [] and not unsorted.outputs.exists() and not unsorted.weights.exists()


@pytest.mark.parametrize("look", [api.plan, lambda asked: Workspace(asked).items()], ids=["a plan", "the review page"])
def test_what_only_looks_fetches_nothing_and_says_so_once(unsorted, pip, caplog, monkeypatch, look) -> None:
    monkeypatch.setattr(logging.getLogger(LOG), "handlers", [])
    look(unsorted)
    assert caplog.text.count("jeans counts as upper until") == 1 and pip.commands == []


def test_what_was_not_seen_is_not_remembered(unsorted, pip, worked) -> None:
    api.plan(unsorted)
    people_files.fetch_files(unsorted.weights, Network(), lambda line: None)
    assert jeans(api.prepare(unsorted)) is Category.LOWER


def test_watching_a_folder_fetches_too(unsorted, pip, worked) -> None:
    looks = iter([None])

    def rest(_: float) -> None:
        if next(looks, "the end") == "the end":
            raise KeyboardInterrupt

    watch(Session(unsorted, Console()), Console(), 0, rest)
    assert worked == [1] and len(pip.commands) == 1


@pytest.mark.parametrize("form", ["viton-hd", "dresscode"])
def test_an_export_does_not_sort_by_what_was_not_seen(unsorted, tmp_path, monkeypatch, form) -> None:
    monkeypatch.setattr(door._Place, "weights", unsorted.weights)
    words = ["export", form, str(tmp_path / "tree"), "--inputs", str(unsorted.inputs), "--outputs", str(unsorted.outputs)]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, WeightsError) and not (tmp_path / "tree").exists()
    assert "jeans" in done.exception.message and "weights pull people" in done.exception.remedy
