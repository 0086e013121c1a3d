"""A sweep by the real run and the real training room: the preview engine, and a toy recipe."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from toy_training import Toy
from training_runs import QUICK
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
    measure = next(name for name in found[0] if name.startswith("ssim"))
    assert found[0][measure] != found[1][measure], "two settings, two pictures"
    assert (tmp_path / "sweeps/folds/sheet.pdf").is_file()
    again = invoke(str(file))
    assert again.exit_code == 0 and again.output.count("done before") == 2


@torch.enable_grad()
def test_trainings_of_two_presets_stand_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(catalog.TRAINERS, "toy", "toy_training:RECIPE")
    training_tree(tmp_path / "data", pairs=2, size=(64, 64))
    save_file(Toy().state_dict(), tmp_path / "start.safetensors")
    file = tmp_path / "presets.toml"
    settings = {name: value for name, _, value in (each.partition("=") for each in (*QUICK, "loop.steps=3"))}
    lines = [f'"{name}" = {value if value[0].isdigit() else repr(value)}' for name, value in settings.items()]
    head = f'[train]\nrecipe = "toy"\ndata = "{tmp_path / "data"}"\nstart = "{tmp_path / "start.safetensors"}"\n'
    file.write_text(head + 'presets = ["base", "atv", "basse"]\ndevice = "cpu"\n[train.set]\n' + "\n".join(lines))
    refused = invoke(str(file), "--to", str(tmp_path / "sweeps"))
    assert "did you mean base" in str(refused.exception.remedy)
    file.write_text(file.read_text().replace(', "basse"', ""))
    done = invoke(str(file), "--to", str(tmp_path / "sweeps"))
    assert done.exit_code == 0, done.output
    found = rows(tmp_path / "sweeps/presets")
    assert [(row["preset"], row["step"]) for row in found] == [("base", "3.0000"), ("atv", "3.0000")]
    assert all(float(row["loss (last tenth)"]) > 0 for row in found)
