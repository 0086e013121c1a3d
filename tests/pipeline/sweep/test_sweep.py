"""Settings side by side: the grid of a file, entries that stay, one that fails alone, table and sheet."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.core import images
from pipeline.core.console import Console
from pipeline.core.errors import ConfigError, ExitCode, WeightsError
from pipeline.sweep.config import read_sweep
from pipeline.sweep.dressing import Dressing
from pipeline.sweep.grid import Entry, entries
from pipeline.sweep.records import Outcome
from pipeline.sweep.run import SweepRun

ROOT = Path(__file__).resolve().parents[3]
GRID = """
[dress]
engine = "ootdiffusion_hd"
inputs = "inputs"
paired = true
[dress.set]
"ootdiffusion_hd.steps" = 4
"ootdiffusion_hd.guidance_scale" = [1.0, 1.5, 2.0]
"ootdiffusion_hd.prompts" = ["published", "cloth"]
"""


def written(tmp_path: Path, text: str, name: str = "guidance.toml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def grid(tmp_path: Path, text: str) -> list[Entry]:
    return entries(read_sweep(written(tmp_path, text)))


def test_help_imports_nothing_heavy():
    code = """
import sys
sys.argv = ["run.py", "sweep", "--help"]
from pipeline.door import main
try:
    main()
except SystemExit:
    heavy = {"torch", "numpy", "cv2", "diffusers"} & set(sys.modules)
    assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--dry-run" in done.stdout


def test_every_combination_of_the_lists_is_an_entry_and_single_values_are_in_all(tmp_path: Path):
    found = grid(tmp_path, GRID)
    assert len(found) == 6
    assert found[1].title == "guidance_scale=1.0, prompts=cloth"
    assert found[1].overrides == (
        "ootdiffusion_hd.steps=4",
        "ootdiffusion_hd.guidance_scale=1.0",
        'ootdiffusion_hd.prompts="cloth"',
    )


def test_names_may_be_written_as_tables_and_a_setting_that_is_a_list_as_a_list_of_lists(tmp_path: Path):
    text = '[dress]\nengine = "preview"\n[dress.set]\nagnostic.keep = [["hands"], []]\npreview.fold_strength = 0.2\n'
    found = grid(tmp_path, text)
    assert [entry.settings for entry in found] == [
        {"agnostic.keep": ["hands"], "preview.fold_strength": 0.2},
        {"agnostic.keep": [], "preview.fold_strength": 0.2},
    ]


def test_a_longer_list_leaves_the_folders_of_the_others_alone(tmp_path: Path):
    before = {entry.folder for entry in grid(tmp_path, GRID)}
    after = {entry.folder for entry in grid(tmp_path, GRID.replace("[1.0, 1.5, 2.0]", "[0.5, 1.0, 1.5, 2.0]"))}
    assert before < after and len(after) == 8


def test_arrangements_are_the_presets_of_a_training(tmp_path: Path):
    text = '[train]\nrecipe = "stableviton"\ndata = "tree"\npresets = ["base", "atv"]\n[train.set]\n"loop.steps" = [10, 20]\n'
    assert [entry.title for entry in grid(tmp_path, text)] == [
        "preset=base, steps=10",
        "preset=base, steps=20",
        "preset=atv, steps=10",
        "preset=atv, steps=20",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[dres]\nengine = "preview"\n', "did you mean dress"),
        ('[dress]\nengin = "preview"\n', "did you mean dress.engine"),
        ('[dress]\nengine = "previw"\n', "did you mean preview"),
        ('[train]\nrecipe = "stablevton"\ndata = "x"\n', "did you mean stableviton"),
        ('[train]\nrecipe = "stableviton"\n', "train.data = the root"),
        ('[dress]\nengine = "auto"\n', "known: "),
        ("[dress]\n", "docs/sweep.md"),
        ("no toml", "not a TOML file"),
        ('[dress]\nengine = "preview"\n[dress.set]\n"preview.smoothing" = []\n', "a list of values to try has none"),
    ],
)
def test_wrong_words_are_answered_with_the_nearest_right_ones(tmp_path: Path, text: str, says: str):
    with pytest.raises(ConfigError) as caught:
        grid(tmp_path, text)
    assert says in f"{caught.value.message} {caught.value.remedy}"


def test_an_unknown_setting_is_refused_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inputs").mkdir()
    path = written(tmp_path, '[dress]\nengine = "preview"\n[dress.set]\n"preview.smoothin" = [1, 2]\n')
    typed = CliRunner().invoke(app, ["sweep", str(path)])
    assert isinstance(typed.exception, ConfigError) and "did you mean preview.smoothing?" in str(typed.exception.remedy)
    assert not (tmp_path / "sweeps").exists()


