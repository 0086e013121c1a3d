"""Runs of a small warping network: resumed to the same bits, drawn and exported as it dresses, refused what it cannot read."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny_warper
import torch
from test_training_processes import free_port
from tiny_warper import CHANNELS, RECIPE, WIDTH, write_start
from training_process import run_apart
from training_runs import Place, differing, quiet, training_place
from training_trees import training_tree
from typer.testing import CliRunner

from pipeline import catalog
from pipeline.cli.app import app
from pipeline.core import images
from pipeline.core.errors import InputError, UsageError, WeightsError
from pipeline.core.weights.access import require
from tryon.engines.dci_vton.training import warp_recipe
from tryon.engines.dci_vton.training.warp_file import FOLDER_FILE
from tryon.engines.dci_vton.warp_conditions import SIZE
from tryon.engines.dci_vton.warping import checkpoint
from tryon.engines.dci_vton.warping.network import warp
from tryon.training import checkpoint as checkpoints
from tryon.training.data.tree import find_tree
from tryon.training.logs import runs
from tryon.training.logs.run_logs import LOG, METRICS, VALIDATION, read_table
from tryon.training.memory import plan_memory
from tryon.training.origin import find_origin
from tryon.training.session import settings_of, start

STABLEVITON = (
    *("learnable_vector", "proj_out.weight", "cond_stage_model.mapper.resblocks.0.ln_1.weight"),
    *("control_model.cond_first_block.0.weight", "model.diffusion_model.warp_zero_convs.0.weight"),
)
STEPS = ("loop.epochs=0", "loop.steps=4", "loop.save_every=2", "loop.measure_every=0")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return training_place(tmp_path_factory.mktemp("training"), RECIPE, write_start, "warp_viton.pth")


@pytest.fixture(scope="module")
def trained(place, tmp_path_factory):
    """A run's folder, with a sheet, validation and measures."""
    folder = tmp_path_factory.mktemp("trained")
    more = ("loop.draw_every=4", "loop.validate_every=2", "loop.measure_every=4", "loop.draw_pairs=1", "loop.measure_pairs=1")
    with torch.enable_grad():
        assert place.train(folder, *STEPS, *more) == 0
    return folder / "one"


