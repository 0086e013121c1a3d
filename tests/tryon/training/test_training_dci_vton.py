"""Runs of a small DCI-VTON: resumed to the same bits, drawn as the engine draws, exported, refused what is of the other model."""

from __future__ import annotations

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
import tiny_warper
import torch
from tiny_dci_vton import RECIPE, TENTH, write_start
from training_runs import Place, differing, quiet, training_place
from training_trees import training_tree

from pipeline.core import images
from pipeline.core.engine import TryOnItem
from pipeline.core.errors import InputError, UsageError, WeightsError
from pipeline.core.machine.device import CPU
from tryon.batching import Limits
from tryon.checkpoints import open_checkpoint
from tryon.engines.dci_vton.folder import load
from tryon.engines.dci_vton.presets import BALANCED
from tryon.engines.dci_vton.runtime import PreparedGarment, Runtime
from tryon.engines.dci_vton.training import vton_recipe
from tryon.engines.dci_vton.training.vton_trainee import WarpedPair
from tryon.engines.dci_vton.training.warp_tree import warp_tree
from tryon.networks.precision import choose_dtype
from tryon.training import checkpoint as checkpoints
from tryon.training.data.items import resized
from tryon.training.data.tree import Kind, find_tree
from tryon.training.logs import runs
from tryon.training.logs.run_logs import LOG, read_table
from tryon.training.memory import plan_memory
from tryon.training.randomness import SampleDraws, seed_of
from tryon.training.session import Options, settings_of, start

SMALL = ("data.width=48", "loop.epochs=0", "loop.steps=2", "loop.save_every=1", "loop.measure_every=0", "loop.accumulation=1")
SIZE = (64, 48)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return training_place(tmp_path_factory.mktemp("training"), RECIPE, write_start, "model.ckpt", *SMALL, "dci_vton.draw_steps=2")


def settings(*overrides: str, preset: str = ""):
    return settings_of(RECIPE, Options(preset=preset, overrides=overrides), quiet)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["v1", "v2"])
def test_killed_at_any_moment_a_run_ends_with_the_same_bits(place, tmp_path, variant):
    wanted = ("loop.steps=3", "loop.accumulation=2", "loop.batch=1", "dci_vton.drop_token=0.5", f"dci_vton.variant={variant}")
    place.straight(tmp_path / "straight", *wanted)
    assert place.killed(tmp_path / "killed", *wanted, kills=1) >= 1
    assert differing(tmp_path / "killed" / "one", tmp_path / "straight" / "one") == set()


@pytest.mark.slow
def test_pictures_of_a_run_are_those_of_the_engine_with_either_export(place, tmp_path):
    lines: list[str] = []
    place.train(tmp_path, "loop.draw_every=2", "loop.draw_pairs=1", "dci_vton.cache=4", say=lines.append)
    assert any("without VGG-19's part" in line for line in lines) and any("Paint-by-Example" in line for line in lines)
    runs.export(RECIPE, tmp_path / "one", runs.Wanted(to=tmp_path / "made", official=tmp_path / "made.ckpt"), quiet)
    item = RECIPE.read(find_tree(place.data).pairs("test")[0], SIZE)
    sampling, drawn = replace(BALANCED, steps=2), []
    for source in (tmp_path / "made", tmp_path / "made.ckpt"):
        network = load(source, choose_dtype(sampling.dtype, CPU), "v1", architecture=TENTH)
        runtime = Runtime(network, "v1", sampling, Limits(CPU, 1), 64)
        pair = WarpedPair(item.warped, item.warped_mask)
        asked = TryOnItem(item.person, PreparedGarment(item.reference), seed_of("draw", 0), pair)
        drawn.append(resized(runtime.dress([asked])[0].picture, SIZE))
    assert np.array_equal(drawn[0], drawn[1])
    sheet = images.read_rgb(tmp_path / "one" / "pictures" / "step-000000002.png")[20:276, 2 * 192 : 3 * 192]
    assert np.array_equal(sheet, cv2.resize(drawn[0], (192, 256), interpolation=cv2.INTER_AREA))
    with pytest.raises(WeightsError, match="not v2"):
        load(tmp_path / "made", torch.float32, "v2")