class Kitchen:
    """Stands in for the engine: a picture of the entry's grey, figures, and entries that fail on demand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[str] = []
        self.fails: set[str] = set()
        self.inputs = "one"
        assembly = SimpleNamespace(collection=SimpleNamespace(pairs=[1, 2, 3]))
        monkeypatch.setattr(Dressing, "prepared", lambda *given: SimpleNamespace(assembly=assembly))
        monkeypatch.setattr(
            Dressing, "facts", lambda dresser, run, entry: {"settings": dict(entry.settings), "inputs": self.inputs}
        )
        monkeypatch.setattr(Dressing, "seconds", lambda *given: 120.0)
        monkeypatch.setattr(Dressing, "preparing", lambda *given: 60.0)
        monkeypatch.setattr(Dressing, "make", lambda dresser, entry, folder: self.make(entry, folder))

    def make(self, entry: Entry, folder: Path) -> Outcome:
        self.made.append(entry.title)
        if entry.title in self.fails:
            raise WeightsError("weights: trained with other words\nand more", "--set prompts=published")
        folder.mkdir(parents=True, exist_ok=True)
        scale = float(entry.settings["ootdiffusion_hd.guidance_scale"])
        (folder / "ann__tee.png").write_bytes(images.png(np.full((40, 30, 3), int(scale * 100), np.uint8)))
        return Outcome({"ssim": scale / 10}, {"ann__tee": "ann__tee.png"}, 1.0)


@pytest.fixture
def kitchen(monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    return Kitchen(monkeypatch)


def sweep(tmp_path: Path, text: str = GRID) -> SweepRun:
    return SweepRun(written(tmp_path, text), tmp_path / "sweeps", tmp_path / "weights", Console())


def rows(tmp_path: Path) -> list[dict[str, Any]]:
    with (tmp_path / "sweeps/guidance/table.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_sweep_ends_with_one_table_and_one_sheet(tmp_path: Path, kitchen: Kitchen):
    assert sweep(tmp_path).run() is ExitCode.DONE
    found = rows(tmp_path)
    assert [(row["guidance_scale"], row["prompts"], row["ssim"]) for row in found[:2]] == [
        ("1.0", "published", "0.1000"),
        ("1.0", "cloth", "0.1000"),
    ]
    assert (tmp_path / "sweeps/guidance/sheet.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "sweeps/guidance/table.md").read_text().count("\n") == 8


def test_the_same_command_again_makes_nothing_anew(tmp_path: Path, kitchen: Kitchen):
    sweep(tmp_path).run()
    kitchen.made.clear()
    sweep(tmp_path).run()
    assert kitchen.made == []
    sweep(tmp_path, GRID.replace("[1.0, 1.5, 2.0]", "[1.0, 1.5, 2.0, 2.5]")).run()
    assert kitchen.made == ["guidance_scale=2.5, prompts=published", "guidance_scale=2.5, prompts=cloth"]
    assert len(rows(tmp_path)) == 8


def test_other_inputs_or_a_lost_picture_make_an_entry_anew(tmp_path: Path, kitchen: Kitchen):
    sweep(tmp_path).run()
    next((tmp_path / "sweeps/guidance/entries").glob("*scale=1.5*published*/ann__tee.png")).unlink()
    kitchen.made.clear()
    sweep(tmp_path).run()
    assert kitchen.made == ["guidance_scale=1.5, prompts=published"]
    kitchen.inputs = "another photo"
    kitchen.made.clear()
    sweep(tmp_path).run()
    assert len(kitchen.made) == 6


def test_a_broken_entry_fails_alone_and_is_tried_again(tmp_path: Path, kitchen: Kitchen):
    kitchen.fails = {"guidance_scale=1.5, prompts=cloth"}
    assert sweep(tmp_path).run() is ExitCode.ITEMS_FAILED
    found = rows(tmp_path)
    assert [row["went wrong"] for row in found] == ["-"] * 3 + ["weights: trained with other words"] + ["-"] * 2
    assert found[3]["pictures"] == "0" and found[3]["ssim"] == "-"
    kitchen.fails, kitchen.made = set(), []
    assert sweep(tmp_path).run() is ExitCode.DONE
    assert kitchen.made == ["guidance_scale=1.5, prompts=cloth"]


def test_a_sweep_that_is_stopped_goes_on_where_it_was(tmp_path: Path, kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch):
    def stopped(entry: Entry, folder: Path) -> Outcome:
        if len(kitchen.made) == 2:
            raise KeyboardInterrupt
        return Kitchen.make(kitchen, entry, folder)

    monkeypatch.setattr(kitchen, "make", stopped)
    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path).run()
    monkeypatch.undo()
    again = Kitchen(monkeypatch)
    sweep(tmp_path).run()
    assert len(again.made) == 4 and len(rows(tmp_path)) == 6


def test_dry_run_prints_grid_and_cost_and_makes_nothing(tmp_path: Path, kitchen: Kitchen, capsys: pytest.CaptureFixture[str]):
    assert sweep(tmp_path).show() is ExitCode.DONE
    said = capsys.readouterr().out
    assert said.count("3 pictures") == 6 and "6 entries" in said and "13 min" in said
    assert kitchen.made == [] and not (tmp_path / "sweeps").exists()