@pytest.mark.slow
def test_killed_at_any_moment_a_run_ends_with_the_same_bits(place, tmp_path):
    """Running statistics of the norms are part of it, and validation in between changes none of them."""
    wanted = (*STEPS, "loop.save_every=1", "loop.accumulation=2", "loop.batch=1", "loop.validate_every=1")
    place.straight(tmp_path / "straight", *wanted)
    assert place.killed(tmp_path / "killed", *wanted, kills=2) >= 1
    assert differing(tmp_path / "killed" / "one", tmp_path / "straight" / "one") == set()
    place.straight(tmp_path / "unseen", *wanted[:-1], "loop.validate_every=0")
    ours, theirs = (
        checkpoints.newest(tmp_path / name / "one" / checkpoints.FOLDER).tensors("weights") for name in ("unseen", "straight")
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert int(theirs["garment_encoder.levels.0.0.layers.0.num_batches_tracked"]) == 8


def test_a_batch_has_every_pairs_own_garment_target_and_person(place):
    items = [RECIPE.read(pair, (64, 64)) for pair in find_tree(place.data).pairs("train")]
    trainee = RECIPE.open(None, settings(), {})
    together, alone = trainee.batch(items, (), 0, 0), [trainee.batch([item], (), 0, 0) for item in items]
    for row, each in enumerate(alone):
        assert torch.equal(together.person[row : row + 1], each.person)
        for name in ("cloth", "mask", "worn", "worn_mask"):
            assert torch.equal(getattr(together.targets, name)[row : row + 1], getattr(each.targets, name)), name
    assert len({picture.numpy().tobytes() for picture in together.targets.cloth}) == 4


@pytest.mark.slow
def test_every_weight_moves_and_every_figure_is_written(trained):
    before = dict(RECIPE._warper(None, settings(), {}, None).named_parameters())
    after = checkpoints.newest(trained / checkpoints.FOLDER).tensors("weights")
    still = {name for name, tensor in before.items() if torch.equal(tensor, after[name])}
    assert still <= {"flow.refine.0.6.bias"}  # at 2 × 2 places every one is a corner, beyond which nothing changes
    parts = {"loss", "cloth", "mask", "bend", "variation"}
    row = read_table(trained / LOG)[-1]
    assert parts <= set(row) and "vgg" not in row
    assert float(row["loss"]) == pytest.approx(sum(float(row[name]) for name in parts - {"loss"}), rel=1e-5)
    assert read_table(trained / VALIDATION)[-1]["t50"] == read_table(trained / VALIDATION)[-1]["t950"]  # no timesteps here
    assert "ssim_grey" in read_table(trained / METRICS)[-1]


@pytest.mark.slow
def test_both_exports_load_strictly_and_warp_what_the_sheet_shows(place, trained, tmp_path):
    runs.export(RECIPE, trained, runs.Wanted(to=tmp_path / "made", official=tmp_path / "warp_viton.pth"), quiet)
    one, other = (
        checkpoint.load(path, CHANNELS, WIDTH) for path in (tmp_path / "made" / FOLDER_FILE, tmp_path / "warp_viton.pth")
    )
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())
    item = RECIPE.read(find_tree(place.data).pairs("test")[0], (64, 64))
    seen = item.files.inputs(SIZE)
    cloth, groups, densepose = (torch.from_numpy(each)[None] for each in (seen.cloth, seen.groups, seen.densepose))
    mask = torch.from_numpy(seen.cloth_mask)[None, None].float()
    with torch.no_grad():
        warped = warp(one(one.encode_garment(cloth), one.encode_person(groups, densepose)), cloth, mask, (64, 64))
    wanted = ((warped.cloth * warped.mask + 1 - warped.mask)[0].permute(1, 2, 0).numpy() + 1) / 2 * 255
    sheet = images.read_rgb(trained / "pictures" / "step-000000004.png")[20:276, 512:768]
    assert np.abs(sheet[2::4, 2::4].astype(int) - wanted).max() <= 1  # enlarged four times


@pytest.mark.slow
def test_an_installed_run_is_the_file_that_both_engines_warp_with(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(catalog.TRAINERS, "dci-warp", "tiny_warper:RECIPE")
    command = ["train", "export", str(trained), "--weights", str(tmp_path / "weights"), "--install"]
    done = CliRunner().invoke(app, [*command, "dci_vton_v2"])
    assert done.exit_code == 0, done.output
    installed = require("dci-vton-warp", tmp_path / "weights")
    assert (
        installed == tmp_path / "weights" / "dci-vton-warp" / "warp_viton.pth"
        and not (tmp_path / "weights" / "dci-vton").exists()
    )
    runs.export(RECIPE, trained, runs.Wanted(official=tmp_path / "same.pth"), quiet)
    one, other = (checkpoint.load(path, CHANNELS, WIDTH).state_dict() for path in (installed, tmp_path / "same.pth"))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    before = installed.read_bytes()
    for engine, said in (("dci_vton", "exists already"), ("stableviton", "does not read what dci-warp trains")):
        refused = CliRunner().invoke(app, [*command, engine])
        assert refused.exit_code and said in str(refused.exception) and installed.read_bytes() == before


@pytest.mark.slow
def test_a_run_goes_on_only_over_the_folder_that_it_began_with(place, trained, tmp_path):
    for name, average in (("made", False), ("other", True)):
        runs.export(RECIPE, trained, runs.Wanted(to=tmp_path / name, average=average), quiet)
    facts = [find_origin(RECIPE, tmp_path / name, None, settings()).facts["start"] for name in ("made", "other")]
    assert len(set(facts)) == 2 and all(facts)
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match="no warp_viton"):
        find_origin(RECIPE, tmp_path / "empty", None, settings())


@pytest.mark.slow
def test_an_average_has_the_statistics_and_the_counters_too(trained, tmp_path):
    runs.export(RECIPE, trained, runs.Wanted(official=tmp_path / "average.pth", average=True), quiet)
    made, plain = checkpoint.load(tmp_path / "average.pth", CHANNELS, WIDTH), checkpoints.newest(trained / checkpoints.FOLDER)
    name = "garment_encoder.levels.0.0.layers.0."
    state, weights = made.state_dict(), plain.tensors("weights")
    assert state[name + "num_batches_tracked"] == weights[name + "num_batches_tracked"] == 4
    assert not torch.equal(state[name + "running_mean"], weights[name + "running_mean"])


