"""Runs of VITON-HD's three networks, small: resumed to the same bits, exported as the engines load them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_viton_hd import TINY
from tiny_viton_hd_training import RECIPES, VARIANTS, write_start
from training_runs import Place, differing, quiet
from training_trees import training_tree

from pipeline.core import images
from pipeline.core.errors import ConfigError, InputError, UsageError, WeightsError
from tryon.engines.viton_hd.checkpoint import load_generator, load_segmenter, load_warper
from tryon.engines.viton_hd.labels import group_of, worn_class
from tryon.engines.viton_hd.training import placed_tree
from tryon.engines.viton_hd.training.files import read_network
from tryon.engines.viton_hd.training.spectral import folded
from tryon.engines.viton_hd.training.trainees import network_state
from tryon.training import checkpoint as checkpoints
from tryon.training.data.tree import find_tree
from tryon.training.logs import runs
from tryon.training.logs.run_logs import LOG, VALIDATION, read_table
from tryon.training.memory import plan_memory
from tryon.training.session import Options, settings_of, start

LOADERS = {"seg": load_segmenter, "gmm": load_warper, "alias": load_generator}
STEPS = ("loop.epochs=0", "loop.steps=3", "loop.save_every=1", "loop.measure_every=0")
STAGES = tuple(RECIPES)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """Four pairs, with bent garments in both splits."""
    root = tmp_path_factory.mktemp("viton-hd")
    data = training_tree(root / "data", size=(64, 64))
    patch = pytest.MonkeyPatch()
    patch.setattr(placed_tree, "ARCHITECTURES", {"viton_hd_gmm": TINY})
    file = write_start("gmm", root / "gmm_final.pth")
    assert placed_tree.place_tree(data, "train", file, quiet) and placed_tree.place_tree(data, "test", file, quiet)
    patch.undo()
    return data


def place_of(stage: str, data: Path, *overrides: str) -> Place:
    return Place(RECIPES[stage], data, None, overrides)


@pytest.fixture(scope="module", params=STAGES)
def trained(request, tree, tmp_path_factory) -> tuple[str, Path]:
    """A run with a sheet and validation."""
    folder = tmp_path_factory.mktemp(request.param)
    more = ("loop.steps=1", "loop.draw_every=1", "loop.validate_every=1", "loop.draw_pairs=1")
    with torch.enable_grad():
        assert place_of(request.param, tree).train(folder, *STEPS, *more) == 0
    return request.param, folder / "one"


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_any_moment_a_run_ends_with_the_same_bits(stage, tree, tmp_path):
    """Two optimisers, running statistics, spectral vectors and what is left out at random are part of it."""
    place = place_of(stage, tree)
    batch = ("loop.batch=2",) if stage == "gmm" else ("loop.batch=1", "loop.accumulation=2")  # its norms want more than one place
    wanted = (*STEPS, *batch, "loop.validate_every=2")
    place.straight(tmp_path / "straight", *wanted)
    assert place.killed(tmp_path / "killed", *wanted, kills=2) >= 1
    assert differing(tmp_path / "killed" / "one", tmp_path / "straight" / "one") == set()


@pytest.mark.slow
def test_every_weight_moves_and_both_turns_are_written_down(trained, tree):
    stage, folder = trained
    newest = checkpoints.newest(folder / checkpoints.FOLDER)
    after, row = newest.tensors("weights"), read_table(folder / LOG)[-1]
    before = RECIPES[stage].open(None, settings(stage), {}).module.state_dict()
    still = {name for name, tensor in after.items() if torch.equal(tensor, before[name])}
    assert not {name for name in still if "bias" not in name and "noise_scale" not in name}, still
    names = {name.partition(".")[0] for name in newest.tensors("optimiser")}
    if stage == "gmm":
        assert names == {"network"} and {"cloth", "constraint"} <= row.keys()
    else:
        assert names == {"network", "discriminator"}
        assert (float(row["rate"]), float(row["discriminator_rate"])) == (1e-4, 4e-4)
        assert {"adversarial", "discriminator_made", "discriminator_real", "discriminator_gradient"} <= row.keys()
    assert float(read_table(folder / VALIDATION)[-1]["t50"]) > 0


@pytest.mark.slow
def test_an_exported_file_is_what_the_engine_loads_and_the_sheet_shows(trained, tree, tmp_path):
    stage, folder = trained
    recipe = RECIPES[stage]
    runs.export(recipe, folder, runs.Wanted(to=tmp_path / "made", official=tmp_path / "net_G.pth"), quiet)
    runs.export(recipe, folder, runs.Wanted(official=tmp_path / "average.pth", average=True), quiet)
    loaded = LOADERS[stage](tmp_path / "made" / f"{stage}_final.pth", torch.float32, TINY).state_dict()
    trained_weights = checkpoints.newest(folder / checkpoints.FOLDER).tensors("weights")
    for name, tensor in folded(network_state(trained_weights)).items():
        torch.testing.assert_close(loaded[name], tensor, rtol=1e-6, atol=1e-7)  # sums in another order
    assert LOADERS[stage](tmp_path / "average.pth", torch.float32, TINY) is not None
    with pytest.raises(WeightsError, match="exists already"):
        runs.export(recipe, folder, runs.Wanted(to=tmp_path / "made"), quiet)
    item = recipe.read(find_tree(tree).pairs("test")[0], (64, 64))
    trainee = recipe.open(tmp_path / "net_G.pth", settings(stage), {})
    (drawn,) = trainee.draw({}, [item], checkpoints_seed())
    sheet = images.read_rgb(folder / "pictures" / "step-000000001.png")[20:276, 512:768]
    assert np.abs(sheet[2::4, 2::4].astype(int) - drawn).max() <= 1  # enlarged four times


def checkpoints_seed() -> int:
    from tryon.training.randomness import seed_of

    return seed_of("draw", 0)


def settings(stage: str, *overrides: str, preset: str = ""):
    return settings_of(RECIPES[stage], Options(preset=preset, overrides=overrides), quiet)


@pytest.mark.parametrize(("given", "wanted"), [("seg", "alias"), ("alias", "gmm"), ("gmm", "seg")])
def test_weights_of_another_network_are_refused_by_its_name(given, wanted, tmp_path):
    """The kinds are told apart by shapes that the small networks share with the whole ones."""
    file = write_start(given, tmp_path / "final.pth")
    with pytest.raises(WeightsError, match=r"final\.pth: (this is|not a checkpoint of)"):
        read_network(file, wanted, VARIANTS["official"])


def test_a_run_of_another_stage_is_no_start(trained_seg, tree, tmp_path):
    with pytest.raises(UsageError, match="a run of viton-hd-seg, whose weights viton-hd-alias has no place for"):
        place_of("alias", tree).train(tmp_path, *STEPS, start=trained_seg)


@pytest.fixture
def trained_seg(tmp_path) -> Path:
    folder = tmp_path / "seg-run"
    folder.mkdir()
    (folder / "run.json").write_text('{"engine": "viton-hd-seg", "start": "", "vae": ""}', "utf-8")
    return folder


def test_the_other_variants_weights_are_refused(tmp_path):
    file = write_start("seg", tmp_path / "seg.pth", "gs")
    with pytest.raises(WeightsError, match="GS-VITON's segmentation network"):
        RECIPES["seg"].open(file, settings("seg"), {})
    assert RECIPES["seg"].open(file, settings("seg", preset="gs"), {}) is not None


@pytest.mark.parametrize("stage", ["seg", "alias"])
def test_as_published_what_the_discriminator_says_changes_no_network(stage, tree):
    """The seed's experiments with its weight and with real labels could therefore not differ; as meant it arrives."""
    items = [RECIPES[stage].read(pair, (64, 64)) for pair in find_tree(tree).pairs("train")[:1]]
    for preset, arrives in (("seed-as-published", False), ("gs", True)):
        trainee = RECIPES[stage].open(None, settings(stage, preset=preset), {})
        batch = trainee.batch(items, [], 0, 0) if stage == "seg" else trainee.validation_batch(items, 50)
        parts = trainee.module(batch)
        assert parts["adversarial"].requires_grad is arrives
        assert ("features" in parts) is (stage == "alias" and arrives)


