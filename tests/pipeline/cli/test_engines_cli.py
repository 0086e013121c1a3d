"""`engines`: what dresses here, for whom, and what `auto` takes; times are kept per machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline import engine_speed
from pipeline.catalog import ENGINES
from pipeline.choice import Chooser
from pipeline.cli.app import app
from pipeline.core.card import Card
from pipeline.core.errors import InputError
from pipeline.running.summary import ItemEvent


def typed(*words: object) -> Result:
    return CliRunner().invoke(app, ["engines", *(str(word) for word in words)], catch_exceptions=False)


def row_of(result: Result, engine: str) -> str:
    return next(line for line in result.output.splitlines() if line.startswith(f"{engine} "))


def fake_run(*seconds: float, problem: str = ""):
    """Stands in for a run: events of the pictures it would have made."""

    def run(request, watch):
        for number, each in enumerate(seconds):
            watch.item_finished(ItemEvent("tryon", str(number), failed=False, seconds=each))
        watch.item_finished(ItemEvent("cloth", "c", failed=bool(problem), seconds=0.001, message=problem))

    return run


def test_every_engine_of_the_catalogue_has_a_row(tmp_path: Path):
    result = typed("--weights", tmp_path)
    assert result.exit_code == 0
    assert all(row_of(result, name) for name in ENGINES)


def test_without_weights_only_the_preview_is_ready_and_taken(tmp_path: Path):
    result = typed("--weights", tmp_path)
    assert "ready" in row_of(result, "preview") and row_of(result, "preview").endswith("upper lower dress")
    assert "no weights" in row_of(result, "fashn") and row_of(result, "fashn").endswith("-")
    assert "1.9 GB" in row_of(result, "fashn") and " yes " in row_of(result, "fashn")
    assert " no " in row_of(result, "stableviton")


def test_auto_takes_the_first_that_can_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Chooser, "_status_of", lambda self, name: ())
    monkeypatch.setattr(Card, "missing_packages", lambda self: ())
    assert row_of(typed("--weights", tmp_path), "fashn").endswith("upper lower dress")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Chooser, "_status_of", lambda self, name: ())
    monkeypatch.setattr(Card, "missing_packages", lambda self: ("torch",) if "torch" in self.packages else ())
    result = typed("--weights", tmp_path)
    assert "no torch" in row_of(result, "fashn")
    assert "not installed" in result.output  # why the better engine is passed over


def test_for_business_the_others_are_not_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Chooser, "_status_of", lambda self, name: ())
    monkeypatch.setattr(Card, "missing_packages", lambda self: ())
    result = typed("--weights", tmp_path, "--commercial-only")
    assert "not allowed" in row_of(result, "stableviton")
    assert "ready" in row_of(result, "fashn")


def test_a_measurement_is_kept_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine_speed, "fill_inputs", lambda inputs, full_body: [])
    monkeypatch.setattr(engine_speed, "run", fake_run(9.5, 0.25))
    assert "0.25" in row_of(typed("--weights", tmp_path, "--measure"), "preview")
    assert "0.25" in row_of(typed("--weights", tmp_path), "preview")  # the first picture also loaded the engine


def test_another_machines_figures_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / engine_speed.FILE).write_text(json.dumps({"elsewhere x86_64": {"preview": 77}}))
    assert "77" not in typed("--weights", tmp_path).output
    monkeypatch.setattr(engine_speed, "fill_inputs", lambda inputs, full_body: [])
    monkeypatch.setattr(engine_speed, "run", fake_run(0.5))
    typed("--weights", tmp_path, "--measure")
    assert json.loads((tmp_path / engine_speed.FILE).read_text())["elsewhere x86_64"] == {"preview": 77}


def test_an_engine_that_gives_no_picture_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine_speed, "fill_inputs", lambda inputs, full_body: [])
    monkeypatch.setattr(engine_speed, "run", fake_run(problem="no shoulders"))
    with pytest.raises(InputError, match="engine preview gave no picture: no shoulders"):
        engine_speed.measure(["preview"], tmp_path)


@pytest.mark.slow
def test_the_preview_is_measured_on_the_demo(tmp_path: Path):
    assert 0 < engine_speed.measure(["preview"], tmp_path)["preview"] < 60
