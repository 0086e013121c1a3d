"""A small OOTDiffusion learns four pairs by heart: loss, gradients and optimiser work together, in every arrangement."""

from __future__ import annotations

import csv
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_ootd_training import RECIPE, write_start
from training_runs import Place, quiet, training_place
from training_sweeps import frozen_or_joint
from training_trees import training_tree
from typer.testing import CliRunner

from pipeline import catalog
from pipeline.cli.app import app
from tryon.engines.ootdiffusion.training.config import PRESETS
from tryon.training.logs import runs
from tryon.training.logs.run_logs import LOG, read_table

PLAIN = (
    *("loop.batch=4", "loop.accumulation=1", "loop.save_every=100000", "loop.measure_every=0", "ootd.drop_garment=0"),
    *("precision.recompute=false", "optimiser.name=adamw", "precision.channels_last=false", "optimiser.weight_decay=0"),
    *("ootd.drop_adapter=0", "loop.ema_decay=0"),
)
BY_HEART = (*PLAIN, "ootd.cache=4", "loop.one_draw=true")
"""The same four pairs in every step."""
SECONDS = 60
OTHERS = 16
BEGUN_STEPS, COMPARED_STEPS = 90, 40


@dataclass(frozen=True)
class Learning:
    """How an arrangement learns four pairs.

    Args:
        steps, rate: of the optimiser.
        begun: from a network that knows other pairs: beside a half made of noise a part that learns alone has nothing to say.
        more: settings of its own.
    """

    steps: int
    rate: float
    begun: bool = False
    more: tuple[str, ...] = ()


LEARNING = {
    "joint": Learning(120, 3e-3),
    "joint-low-memory": Learning(90, 3e-3, more=("precision.recompute=true", "optimiser.name=adafactor")),
    "frozen-garment": Learning(120, 3e-3),
    "frozen-garment-sd15": Learning(120, 3e-3),
    "attention-only": Learning(120, 1e-2),
    "garment-only": Learning(120, 1e-2, begun=True),
    "lora": Learning(100, 3e-3, begun=True),
    "ip-adapter": Learning(200, 1e-2, begun=True, more=("optimiser.warmup=10",)),
    "ip-adapter-decoder-only": Learning(260, 1e-2, begun=True, more=("optimiser.warmup=10",)),
    "controlnet": Learning(60, 3e-3, begun=True),
    "controlnet-sobel": Learning(60, 3e-3, begun=True),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return training_place(tmp_path_factory.mktemp("training"), RECIPE, write_start, "weights", *BY_HEART)


@pytest.fixture(scope="module")
def begun(place, tmp_path_factory) -> Path:
    """A run of both U-Nets on sixteen other pairs, the noise drawn anew in every step."""
    folder = tmp_path_factory.mktemp("begun")
    data = training_tree(folder / "data", pairs=4 + OTHERS, size=(64, 64))
    pairs = data / "train_pairs.txt"
    pairs.write_text("".join(pairs.read_text("utf-8").splitlines(keepends=True)[4:]), "utf-8")
    settings = (f"ootd.cache={OTHERS}", "loop.batch=8", f"loop.steps={BEGUN_STEPS}", "optimiser.learning_rate=3e-3")
    assert replace(place, data=data, overrides=PLAIN).train(folder, *settings, preset="joint") == 0
    return folder / "one"


def losses(place: Place, folder, preset: str, *settings: str) -> np.ndarray:
    assert place.train(folder, *settings, preset=preset, changed=True) == 0
    return np.array([float(row["loss"]) for row in read_table(folder / "one" / LOG)])


@pytest.mark.slow
def test_the_loss_of_the_joint_training_falls_within_twelve_steps(place, tmp_path):
    found = losses(place, tmp_path, "joint", "loop.steps=12", "optimiser.learning_rate=3e-3")
    assert found[-3:].mean() < 0.85 * found[:3].mean(), found


def test_every_arrangement_is_proved_here():
    assert set(LEARNING) == set(PRESETS)


@pytest.mark.proof
@pytest.mark.parametrize("preset", LEARNING)
def test_four_pairs_are_learnt_by_heart_in_a_minute(place, tmp_path, preset, request):
    own = LEARNING[preset]
    chosen = replace(place, start=request.getfixturevalue("begun")) if own.begun else place
    started = time.process_time()
    found = losses(chosen, tmp_path, preset, f"loop.steps={own.steps}", f"optimiser.learning_rate={own.rate}", *own.more)
    seconds = time.process_time() - started
    first, last = found[:5].mean(), found[-20:].mean()
    print(f"{preset}: {first:.3f} → {last:.5f}, {first / last:.1f} times less in {len(found)} steps, {seconds:.0f} s")  # noqa: T201
    assert last < first / 10 and seconds < SECONDS


@pytest.mark.proof
@torch.enable_grad()
def test_frozen_and_joint_garment_unets_stand_in_one_table_after_the_same_steps(place, begun, tmp_path, monkeypatch):
    """The page's comparison; frozen as OOTDiffusion's is what a joint training on other pairs made of the garment U-Net."""
    monkeypatch.setitem(catalog.TRAINERS, "ootdiffusion", "tiny_ootd_training:RECIPE")
    start = shutil.copytree(place.start, tmp_path / "weights")
    shutil.rmtree(start / "ootdiffusion-hd")
    runs.export(RECIPE, begun, runs.Wanted(official=start / "ootdiffusion-hd"), quiet)
    data = training_tree(tmp_path / "data", pairs=OTHERS, size=(64, 64), test_pairs=4)
    own = [each for each in PLAIN if not each.startswith(("loop.one_draw", "loop.save_every"))]
    own += ["optimiser.learning_rate=3e-3", "ootd.draw_steps=5"]
    file = frozen_or_joint(tmp_path, data, start, COMPARED_STEPS, own)
    done = CliRunner().invoke(app, ["sweep", str(file), "--to", str(tmp_path / "sweeps")])
    assert done.exit_code == 0, done.output
    print((tmp_path / "sweeps/frozen_or_joint/table.md").read_text("utf-8"), tmp_path)  # noqa: T201
    with (tmp_path / "sweeps/frozen_or_joint/table.csv").open(encoding="utf-8") as table:
        found = list(csv.DictReader(table))
    assert [row["preset"] for row in found] == ["frozen-garment", "frozen-garment-sd15", "joint-low-memory"]
    assert all(float(row["loss (last tenth)"]) < 0.5 for row in found), "noise alone has a loss of 1"
    assert (tmp_path / "sweeps/frozen_or_joint/sheet.pdf").is_file()