def test_the_seeds_runs_differ_in_one_thing_each():
    third, fourth, fifth = (settings("alias", preset=f"seed-{number}")["viton_hd"] for number in (3, 4, 5))
    assert (third.feature_matching, fifth.feature_matching) == (5, 10)
    assert third.model_copy(update={"generator_aims": "made"}) == fourth
    assert third.model_copy(update={"feature_matching": 10.0}) == fifth
    assert not fifth.published_faults and fifth.variant == "gs"


def test_the_published_schedule_is_the_default():
    for stage, rate in (("seg", 1e-4), ("gmm", 2e-4), ("alias", 1e-4)):
        found = settings(stage)
        loop, optimiser = found["loop"], found["optimiser"]
        assert (loop.epochs, loop.batch, loop.ema_decay) == (200, 8, 0)
        assert (optimiser.constant_epochs, optimiser.decay_epochs, optimiser.learning_rate) == (50, 150, rate)
        assert optimiser.weight_decay == 0 and not found["augment"].any


def test_the_seeds_flags_are_understood():
    made, lines = RECIPES["alias"].translate(["--name", "run", "--niter", "30", "--niter_decay", "10"])
    found = settings("alias", *made)
    assert (found["optimiser"].constant_epochs, found["optimiser"].decay_epochs, found["loop"].epochs) == (30, 10, 40)
    assert len(lines) == 3