@pytest.mark.slow
def test_what_is_published_as_trained_moves_and_the_rest_stays(place, tmp_path):
    before = RECIPE.open(place.start, settings(), {}).module.network.state_dict()
    place.train(tmp_path, "optimiser.warmup=0", "optimiser.learning_rate=1e-3", "dci_vton.drop_token=0")
    after = checkpoints.newest(tmp_path / "one" / checkpoints.FOLDER).tensors("weights")
    assert all(name.startswith(("unet.", "mapper.")) for name in after) and "mapper.unconditional" not in after
    for name in ("unet.conv_in.weight", "mapper.projection.weight", "mapper.final_norm.weight", "mapper.blocks.0.to_qkv.weight"):
        assert not torch.equal(before[name], after[name]), name
    row = read_table(tmp_path / "one" / LOG)[-1]
    assert float(row["loss"]) == pytest.approx(float(row["noise"]) + float(row["image"]), rel=1e-5)


@pytest.mark.slow
def test_a_published_checkpoints_own_vgg_judges_and_goes_out_again(place, tmp_path):
    state = torch.load(place.start)["state_dict"] | torch.load(tiny_warper.vgg_file(tmp_path / "vgg.pth"))
    torch.save({"state_dict": state}, tmp_path / "viton512.ckpt")
    lines: list[str] = []
    place.train(tmp_path, "loop.steps=1", start=tmp_path / "viton512.ckpt", say=lines.append)
    assert float(read_table(tmp_path / "one" / LOG)[-1]["vgg"]) > 0
    assert "loss: with VGG-19 of the start file, as published" in lines
    runs.export(RECIPE, tmp_path / "one", runs.Wanted(official=tmp_path / "made.ckpt"), quiet)
    assert set(open_checkpoint(tmp_path / "made.ckpt")) == set(state)


def test_the_learned_token_comes_per_batch_as_published_or_per_pair(place):
    pairs = find_tree(place.data).pairs("train")
    items = [RECIPE.read(pair, SIZE) for pair in pairs]
    found = {}
    for each in ("batch", "sample"):
        own = settings("dci_vton.drop_token=0.5", f"dci_vton.drop_each={each}")
        trainee = RECIPE.simulated(own)[0]
        draws = [[SampleDraws(0, step, item.id) for item in items] for step in range(20)]
        found[each] = np.array([trainee.batch(items, drawn, step, 0).dropped.numpy() for step, drawn in enumerate(draws)])
    assert (found["batch"] == found["batch"][:, :1]).all() and 4 < found["batch"][:, 0].sum() < 16
    assert not (found["sample"] == found["sample"][:, :1]).all() and 20 < found["sample"].sum() < 60


def test_the_published_settings_are_the_defaults():
    found = settings()
    assert (found["loop"].epochs, found["loop"].batch, found["loop"].accumulation, found["loop"].ema_decay) == (40, 2, 2, 0)
    optimiser = found["optimiser"]
    assert (optimiser.learning_rate, optimiser.warmup, optimiser.warmup_from) == (1e-5, 3000, 1e-6)
    assert optimiser.rate(0, 7) == pytest.approx(1e-11) and optimiser.rate(3000, 7) == optimiser.rate(10**6, 7) == 1e-5
    assert settings(preset="v2")["dci_vton"].variant == "v2" and not found["augment"].any


def test_the_trained_values_are_the_u_net_and_the_mapper():
    trainee, _ = vton_recipe.RECIPE.simulated(settings())
    counts = {name: sum(each.numel() for each in group.values()) for name, group in trainee.groups().items()}
    assert counts["u-net"] == 859_535_364 and 60e6 < counts["mapper"] < 70e6


def test_a_plan_counts_the_decoder_with_its_gradient():
    small = ("data.height=64", "data.width=48", "precision.numbers=fp32")
    with_decoder, more = (plan_memory(RECIPE, settings(*small), pairs).step for pairs in (1, 2))
    assert more > 1.3 * with_decoder > 0


