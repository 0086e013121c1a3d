"""Discriminators of VITON-HD's trainings: their pool of earlier pictures, and their files beside the seed's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from drawn_pairs import write_people
from tiny_viton_hd_training import RECIPES
from training_runs import Place, differing, quiet

from pipeline.core.errors import WeightsError
from tryon.engines.viton_hd.training.judge_files import official_discriminator_state, our_discriminator_state
from tryon.engines.viton_hd.training.pool import ImagePool
from tryon.training.logs import runs
from tryon.training.session import settings_of

STEPS = ("loop.epochs=0", "loop.save_every=1", "loop.measure_every=0", "loop.batch=1", "viton_hd.variant=gs")


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return write_people(tmp_path_factory.mktemp("judges") / "data", 2, size=(64, 64))


@pytest.fixture(scope="module")
def seg(tree) -> Place:
    return Place(RECIPES["seg"], tree, None, STEPS)


@pytest.fixture(scope="module")
def written(seg, tmp_path_factory) -> Path:
    """`3_net_G.pth` of a run of a step, with what lies beside it."""
    folder = tmp_path_factory.mktemp("written")
    with torch.enable_grad():
        assert seg.train(folder, "loop.steps=1") == 0
    runs.export(seg.recipe, folder / "one", runs.Wanted(official=folder / "3_net_G.pth"), quiet)
    return folder


def test_a_pool_shows_new_pictures_until_it_is_full_and_then_older_ones_for_every_second():
    pool = ImagePool(2, (1, 1, 1))
    pictures = [torch.full((1, 1, 1, 1), float(number)) for number in range(5)]
    chances = [(0.9, 0.9), (0.9, 0.0), (0.4, 0.0), (0.6, 0.6), (0.6, 0.6)]
    seen = [float(pool.exchanged(one, torch.tensor([chance]))) for one, chance in zip(pictures, chances, strict=True)]
    assert seen == [0, 1, 2, 1, 3]


def test_a_run_with_a_pool_goes_on_with_the_same_bits(seg, tmp_path):
    more = ("viton_hd.pool=1", "loop.ema_decay=0.9")
    assert seg.train(tmp_path / "straight", "loop.steps=4", *more) == 0
    assert seg.train(tmp_path / "stopped", "loop.steps=2", *more) == 0
    assert seg.train(tmp_path / "stopped", "loop.steps=4", *more, resume=True) == 0
    same_steps = {"weights.safetensors", "ema.safetensors", "optimiser.safetensors"}
    assert not same_steps & differing(tmp_path / "straight" / "one", tmp_path / "stopped" / "one")


def test_a_run_without_a_pool_may_begin_from_one_with_it(seg, tree, tmp_path):
    assert seg.train(tmp_path / "first", "loop.steps=1", "viton_hd.pool=2") == 0
    assert seg.train(tmp_path / "second", "loop.steps=1", "viton_hd.pool=1", start=tmp_path / "first" / "one") == 0


def test_the_seeds_name_brings_its_discriminator_which_a_start_takes_up(seg, written, tmp_path):
    stored = torch.load(written / "3_net_D.pth", weights_only=True)
    assert stored["layer0.0.weight"].shape[1] == 13 + 19 and "layer1.11.bias" in stored
    settings = settings_of(seg.recipe, seg.options(tmp_path), quiet)
    trainee = seg.recipe.open(written / "3_net_G.pth", settings, {})
    assert any("3_net_D.pth" in line for line in trainee.about)
    for name, tensor in our_discriminator_state(stored).items():
        assert torch.equal(trainee.module.discriminator.state_dict()[name], tensor)
    with pytest.raises(WeightsError, match="exists already"):
        runs.export(seg.recipe, written / "one", runs.Wanted(official=written / "3_net_G.pth"), quiet)


def test_a_discriminator_of_other_channels_is_refused_and_a_missing_one_said(seg, written, tmp_path):
    settings = settings_of(seg.recipe, seg.options(tmp_path, "viton_hd.published_faults=true"), quiet)
    with pytest.raises(WeightsError, match=r"3_net_D\.pth: a discriminator of 32 channels, this training's sees 13"):
        seg.recipe.open(written / "3_net_G.pth", settings, {})
    alone = tmp_path / "4_net_G.pth"
    alone.write_bytes((written / "3_net_G.pth").read_bytes())
    assert any("begins anew" in line for line in seg.recipe.open(alone, settings, {}).about)
    (tmp_path / "4_net_D.pth").write_bytes(alone.read_bytes())
    with pytest.raises(WeightsError, match=r"4_net_D\.pth"):
        seg.recipe.open(alone, settings, {})


def test_the_names_are_the_seeds_in_both_spellings(fixtures_root):
    import json

    keys = json.loads((fixtures_root.parent / "spec" / "viton_hd_keys.json").read_text())
    for named in ("seed_seg_discriminator", "seed_alias_discriminator", "intended_alias_discriminator"):
        official = {key: torch.zeros(shape) for key, shape in keys[named].items()}
        ours = our_discriminator_state(official)
        assert len(ours) == len(official) and all(name.startswith("scales.") for name in ours)
        if named.startswith("seed"):
            assert official_discriminator_state(ours).keys() == official.keys()