def test_to_go_on_with_a_run_that_never_began_is_an_error(tree, tmp_path):
    with pytest.raises(UsageError, match=r"--continue: .*one is no run"):
        place_of("seg", tree).train(tmp_path, *STEPS, resume=True)


def test_offsets_are_never_trained_in_sixteen_bits():
    with pytest.raises(ConfigError, match="numbers"):
        settings("gmm", "precision.numbers=bf16")


@pytest.mark.parametrize("stage", STAGES)
def test_a_plan_counts_network_and_discriminator(stage):
    plan = plan_memory(RECIPES[stage], settings(stage), 2)
    assert set(plan.groups) == {"network", "discriminator"} - ({"discriminator"} if stage == "gmm" else set())
    assert plan.step > 1e6


@pytest.mark.parametrize("option", ["viton_hd.spectral_norm=true", "viton_hd.r1=10"])
def test_the_modern_options_reach_the_discriminator(option, tree):
    trainee = RECIPES["seg"].open(None, settings("seg", option), {})
    items = [RECIPES["seg"].read(pair, (64, 64)) for pair in find_tree(tree).pairs("train")[:1]]
    parts = trainee.module(trainee.validation_batch(items, 50), "discriminator")
    parts["loss"].backward()
    assert ("r1" in parts) is ("r1" in option)
    vectors = [name for name in trainee.buffers() if name.startswith("discriminator.")]
    assert bool(vectors) is ("spectral_norm" in option)


def test_a_batch_is_what_the_engine_shows_its_networks(tree):
    """The generator's batch from the files of prepare is the engine's own, up to the 8 bits of its stages."""
    items = [RECIPES["alias"].read(pair, (64, 64)) for pair in find_tree(tree).pairs("train")]
    trainee = RECIPES["alias"].open(None, settings("alias"), {})
    together = trainee.validation_batch(items, 50)
    for number, item in enumerate(items):
        alone = trainee.validation_batch([item], 50)
        for name in ("shown", "groups", "divided", "misaligned", "image"):
            assert torch.equal(getattr(together, name)[number], getattr(alone, name)[0]), name
    upper = together.groups[:, 2:3]
    torch.testing.assert_close(together.divided[:, 2:3] + together.divided[:, 7:], upper)
    assert (together.misaligned <= upper).all()


def test_bent_garments_are_made_once_and_another_network_is_refused(tree, tmp_path):
    lines: list[str] = []
    folder = training_tree(tmp_path / "data", pairs=2, size=(64, 64))
    with pytest.raises(WeightsError):
        placed_tree.place_tree(folder, "train", write_start("seg", tmp_path / "seg.pth"), quiet)
    (folder / "train" / "openpose_img" / "00001_00_rendered.png").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placed_tree, "ARCHITECTURES", {"viton_hd_gmm": TINY})
        file = write_start("gmm", tmp_path / "gmm_final.pth")
        assert not placed_tree.place_tree(folder, "train", tmp_path, lines.append)
        assert (folder / "train" / "warped_cloth" / "00000_00.png").is_file()
        assert not placed_tree.place_tree(folder, "train", file, lines.append)
    assert "1 garments bent, 0 were there" in lines[0] and "00001_00_rendered.png" in lines[1]
    assert "0 garments bent, 1 were there" in lines[2]