def settings(*overrides: str, preset: str = ""):
    from tryon.training.session import Options

    return settings_of(RECIPE, Options(preset=preset, overrides=overrides), quiet)


def test_the_published_schedule_is_the_default_and_a_preset():
    for found in (settings(), settings(preset="published")):
        loop, optimiser = found["loop"], found["optimiser"]
        assert (loop.epochs, loop.batch, loop.ema_decay) == (100, 32, 0)
        assert (optimiser.constant_epochs, optimiser.decay_epochs, optimiser.learning_rate) == (50, 50, 5e-5)
        assert (optimiser.betas, optimiser.weight_decay) == ((0.5, 0.999), 0)
        assert found["data"].size == (256, 192) and not found["augment"].any


def test_the_published_scripts_flags_are_understood():
    made, lines = RECIPE.translate(["--niter", "30", "--niter_decay", "10", "--batchSize", "8", "--label_nc", "13"])
    found = settings(*made)
    assert (found["optimiser"].constant_epochs, found["optimiser"].decay_epochs, found["loop"].epochs) == (30, 10, 40)
    assert found["loop"].batch == 8 and len(lines) == 4
    with pytest.raises(UsageError, match="--nniter"):
        RECIPE.translate(["--nniter", "3"])


@pytest.mark.parametrize("setting", ["augment.flip=0.5", "precision.numbers=bf16", "precision.recompute=true"])
def test_what_would_spoil_flows_or_statistics_is_refused(setting):
    from pipeline.core.errors import ConfigError

    with pytest.raises(ConfigError, match=setting.partition("=")[0].rpartition(".")[2]):
        settings(setting)


def test_a_plan_counts_the_whole_network_and_needs_no_memory():
    plan = plan_memory(warp_recipe.RECIPE, settings(), 4)
    assert list(plan.groups) == ["warping network"] and 25e6 < plan.groups["warping network"] < 35e6
    assert plan.step > 1e9


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["conv{}", "vgg.conv{}"])
def test_vgg_is_taken_from_its_file_or_a_checkpoint_and_said(place, tmp_path, prefix):
    lines: list[str] = []
    file = tiny_warper.vgg_file(tmp_path / "vgg.pth", prefix)
    place.train(tmp_path, *STEPS, "loop.steps=1", f"dci_warp.vgg_file={file}", say=lines.append)
    assert float(read_table(tmp_path / "one" / LOG)[-1]["vgg"]) > 0
    assert any("vgg.pth's VGG-19" in line for line in lines)


@pytest.mark.slow
def test_without_vgg_and_without_start_weights_it_begins_and_says_both(place, tmp_path):
    lines: list[str] = []
    place.train(tmp_path, *STEPS, "loop.steps=1", say=lines.append, start=None)
    assert any("without VGG-19's part" in line for line in lines) and "start: new weights" in lines
    assert json.loads((tmp_path / "one" / "run.json").read_text())["start"] == ""
    assert place.train(tmp_path, *STEPS, "loop.steps=2", start=None) == 0


def test_a_file_of_another_model_is_refused_with_its_differences(place, tmp_path):
    torch.save({"state_dict": {"control_model.cond_first_block.0.weight": torch.zeros(1)}}, tmp_path / "VITONHD.ckpt")
    with pytest.raises(WeightsError, match="warping network"):
        RECIPE.open(tmp_path / "VITONHD.ckpt", settings(), {})
    torch.save({checkpoint.PERSON_INPUT: torch.zeros(64, 45, 3, 3)}, tmp_path / "PBAFN_warp_epoch_101.pth")
    with pytest.raises(WeightsError, match="PF-AFN's own warping network"):
        RECIPE.open(tmp_path / "PBAFN_warp_epoch_101.pth", settings(), {})
    with pytest.raises(UsageError, match="no VAE"):
        RECIPE.open(None, settings(), {}, tmp_path / "vae.ckpt")


