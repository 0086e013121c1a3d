"""Lower garments, the seed's fourth answer: drawings, checks, garments bent, runs and files know which garments are exchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_pairs import write_people
from tiny_viton_hd import TINY
from tiny_viton_hd_training import RECIPES, write_start
from training_runs import Place, quiet

from pipeline.core.errors import InputError, UsageError, WeightsError
from pipeline.core.labels import Category
from tryon.engines.viton_hd.checkpoint import LOWER_MARK, load_warper
from tryon.engines.viton_hd.training import placed_tree
from tryon.training import checkpoint as checkpoints
from tryon.training.data.items import Item
from tryon.training.data.tree import find_trees
from tryon.training.logs import runs
from tryon.training.session import settings_of

LOWER = "viton_hd.category=lower"
STEPS = ("loop.epochs=0", "loop.steps=1", "loop.save_every=1", "loop.measure_every=0")


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return write_people(tmp_path_factory.mktemp("lower") / "data", 2, Category.LOWER, size=(64, 64))


def place_of(stage: str, data: Path, *overrides: str) -> Place:
    return Place(RECIPES[stage], data, None, (*STEPS, *overrides))


@pytest.fixture(scope="module")
def trained(tree, tmp_path_factory) -> Path:
    """A run of the warp for lower garments."""
    folder = tmp_path_factory.mktemp("runs")
    with torch.enable_grad():
        assert place_of("gmm", tree, LOWER).train(folder) == 0
    return folder


def test_every_stage_sees_the_lower_garment_as_the_one_that_is_exchanged(tree):
    for stage, recipe in RECIPES.items():
        settings = settings_of(recipe, place_of(stage, tree, LOWER).options(tree), quiet)
        (item, _) = (recipe.read(pair, (64, 64)) for pair in find_trees(tree, recipe.categories(settings))[0].pairs("train"))
        below = np.isin(item.files.parse, [9, 12])
        assert isinstance(item, Item) and below.any() and ((item.worn >= 128) == below).all()
        batch = recipe.open(None, settings, {}).batch([item], (), 0, 0) if stage != "alias" else None
        if stage == "seg":
            assert not batch.shown[:, 4 + 4].any()  # mask, cloth, then classes: nothing is left of the fourth
            assert batch.shown[:, 4 + 3].any() and (batch.classes == 4).any()
        elif stage == "gmm":
            assert batch.person[:, 0].any() and batch.worn.any()
        else:
            guide = recipe.open(None, settings, {}).validation_batch([item], 50)
            assert guide.groups[:, 2].sum() + guide.misaligned.sum() > 0 and not guide.groups[:, 3].any()


def test_a_checkpoint_knows_its_garments_and_is_not_taken_up_with_others(trained, tree):
    newest = checkpoints.newest(trained / "one" / checkpoints.FOLDER)
    assert newest.state["facts"][LOWER.partition("=")[0]] == "lower"
    with pytest.raises(UsageError, match="category"):
        place_of("gmm", tree).train(trained)


def test_an_exported_file_says_lower_and_the_engine_for_upper_garments_refuses_it(trained, tree, tmp_path):
    recipe = RECIPES["gmm"]
    runs.export(recipe, trained / "one", runs.Wanted(to=tmp_path / "ours", official=tmp_path / "net_G.pth"), quiet)
    file = tmp_path / "ours" / "gmm_final.pth"
    with pytest.raises(WeightsError, match=r"gmm_final\.pth: trained for lower garments; here weights for upper ones"):
        load_warper(file, torch.float32, TINY)
    options = place_of("gmm", tree)
    with pytest.raises(WeightsError, match="trained for lower garments"):
        recipe.open(file, settings_of(recipe, options.options(tree), quiet), {})
    settings = settings_of(recipe, options.options(tree, LOWER), quiet)
    assert not any("upper ones only" in line for line in recipe.open(file, settings, {}).about)
    assert LOWER_MARK not in torch.load(tmp_path / "net_G.pth", weights_only=True)  # the published code opens it strictly
    assert any("upper ones only" in line for line in recipe.open(tmp_path / "net_G.pth", settings, {}).about)


def test_bending_lower_garments_with_a_network_of_upper_ones_is_said(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(placed_tree, "ARCHITECTURES", {"viton_hd_gmm": TINY})
    lines: list[str] = []
    assert placed_tree.place_tree(tree, "train", write_start("gmm", tmp_path / "gmm_final.pth"), lines.append, "lower")
    assert "upper ones only" in lines[0]


def test_people_who_wear_no_lower_garment_are_found_before_the_first_step(tmp_path):
    from training_trees import training_tree

    data = training_tree(tmp_path / "data", pairs=1, size=(64, 64))
    lines: list[str] = []
    with pytest.raises(InputError, match="1 × nothing worn"):
        place_of("gmm", data, LOWER).train(tmp_path / "runs", say=lines.append)
    assert any("has no lower garment" in line for line in lines)
