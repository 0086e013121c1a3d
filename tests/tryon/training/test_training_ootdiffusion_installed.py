"""A run is exported to where the engine looks, and the engine dresses with it, or says why not."""

from __future__ import annotations

from pathlib import Path

import mannequin
import pytest
import torch
from tiny_ootd_training import RECIPE, WIDTHS, write_start
from training_runs import Place, training_place
from typer.testing import CliRunner

from pipeline.cli import train
from pipeline.core.engine import TryOnItem
from pipeline.core.errors import WeightsError
from pipeline.core.labels import Category
from pipeline.core.layout import POSE_IMAGE, Layout
from pipeline.core.step import Context
from tryon.engines.ootdiffusion import checkpoint
from tryon.engines.ootdiffusion import engine as engines
from tryon.engines.ootdiffusion.config import OotdConfig
from tryon.training import checkpoint as checkpoints
from tryon.training import probe

pytestmark = pytest.mark.slow

QUICK = ("loop.steps=1", "loop.accumulation=1", "loop.measure_every=0", "precision.recompute=false", "ootd.cache=0")
ROWS = ("ootdiffusion-hd", "ootdiffusion-vae", "scheduler", "clip-vit-large-patch14")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return training_place(tmp_path_factory.mktemp("training"), RECIPE, write_start, "weights", *QUICK)


def engine_of(weights: Path, place: Place, folder: Path, patch: pytest.MonkeyPatch, **settings) -> engines.OotdHalfBody:
    """The engine on a weights folder; VAE, CLIP and scheduler are the small ones, whose hashes nobody published."""
    start, scheduler = place.start, folder / "scheduler_config.json"
    scheduler.write_text("{}", "utf-8")
    shared = [start / "ootdiffusion-vae", scheduler, start / "clip-vit-large-patch14" / "model.safetensors"]
    patch.setattr(engines, "require_all", lambda names, root: dict(zip(names, [weights, *shared], strict=True)))
    opened = checkpoint.load
    patch.setattr(checkpoint, "load", lambda files, dtype: opened(files, dtype, architecture=WIDTHS))
    config = OotdConfig(steps=2, dtype="fp32", height=64, width=64, **settings)
    return engines.OotdHalfBody(config, Context(Layout(outputs=folder / "out", weights=weights), device="cpu"))


def test_a_run_with_a_branch_is_installed_and_the_engine_dresses_with_it_and_reads_the_skeleton(place, tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "announce", lambda *given: None)  # the plan has tests of its own
    place.train(tmp_path, preset="controlnet")
    weights = tmp_path / "weights"
    monkeypatch.setattr(train, "_recipe", lambda name, stage="": RECIPE)
    words = ["export", "one", "--runs", str(tmp_path), "--install", "ootdiffusion_hd", "--weights", str(weights)]
    done = CliRunner().invoke(train.app, words)
    assert done.exit_code == 0 and "step 1, for this project" in done.output, done.output
    engine = engine_of(weights, place, tmp_path, monkeypatch)
    assert POSE_IMAGE in engine.card.person and POSE_IMAGE not in engines.OotdHalfBody.card.person
    person = mannequin.person_inputs(engine.context.layout, Category.UPPER)
    garment = mannequin.garment_inputs(engine.context.layout, "tee")
    engine.load("cpu")
    trained = checkpoints.newest(tmp_path / "one" / checkpoints.FOLDER).tensors("weights")
    loaded = engine._runtime.network.state_dict()
    assert trained and all(torch.equal(each, loaded[name]) for name, each in trained.items())
    made = engine.generate([TryOnItem(engine.encode(person), engine.encode(garment), 1)])[0].picture
    assert made.shape == person.image().shape and made.std() > 1
    assert CliRunner().invoke(train.app, words).exit_code != 0, "weights that are there are not replaced"
    other = engine_of(weights, place, tmp_path, monkeypatch, prompts="cloth")
    with pytest.raises(WeightsError, match="trained with the prompt set 'published'"):
        other.load("cpu")


def test_a_folder_without_a_word_about_skeletons_leaves_them_alone(place, tmp_path, monkeypatch):
    assert POSE_IMAGE not in engine_of(tmp_path, place, tmp_path, monkeypatch).card.person