@pytest.mark.parametrize(
    ("state", "about"),
    [
        ({"conv_in.weight": torch.zeros(1, 8, 3, 3)}, "an OOTDiffusion try-on U-Net"),
        ({name: torch.zeros(1) for name in STABLEVITON}, "a StableVITON checkpoint"),
    ],
)
def test_the_commands_error_says_what_the_start_file_is(place, tmp_path, state, about):
    from pipeline.engine_of_file import about_file, file_kinds

    named = next(kind for kind in file_kinds() if kind.about.startswith(about))
    state = {name: torch.zeros(1) for name in named.has} | state
    torch.save(state, tmp_path / "other.ckpt")
    with pytest.raises(WeightsError, match=f"(?s)missing: image_features.*other.ckpt is {about}") as refused:
        place.train(tmp_path, *STEPS, start=tmp_path / "other.ckpt", identify=about_file)
    assert "warp_viton.pth, or nothing" in refused.value.remedy


def test_people_without_parse_maps_are_counted_and_named(place, tmp_path):
    root = training_tree(tmp_path / "data", size=(64, 64))
    for number in (0, 2):
        (root / "train" / "image-parse-v3" / f"{number:05}_00.png").unlink()
    (root / "train" / "image-parse-agnostic-v3.2" / "00001_00.png").unlink()
    lines: list[str] = []
    with pytest.raises(InputError, match="3 of 4 pairs have problems: 3 × missing"):
        start(RECIPE, place.options(tmp_path, *STEPS, data=root), lines.append)
    assert any("image-parse-v3/00000_00.png" in line and "image-parse-agnostic-v3.2/00001_00.png" in line for line in lines)


def test_a_dresscode_tree_is_refused_by_name(place, tmp_path):
    (tmp_path / "upper_body").mkdir()
    (tmp_path / "upper_body" / "train_pairs.txt").write_text("000001_0.jpg 000001_1.jpg\n")
    with pytest.raises(InputError, match="DressCode's tree has no parse agnostic"):
        start(RECIPE, place.options(tmp_path, *STEPS, data=tmp_path), quiet)


@pytest.mark.slow
def test_a_partial_last_batch_waits_and_too_few_pairs_are_an_error(place, tmp_path):
    assert place.train(tmp_path, "loop.epochs=2", "loop.batch=3", "loop.measure_every=0") == 0
    assert len(read_table(tmp_path / "one" / LOG)) == 2
    with pytest.raises(UsageError, match="4 pairs are fewer than one step takes"):
        place.train(tmp_path / "many", *STEPS, "loop.batch=5")


@pytest.mark.slow
def test_two_processes_share_the_norms_statistics(tmp_path):
    training_tree(tmp_path / "data", pairs=4, size=(64, 64))
    wanted = ["data.height=64", "data.width=64", "data.threads=0", "loop.epochs=0", "loop.steps=2", "loop.save_every=2"]
    wanted += ["loop.draw_every=0", "loop.validate_every=0", "loop.measure_every=0"]
    given = {"data": str(tmp_path / "data"), "run": "one", "device": "cpu"}
    one = {**given, "runs": str(tmp_path / "alone"), "overrides": [*wanted, "loop.batch=4"]}
    two = {**given, "runs": str(tmp_path / "pair"), "overrides": [*wanted, "loop.batch=2"]}
    port = free_port()
    started = [run_apart("tiny_warper", two, processes=2, rank=rank, port=port) for rank in (0, 1)]
    started.append(run_apart("tiny_warper", one))
    said = [process.communicate(timeout=300)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], "\n".join(said)
    alone, pair = (checkpoints.newest(tmp_path / n / "one" / checkpoints.FOLDER).tensors("weights") for n in ("alone", "pair"))
    for encoder in (
        "garment_encoder",
        "person_encoder",
    ):  # their first norms see the pictures themselves: nothing enlarges rounding
        for kind in ("running_mean", "running_var", "num_batches_tracked"):
            name = f"{encoder}.levels.0.0.layers.0.{kind}"
            assert torch.allclose(alone[name], pair[name], rtol=1e-5, atol=1e-6), name