def test_without_bent_garments_the_generators_training_says_what_makes_them(tmp_path):
    data = training_tree(tmp_path / "data", pairs=2, size=(64, 64))
    lines: list[str] = []
    with pytest.raises(InputError, match="2 × no bent garment"):
        start(RECIPES["alias"], place_of("alias", data).options(tmp_path, *STEPS, start=None), lines.append)
    assert any("train prepare viton-hd" in line for line in lines)


def test_a_garment_of_another_name_is_found_by_the_list(tmp_path):
    """The seed's lists pair a person's picture with the garment's own name."""
    data = training_tree(tmp_path / "data", pairs=1, size=(64, 64))
    for folder in ("cloth", "cloth-mask"):
        (data / "train" / folder / "00000_00.jpg").rename(data / "train" / folder / "shirt.jpg")
    (data / "train_pairs.txt").write_text("00000_00.jpg shirt.jpg\n", "utf-8")
    (pair,) = find_tree(data).pairs("train")
    assert pair.garment == "shirt.jpg" and not {"garment", "cloth mask"} & {str(kind) for kind in pair.missing}


def test_a_spline_that_dressing_asked_for_first_can_be_trained_through():
    from tryon.engines.viton_hd.spline import grid_of, spline_matrix

    spline_matrix.cache_clear()
    with torch.inference_mode():
        grid_of(torch.zeros(1, 50), (8, 6))
    theta = torch.zeros(1, 50, requires_grad=True)
    grid_of(theta, (8, 6)).sum().backward()
    assert theta.grad is not None


@pytest.mark.parametrize("asked_first", [torch.inference_mode(), torch.device("meta")], ids=["dressing", "planning"])
def test_matrices_that_are_kept_serve_whoever_asks_next(asked_first):
    """Of spline and smoothing alike: dressing calculates without gradients, a plan of memory without numbers."""
    from tryon.engines.viton_hd.smoothing import axis_matrix, enlarged_scores
    from tryon.engines.viton_hd.spline import grid_of, spline_matrix

    spline_matrix.cache_clear(), axis_matrix.cache_clear()
    cpu = torch.device("cpu")
    with asked_first:
        spline_matrix((8, 6), cpu), axis_matrix(4, 8, cpu), axis_matrix(3, 6, cpu)
    theta, scores = torch.zeros(1, 50, requires_grad=True), torch.zeros(1, 2, 4, 3, requires_grad=True)
    (grid_of(theta, (8, 6)).sum() + enlarged_scores(scores, (8, 6)).sum()).backward()
    assert theta.grad is not None and scores.grad is not None


def test_lower_garments_have_a_class_and_groups_of_their_own():
    """The seed's fourth answer: masks, the warp's place and the generator's label move from upper to lower."""
    assert (worn_class(False), worn_class(True)) == (3, 4)
    upper, lower = group_of(False), group_of(True)
    assert upper[3] == lower[4] == 2  # the group that is exchanged
    assert lower[3] == lower[5] == lower[6] == 1 and upper[4] == upper[7] == 1  # what is pasted back
    assert (lower[7], lower[8]) == (upper[5], upper[6]) == (4, 5)  # legs stand where arms stood


def test_a_training_of_lower_garments_bends_them_to_where_they_are_worn(tree):
    items = [RECIPES["gmm"].read(pair, (64, 64)) for pair in find_tree(tree).pairs("train")[:1]]
    parse = items[0].files.parse.copy()
    parse[parse == 5] = 9
    items = [replace(items[0], files=replace(items[0].files, parse=parse))]
    upper, lower = (RECIPES["gmm"].open(None, settings("gmm", f"viton_hd.category={word}"), {}) for word in ("upper", "lower"))
    assert not upper.batch(items, (), 0, 0).worn.any() and lower.batch(items, (), 0, 0).worn.any()
    assert lower.batch(items, (), 0, 0).person[:, 0].sum() > 0
