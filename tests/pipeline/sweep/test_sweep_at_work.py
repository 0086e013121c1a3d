"""A sweep by the real run and the real training room: the preview engine, and a toy recipe."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from tiny_ootd_training import write_start as write_ootd
from toy_training import write_start as write_toy
from training_runs import QUICK
from training_sweeps import frozen_or_joint
from training_trees import training_tree
from typer.testing import CliRunner
from workspaces import fill

from pipeline import catalog
from pipeline.cli.app import app

pytestmark = pytest.mark.slow


def invoke(*words: str):
    return CliRunner().invoke(app, ["sweep", *words])


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "table.csv").open() as file:
        return list(csv.DictReader(file))


def test_pictures_of_two_settings_are_measured_against_the_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "inputs")
    file = tmp_path / "folds.toml"
    text = '[dress]\nengine = "preview"\npaired = true\n[dress.set]\n"preview.fold_strength" = [0.0, 1.0]\n'
    file.write_text(text)
    planned = invoke(str(file), "--dry-run")
    assert planned.exit_code == 0 and planned.output.count("1 pictures") == 2, planned.output
    done = invoke(str(file))
    assert done.exit_code == 0, done.output
    found = rows(tmp_path / "sweeps/folds")
    assert [row["fold_strength"] for row in found] == ["0.0", "1.0"]
    measure = next(name for name in found[0] if name.startswith("psnr"))
    assert found[0][measure] != found[1][measure], "two settings, two pictures"
    assert (tmp_path / "sweeps/folds/sheet.pdf").is_file()
    again = invoke(str(file))
    assert again.exit_code == 0 and again.output.count("done before") == 2


def trainings(tmp_path: Path, recipe: str, start: Path, presets: list[str], *more: str) -> Path:
    """A file with short trainings by these presets."""
    settings = {name: value for name, _, value in (each.partition("=") for each in (*QUICK, "loop.steps=3", *more))}
    lines = [f'"{name}" = {value if value[0].isdigit() else repr(value)}' for name, value in settings.items()]
    file = tmp_path / "presets.toml"
    head = f'[train]\nrecipe = "{recipe}"\ndata = "{tmp_path / "data"}"\nstart = "{start}"\npresets = {presets}\ndevice = "cpu"\n'
    file.write_text(head + "[train.set]\n" + "\n".join(lines))
    return file


@torch.enable_grad()
def test_trainings_of_two_presets_stand_side_by_side_and_other_data_train_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(catalog.TRAINERS, "toy", "toy_training:RECIPE")
    training_tree(tmp_path / "data", pairs=2, size=(64, 64))
    start = write_toy(tmp_path / "start.safetensors")
    to = ("--to", str(tmp_path / "sweeps"))
    refused = invoke(str(trainings(tmp_path, "toy", start, ["base", "basse"])), *to)
    assert "did you mean base" in str(refused.exception.remedy)
    file = str(trainings(tmp_path, "toy", start, ["base", "atv"]))
    done = invoke(file, *to)
    assert done.exit_code == 0, done.output
    found = rows(tmp_path / "sweeps/presets")
    assert [(row["preset"], row["step"]) for row in found] == [("base", "3.0000"), ("atv", "3.0000")]
    assert all(float(row["loss (last tenth)"]) > 0 for row in found)
    assert invoke(file, *to).output.count("done before") == 2
    training_tree(tmp_path / "data", pairs=3, size=(64, 64))
    again = invoke(file, *to)
    assert again.exit_code == 0 and "done before" not in again.output, again.output


@torch.enable_grad()
def test_the_page_s_frozen_or_joint_is_trained_drawn_and_shown_in_one_table_and_on_one_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(catalog.TRAINERS, "ootdiffusion", "tiny_ootd_training:RECIPE")
    training_tree(tmp_path / "data", pairs=2, size=(64, 64))
    (tmp_path / "weights").mkdir()
    start = write_ootd(tmp_path / "weights")
    more = ("loop.batch=2", "loop.accumulation=1", "ootd.draw_steps=2", "optimiser.name=adamw")
    file = frozen_or_joint(tmp_path, tmp_path / "data", start, 2, more)
    done = invoke(str(file), "--to", str(tmp_path / "sweeps"))
    assert done.exit_code == 0, done.output
    found = rows(tmp_path / "sweeps/frozen_or_joint")
    presets = ["frozen-garment", "frozen-garment-sd15", "joint-low-memory"]
    assert [(row["preset"], row["pictures"], row["step"]) for row in found] == [(name, "1", "2.0000") for name in presets]
    assert len({row["t500"] for row in found}) == 3
    assert (tmp_path / "sweeps/frozen_or_joint/sheet.pdf").is_file()