def test_missing_warped_garments_are_counted_and_named_with_the_cure(place, tmp_path):
    root = training_tree(tmp_path / "data", size=(64, 64))
    (root / "train" / "cloth-warp" / "00001_00.jpg").unlink()
    lines: list[str] = []
    with pytest.raises(InputError, match="1 × no warped garment"):
        start(RECIPE, place.options(tmp_path, data=root), lines.append)
    assert any("cloth-warp/00001_00.jpg" in line and "→" in line for line in lines)


def test_warped_garments_of_a_tree_are_made_once_and_what_is_missing_is_named(tmp_path):
    root = training_tree(tmp_path / "data", size=(64, 64))
    for folder in ("cloth-warp", "cloth-warp-mask"):
        shutil.rmtree(root / "train" / folder)
    (root / "train" / "image-densepose" / "00002_00.jpg").unlink()
    file, lines = tiny_warper.write_start(tmp_path / "warp_viton.pth"), list[str]()
    assert not warp_tree(root, "train", file, lines.append, tiny_warper.CHANNELS, tiny_warper.WIDTH)
    assert "3 garments warped, 0 were there" in lines[0] and "image-densepose/00002_00.jpg" in lines[1]
    made = {pair.person: pair for pair in find_tree(root).pairs("train") if Kind.WARPED in pair.files}
    assert sorted(made) == ["00000_00.jpg", "00001_00.jpg", "00003_00.jpg"]
    before = made["00000_00.jpg"].files[Kind.WARPED].read_bytes()
    item = RECIPE.read(made["00000_00.jpg"], SIZE)
    assert item.warped.shape == (64, 64, 3) and item.warped_mask.shape == (64, 64)
    made["00001_00.jpg"].files[Kind.WARPED_MASK].unlink()
    assert not warp_tree(root, "train", file, lines.append, tiny_warper.CHANNELS, tiny_warper.WIDTH)
    assert "1 garments warped, 2 were there" in lines[2] and made["00000_00.jpg"].files[Kind.WARPED].read_bytes() == before


def test_data_of_the_first_model_are_refused_for_the_second(place, tmp_path):
    root = training_tree(tmp_path / "data", size=(64, 64))
    pair = find_tree(root).pairs("train")[0]
    assert RECIPE.read(pair, SIZE).inputs("v2").repaint.any()
    half = np.zeros((64, 64), bool)
    half[:, 10:50] = True
    (root / "train" / "agnostic-mask" / "00000_00_mask.png").write_bytes(images.mask_png(half))
    with pytest.raises(InputError, match=r"\d+% of the agnostic mask is not grey.*not v2's data"):
        RECIPE.read(pair, SIZE).inputs("v2")
    assert RECIPE.read(pair, SIZE).inputs("v1").repaint.any()  # the first model does not look at that mask


@pytest.mark.slow
def test_a_run_of_one_variant_is_no_start_for_the_other(place, tmp_path):
    place.train(tmp_path, "loop.steps=1")
    options = place.options(tmp_path, "dci_vton.variant=v2", start=tmp_path / "one", run="two")
    with pytest.raises(UsageError, match=r"a run with dci_vton\.variant=v1, this one has v2"):
        start(RECIPE, options, quiet)


@pytest.mark.slow
def test_other_files_and_a_vae_are_refused(place, tmp_path):
    state = torch.load(place.start)["state_dict"]
    entrance = "model.diffusion_model.input_blocks.0.0.weight"
    torch.save(
        {"state_dict": state | {entrance: torch.zeros(32, 13, 3, 3), "control_model.x": torch.zeros(1)}}, tmp_path / "s.ckpt"
    )
    with pytest.raises(WeightsError, match=r"(?s)not a checkpoint of DCI-VTON.*control_model.x.*\(32, 13, 3, 3\) instead of"):
        RECIPE.open(tmp_path / "s.ckpt", settings(), {})
    with pytest.raises(UsageError, match="published with its own VAE"):
        RECIPE.open(place.start, settings(), {}, tmp_path / "vae.ckpt")
