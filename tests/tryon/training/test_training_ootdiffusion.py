"""Runs of a small OOTDiffusion: every arrangement, resumed to the same bits, drawn as the engine draws, exported, refused."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_ootd_training import RECIPE, WIDTHS, write_start
from training_runs import Place, differing, quiet, training_place
from training_trees import training_tree

from pipeline.core import images
from pipeline.core.engine import TryOnItem
from pipeline.core.errors import InputError, UsageError, WeightsError
from pipeline.core.labels import Category
from pipeline.core.machine.device import CPU
from pipeline.core.weights.access import adopt_converted, converted_of
from pipeline.core.weights.converted import converted_folder
from tryon.batching import Limits
from tryon.engines.ootdiffusion.checkpoint import UNET_FILE, Files, empty_network, load
from tryon.engines.ootdiffusion.drawings import drawings_of
from tryon.engines.ootdiffusion.encoding import (
    EncodedGarment,
    encoded_person,
    fit_picture,
    garment_contexts,
    pictures_of,
    prepare_person,
)
from tryon.engines.ootdiffusion.folder import VARIANTS, refuse_other_model, wiring_of
from tryon.engines.ootdiffusion.presets import BALANCED
from tryon.engines.ootdiffusion.runtime import CanvasGarment, CanvasPerson, Runtime
from tryon.engines.ootdiffusion.sampling import Batch, Denoiser, show_garment
from tryon.engines.ootdiffusion.training.config import PRESETS
from tryon.engines.ootdiffusion.training.loss import ootd_losses
from tryon.engines.ootdiffusion.training.recipe import OotdRecipe
from tryon.engines.ootdiffusion.training.said import about_lines
from tryon.engines.ootdiffusion.training.start import read_start, start_files
from tryon.engines.ootdiffusion.training.trainee import left_out
from tryon.engines.ootdiffusion.wiring import EYES
from tryon.engines.ootdiffusion.words import BEGIN, END, HALF_BODY, words_of
from tryon.networks.clip import clip_crop
from tryon.networks.pictures import picture_tensor
from tryon.networks.precision import choose_dtype
from tryon.networks.reference_attention import reference_blocks
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.vae import encode_pictures
from tryon.samplers.schedule import add_noise_each
from tryon.training import checkpoint as checkpoints
from tryon.training.data.tree import Kind, find_tree
from tryon.training.logs import runs
from tryon.training.logs.run_logs import LOG, read_table
from tryon.training.randomness import SampleDraws, seed_of
from tryon.training.session import Options, settings_of, start

QUICK = (
    *("loop.steps=2", "loop.save_every=1", "loop.measure_every=0", "loop.accumulation=1", "loop.batch=2"),
    *("ootd.draw_steps=2", "precision.recompute=false", "optimiser.name=adamw"),
)
SIZE = (64, 64)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return training_place(tmp_path_factory.mktemp("training"), RECIPE, write_start, "weights", *QUICK)


def settings(*overrides: str, preset: str = ""):
    return settings_of(RECIPE, Options(preset=preset, overrides=overrides), quiet)


def trained(folder: Path) -> dict[str, torch.Tensor]:
    found = checkpoints.newest(folder / "one" / checkpoints.FOLDER)
    assert found is not None
    return found.tensors("weights")


MOVES = {
    "joint": ("unet_garm.conv_in.weight", "unet_vton.conv_in.weight"),
    "joint-low-memory": ("unet_garm.conv_in.weight", "unet_vton.conv_in.weight"),
    "frozen-garment": ("unet_vton.conv_in.weight",),
    "frozen-garment-sd15": ("unet_vton.conv_in.weight",),
    "garment-only": ("unet_garm.conv_in.weight",),
    "attention-only": ("unet_vton.mid_block.attentions.0.transformer_blocks.0.attn1.to_k.weight",),
    "ip-adapter": ("adapter.projector.proj.weight", "adapter.to_k.0.weight"),
    "ip-adapter-decoder-only": ("adapter.projector.norm.weight", "adapter.to_v.15.weight"),
    "controlnet": ("branch.controlnet_mid_block.weight", "branch.controlnet_down_blocks.0.weight"),
    "controlnet-sobel": ("branch.controlnet_mid_block.weight",),
    "lora": ("unet_vton.mid_block.attentions.0.transformer_blocks.0.attn1.to_k.lora_B.weight",),
}
PARTS = {
    "joint": {"unet_garm", "unet_vton"},
    "joint-low-memory": {"unet_garm", "unet_vton"},
    "garment-only": {"unet_garm"},
    "ip-adapter": {"adapter"},
    "ip-adapter-decoder-only": {"adapter"},
    "controlnet": {"branch"},
    "controlnet-sobel": {"branch"},
}


LAST_BLOCK = "unet_garm.up_blocks.3.attentions.2.transformer_blocks."
TIERS = {"lora": (), "controlnet-sobel": pytest.mark.proof}
SHOWN = [pytest.param(name, marks=TIERS.get(name, pytest.mark.slow)) for name in MOVES]
"""One of them in the fast tier; of the two with a branch one among the slow ones."""


def test_every_arrangement_is_tried_here():
    assert set(MOVES) == set(PRESETS)


@pytest.mark.parametrize("arrangement", SHOWN)
def test_an_arrangement_trains_what_it_says_and_nothing_else(place, tmp_path, arrangement):
    lines: list[str] = []
    place.train(tmp_path, preset=arrangement, say=lines.append)
    after = trained(tmp_path)
    assert {name.split(".")[0] for name in after} == PARTS.get(arrangement, {"unet_vton"})
    before = RECIPE.open(place.start, settings(preset=arrangement), {}).module.network.state_dict()
    for name in MOVES[arrangement]:
        assert not torch.equal(before[name.replace("lora_B.", "lora_B.default.")], after[name]), name
    last = {name for name in after if name.startswith(LAST_BLOCK)}
    assert all(".norm1." in name for name in last) and bool(last) is (arrangement == "garment-only"), (
        "its tokens leave after the norm"
    )
    assert any(line.startswith("trained: ") for line in lines) and any("epochs" in line for line in lines)
    assert any(line.startswith("memory per process") for line in lines) and any(line.startswith("time: about") for line in lines)


SPAN = ("loop.accumulation=2", "loop.batch=1", "ootd.drop_garment=0.5")


@pytest.mark.slow
def test_killed_at_any_moment_a_run_ends_with_the_same_bits(place, tmp_path):
    chosen = [each for each in PRESETS["lora"] if each.startswith("ootd.")]
    place.straight(tmp_path / "straight", *chosen, *SPAN, "loop.steps=5")
    assert place.killed(tmp_path / "killed", *chosen, *SPAN, "loop.steps=5", kills=3) >= 1
    assert differing(tmp_path / "killed" / "one", tmp_path / "straight" / "one") == set()


OF_ITS_OWN = ("loop.steps=4", "loop.save_every=1", "loop.measure_every=0", "ootd.draw_steps=2", *SPAN)
"""Of a short run of a preset: it keeps its optimiser, what it recomputes and what it caches."""
WITHOUT_BITSANDBYTES = {"joint-low-memory": ("optimiser.name=adafactor",)}


LIGHTEST = "ip-adapter-decoder-only"


@pytest.mark.parametrize(
    "arrangement", [pytest.param(name, marks=pytest.mark.slow if name == LIGHTEST else pytest.mark.proof) for name in PRESETS]
)
def test_killed_after_three_steps_drawn_at_random_a_run_ends_with_the_same_bits(place, tmp_path, arrangement):
    steps = sorted(random.Random(arrangement).sample(range(1, 5), 3))
    own = replace(place, preset=arrangement, overrides=(*OF_ITS_OWN, *WITHOUT_BITSANDBYTES.get(arrangement, ())))
    own.straight(tmp_path / "straight")
    own.killed_at(tmp_path / "killed", steps=steps)
    assert differing(tmp_path / "killed" / "one", tmp_path / "straight" / "one") == set()


WIRINGS = {
    "published": (),
    "added": ("ootd.inputs=add",),
    "mask, after norm1, aligned": ("ootd.inputs=mask", "ootd.tokens=after", "ootd.alignment=true"),
    "adapter": ("ootd.adapter=plain", "ootd.adapter_places=decoder"),
    "adapter with CLIP-H": ("ootd.adapter=plain", "ootd.adapter_eye=clip-h"),
    "resampler with DINOv2": ("ootd.adapter=resampler", "ootd.adapter_eye=dinov2"),
    "garment and hole": ("ootd.adapter=resampler", "ootd.adapter_mask=true"),
    "resampler alone": ("ootd.adapter=resampler", "ootd.vision_only=true"),
    "skeleton beside": ("ootd.inputs=pose",),
    "branch with a skeleton": ("ootd.branch=pose", "ootd.inputs=mask"),
    "branch with edges": ("ootd.branch=sobel", "ootd.reference_timestep=same"),
    "every step": ("ootd.reference_timestep=same",),
    "middle, a cloth": ("ootd.reference_timestep=middle", "ootd.prompts=cloth"),
}


NEWER = {name for name in WIRINGS if any(word in name for word in ("skeleton", "branch", "CLIP-H", "DINOv2", "hole"))}
DRAWN = [pytest.param("joint", name, marks=pytest.mark.proof if name in NEWER else ()) for name in WIRINGS]
"""Twenty seconds each: the newer ones once in a while; what they draw from is tried in every run, just below."""


def drawn_by_the_engine(place: Place, made: Path, prompts: str) -> np.ndarray:
    """The test pair with an exported folder, all by the engine's own code."""
    pair = find_tree(place.data).pairs("test", paired=False)[0]
    image, mask = images.read_rgb(pair.files[Kind.IMAGE]), images.read_grey(pair.files[Kind.MASK]) >= 128
    sampling = replace(BALANCED, steps=2)
    files = Files(
        unets=made,
        vae=place.start / "ootdiffusion-vae" / "diffusion_pytorch_model.bin",
        clip=place.start / "clip-vit-large-patch14" / "model.safetensors",
        row="ootdiffusion-hd",
        wiring=wiring_of(made),
        eye=next((place.start / row / name for eye, (row, name) in EYES.items() if eye == wiring_of(made).adapter_eye), None),
    )
    network = load(files, choose_dtype(sampling.dtype, CPU), architecture=WIDTHS)
    runtime = Runtime(network, words_of(HALF_BODY, prompts), sampling, SIZE, Limits(CPU, 1))
    pose = images.read_rgb(pair.files[Kind.POSE]) if files.wiring.sees_pose else None
    person = CanvasPerson(prepare_person(image, mask, SIZE, pose), SIZE)
    garment = CanvasGarment(fit_picture(images.read_rgb(pair.files[Kind.CLOTH]), SIZE), Category.UPPER)
    return runtime.dress([TryOnItem(person, garment, seed_of("draw", 0))])[0].picture


@pytest.mark.slow
@pytest.mark.parametrize(("arrangement", "wiring"), [*DRAWN, ("lora", "published")])
def test_pictures_of_a_run_are_those_of_the_engine_with_the_exported_folder(place, tmp_path, arrangement, wiring):
    start_from_plain = ("ootd.try_on_from=sd15", "ootd.garment_from=sd15")
    place.train(tmp_path, "loop.draw_every=2", "loop.draw_pairs=1", *start_from_plain, *WIRINGS[wiring], preset=arrangement)
    runs.export(RECIPE, tmp_path / "one", runs.Wanted(to=tmp_path / "made"), quiet)
    drawn = drawn_by_the_engine(place, tmp_path / "made", "cloth" if "a cloth" in wiring else "published")
    sheet = images.read_rgb(tmp_path / "one" / "pictures" / "step-000000002.png")[20:276, 512:768]
    assert np.array_equal(sheet, cv2.resize(drawn, (256, 256), interpolation=cv2.INTER_AREA))
    if wiring != "published":
        with pytest.raises(UsageError, match="the published code knows no"):
            runs.export(RECIPE, tmp_path / "one", runs.Wanted(official=tmp_path / "theirs"), quiet)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (("ootd.prompts=cloth",), "prompts=cloth"),
        (("ootd.prompts=empty", "ootd.model=dc"), "prompts=empty"),
        (("ootd.prompts=cloth", "ootd.tokens=after"), "prompts=cloth, tokens=after"),
        (("ootd.reference_timestep=middle",), "reference_timestep=middle"),
    ],
)
def test_what_the_published_code_would_not_do_as_it_was_trained_is_not_exported_for_it(place, tmp_path, other, said):
    with pytest.raises(UsageError, match=f"the published code knows no {said}") as refused:
        RECIPE.export_official(place.start, settings(*other, preset="lora"), {}, tmp_path / "theirs")
    assert "--to DIR" in refused.value.remedy and not (tmp_path / "theirs").exists()


@pytest.mark.parametrize("wiring", WIRINGS)
def test_a_wiring_is_trained_as_the_engine_runs_it(place, wiring):
    own = settings(*WIRINGS[wiring], "ootd.trained=joint")
    trainee, items = RECIPE.open(place.start, own, {}), items_of(place)[:2]
    network = trainee.module.network
    wake(network)
    for group in trainee.groups().values():
        for each in group.values():
            each.requires_grad_(True)
    batch = trainee.batch(items, [SampleDraws(0, 3, item.id) for item in items], 3, 0)
    latents = replace(trainee.module.encoded(batch), dropped=torch.tensor([False, False]), timesteps=torch.tensor([321, 321]))
    loss = ootd_losses(network, latents, own["ootd"])["noise"]
    persons = [replace(encoded, known=encoded.known * 0) for encoded in encoded_persons(network, items)]
    drawings = drawings_of(network.wiring, [(item.seen_by(network.wiring), item.cloth) for item in items])
    garments = [
        EncodedGarment(
            latent=latents.garment[row : row + 1],
            context=latents.context[row : row + 1],
            other_context=other,
            picture=None if latents.features is None else latents.features[row : row + 1],
        )
        for row, other in enumerate(latents.garment_context.split(1))
    ]
    sampling, now = replace(BALANCED, guidance_scale=1.0), torch.tensor([321])
    tokens = [show_garment(network, each, guided=False, timesteps=now) for each in garments]
    denoiser = Denoiser(network, Batch(persons, garments, tokens, [], drawings), sampling, TimeTable(network))
    with torch.no_grad():
        answer = denoiser(add_noise_each(latents.image, latents.noise, latents.timesteps), 321)
    assert float(loss) == pytest.approx(float((answer - latents.noise).square().mean()), rel=1e-5)
    loss.backward()
    untouched = {name for group in trainee.groups().values() for name, each in group.items() if each.grad is None}
    assert not untouched


def wake(network) -> None:
    """Lets a branch that begins as nothing say something."""
    if network.wiring.branch != "none":
        torch.manual_seed(0)
        for part in (network.branch.controlnet_mid_block, network.branch.controlnet_cond_embedding.conv_out):
            torch.nn.init.normal_(part.weight, std=0.3)


def encoded_persons(network, items):
    for person in [item.seen_by(network.wiring) for item in items]:
        posteriors = [encode_pictures(network.vae, picture_tensor(picture)) for picture in pictures_of(person)]
        yield encoded_person(person, posteriors)


@pytest.mark.slow
def test_an_exported_folder_has_the_published_layout_and_starts_another_training(place, tmp_path):
    place.train(tmp_path, "loop.steps=1", preset="attention-only")
    made = place.start / "made"
    runs.export(RECIPE, tmp_path / "one", runs.Wanted(official=made), quiet)
    for part in ("unet_garm", "unet_vton"):
        published = load_file(place.start / "ootdiffusion-hd" / part / UNET_FILE)
        ours = load_file(made / part / UNET_FILE)
        assert {n: t.shape for n, t in published.items()} == {n: t.shape for n, t in ours.items()}
        assert json.loads((made / part / "config.json").read_text())["_class_name"] == "UNet2DConditionModel"
    refuse_other_model(made, "hd", "published")
    installed = tmp_path / "weights"
    shutil.copytree(made, converted_folder("ootdiffusion-hd", installed))
    assert adopt_converted("ootdiffusion-hd", installed) and converted_of("ootdiffusion-hd", installed)
    with pytest.raises(WeightsError, match="trained with the prompt set 'published'"):
        refuse_other_model(made, "hd", "cloth")
    with pytest.raises(UsageError, match="reads a folder"):
        runs.export(RECIPE, tmp_path / "one", runs.Wanted(official=tmp_path / "made.ckpt"), quiet)
    again = replace(place.options(tmp_path / "again", "loop.steps=1"), preset="attention-only", start=made)
    assert start(RECIPE, again, quiet) == 0


def test_the_paper_s_settings_are_the_defaults_and_joint_s():
    for found in (settings(), settings(preset="joint")):
        assert (found["loop"].steps, found["loop"].batch, found["loop"].accumulation) == (36_000, 64, 1)
        assert (found["optimiser"].learning_rate, found["optimiser"].name, found["optimiser"].weight_decay) == (
            5e-5,
            "adamw",
            0.01,
        )
        assert (found["data"].size, found["ootd"].drop_garment, found["optimiser"].warmup) == ((512, 384), 0.1, 0)
        assert not found["augment"].any


@pytest.mark.slow
def test_kept_encodings_give_the_same_losses(place, tmp_path):
    for name, cache in (("without", 0), ("kept", 4)):
        place.train(tmp_path / name, "loop.steps=3", f"ootd.cache={cache}", "ootd.trained=attention")
    losses = [[float(row["loss"]) for row in read_table(tmp_path / name / "one" / LOG)] for name in ("without", "kept")]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def items_of(place: Place):
    return [RECIPE.read(pair, SIZE) for pair in find_tree(place.data).pairs("train")]


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_so_many_garments_are_left_out_as_the_setting_says_and_each_by_itself(place, share):
    """A published test of an interval left out twice as many."""
    items, trainee = items_of(place), RECIPE.simulated(settings(f"ootd.drop_garment={share}"))[0]
    drawn = [[SampleDraws(0, step, item.id) for item in items] for step in range(100)]
    found = np.array([trainee.batch(items, each, step, 0).dropped.numpy() for step, each in enumerate(drawn)])
    assert found.mean() == pytest.approx(share, abs=0.045 if share < 0.2 else 0.1) and not (found == found[:, :1]).all()


def test_the_garment_reaches_clip_in_its_own_units_as_in_the_engine(place):
    """A published training divided by 255 twice: an almost constant picture, with a deviation of 0.14 instead of about 1."""
    items, trainee = items_of(place), RECIPE.simulated(settings())[0]
    squares = trainee.batch(items, [SampleDraws(0, 0, item.id) for item in items], 0, 0).squares
    assert float(squares.std()) > 0.5
    pair = find_tree(place.data).pairs("train")[0]
    assert torch.equal(squares[:1], clip_crop(fit_picture(images.read_rgb(pair.files[Kind.CLOTH]), SIZE)))


@pytest.mark.parametrize("size", [(64, 64), (128, 64), (192, 128)])
def test_the_hole_lies_where_the_mask_says_at_every_size(place, tmp_path, size):
    """A published training drew silhouettes with the coordinates of 1024×768 whatever the size."""
    root = training_tree(tmp_path / "data", pairs=1, size=(256, 192))
    pair = find_tree(root).pairs("train")[0]
    item = RECIPE.read(pair, size)
    mask = images.read_grey(pair.files[Kind.MASK]) >= 128
    grey = (item.person.masked == 127).all(axis=2)
    assert grey.mean() == pytest.approx(mask.mean(), abs=0.03)
    rows, columns = (np.flatnonzero(grey.any(axis=axis)) for axis in (1, 0))
    wanted_rows, wanted_columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    assert rows[0] / size[0] == pytest.approx(wanted_rows[0] / 256, abs=0.03)
    assert columns[-1] / size[1] == pytest.approx(wanted_columns[-1] / 192, abs=0.03)
    again = prepare_person(images.read_rgb(pair.files[Kind.IMAGE]), mask, size)
    assert np.array_equal(item.person.masked, again.masked) and np.array_equal(item.person.image, again.image)


def test_what_has_no_say_gets_no_gradient_and_is_not_trained(place):
    """A published training crashed on a term that gave it one."""
    trainee = RECIPE.open(place.start, settings("ootd.trained=joint"), {})
    names = {name for group in trainee.groups().values() for name in group}
    for name, each in trainee.module.network.named_parameters():
        each.requires_grad_(name.startswith("unet_"))
    items = items_of(place)[:1]
    trainee.module(trainee.batch(items, [SampleDraws(0, 0, items[0].id)], 0, 0))["loss"].backward()
    reached = {n for n, each in trainee.module.network.named_parameters() if each.grad is not None}
    assert (
        reached == names
        and len(dict(trainee.module.network.unet_garm.named_parameters())) - sum(name.startswith("unet_garm.") for name in names)
        == 26
    )


def wrong_start(place: Place, tmp_path: Path, keep: tuple[str, ...]) -> Path:
    for name in keep:
        shutil.copytree(place.start / name, tmp_path / "start" / name)
    return tmp_path / "start"


@pytest.mark.parametrize(
    ("keep", "preset", "says"),
    [
        (("sd15-unet",), "frozen-garment", "no unet_garm of OOTDiffusion; what is there is Stable Diffusion 1.5"),
        (("ootdiffusion-hd",), "joint", "no unet_garm of Stable Diffusion 1.5; what is there is OOTDiffusion"),
        (("sd15-unet",), "joint", "no VAE in it or above it"),
        (("sd15-unet", "ootdiffusion-vae"), "joint", "no CLIP"),
        (("ootdiffusion-vae", "clip-vit-large-patch14"), "lora", "no unet_garm of OOTDiffusion"),
    ],
)
def test_a_start_that_lacks_a_part_is_refused_with_what_is_there(place, tmp_path, keep, preset, says):
    with pytest.raises(WeightsError, match=says):
        RECIPE.open(wrong_start(place, tmp_path, keep), settings(preset=preset), {})


def test_four_inputs_are_widened_with_zeros_and_that_is_said(place):
    trainee = RECIPE.open(place.start, settings(preset="joint"), {})
    weight = trainee.module.network.unet_vton.conv_in.weight
    assert weight.shape[1] == 8 and not weight[:, 4:].any() and weight[:, :4].any()
    assert any("widened to 8; the new ones are zero and learn" in line for line in trainee.about)


@pytest.mark.parametrize(
    ("preset", "more", "says"),
    [
        ("garment-only", (), "4 of its 8 input channels are zero and stay so"),
        ("attention-only", ("ootd.inputs=mask",), "1 of its 9 input channels is zero and stays so"),
        ("lora", ("ootd.inputs=pose",), "4 of its 12 input channels are zero and stay so"),
        (
            "frozen-garment",
            ("ootd.inputs=mask", "ootd.try_on_from=ootd"),
            "8 input channels widened to 9; the new one is zero and learns",
        ),
        ("joint", ("ootd.inputs=add",), ""),
        ("lora", (), ""),
    ],
)
def test_inputs_of_zeros_are_said_to_learn_only_where_they_do(place, preset, more, says):
    about = RECIPE.open(place.start, settings(*more, preset=preset), {}).about
    assert [line for line in about if "zero" in line] == [line for line in about if says and says in line]
    assert not says or any(says in line for line in about)


def test_a_frozen_plain_garment_unet_comes_with_a_warning_that_explains_it():
    said = {name: " ".join(about_lines(settings(preset=name))) for name in PRESETS}
    assert {name for name, text in said.items() if "spread over everything" in text} == {"frozen-garment-sd15"}


@pytest.mark.slow
def test_a_pair_without_a_companion_is_named_and_left_out_only_when_asked_for(place, tmp_path):
    root = training_tree(tmp_path / "data", pairs=3, size=(64, 64))
    (root / "train" / "agnostic-mask" / "00001_00_mask.png").unlink()
    lines: list[str] = []
    wanted = replace(place.options(tmp_path, "loop.steps=1", "loop.batch=1"), data=root, preset="attention-only")
    with pytest.raises(InputError, match="1 of 3 pairs have problems: 1 × missing"):
        start(RECIPE, wanted, lines.append)
    assert any("00001_00_mask.png" in line and "--skip-incomplete" in line for line in lines)
    assert start(RECIPE, replace(wanted, skip_incomplete=True), quiet) == 0
    (root / "train" / "cloth" / "00000_00.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match="1 × unreadable"):
        start(RECIPE, replace(wanted, skip_incomplete=True), quiet)


def test_a_list_with_a_test_person_or_without_pairs_is_refused(place, tmp_path):
    root = training_tree(tmp_path / "data", pairs=2, size=(64, 64))
    (root / "test_pairs.txt").write_text("00000_00.jpg 00000_00.jpg\n", "utf-8")
    wanted = replace(place.options(tmp_path, "loop.steps=1", "loop.batch=1"), data=root)
    with pytest.raises(InputError, match="1 × test person"):
        start(RECIPE, replace(wanted, skip_incomplete=True), quiet)
    (root / "train_pairs.txt").write_text("", "utf-8")
    with pytest.raises(UsageError, match="no training pairs"):
        start(RECIPE, wanted, quiet)


@pytest.mark.slow
def test_other_start_weights_are_refused_when_a_run_goes_on(place, tmp_path):
    other = tmp_path / "weights"
    shutil.copytree(place.start, other)
    place.train(tmp_path, "loop.steps=1", "ootd.trained=attention", start=other)
    path = other / "sd15-unet" / UNET_FILE
    save_file({name: each + 1 for name, each in load_file(path).items()}, path)
    with pytest.raises(UsageError, match="start: '"):
        place.train(tmp_path, "loop.steps=2", "ootd.trained=attention", start=other)


@pytest.mark.parametrize("prompts", ["published", "cloth", "empty"])
@pytest.mark.parametrize("model", ["hd", "dc"])
def test_both_unets_are_told_in_training_what_the_engine_tells_them(place, model, prompts):
    own = settings(f"ootd.model={model}", f"ootd.prompts={prompts}", "ootd.trained=attention")
    trainee, items = RECIPE.open(place.start, own, {}), items_of(place)
    batch = trainee.batch(items, [SampleDraws(0, 0, item.id) for item in items], 0, 0)
    network, words = trainee.module.network, words_of(VARIANTS[model].words, prompts)
    engine = garment_contexts(network, words, [(item.cloth, item.category) for item in items])
    latents = trainee.module.encoded(batch)
    assert torch.equal(latents.context, torch.cat([context for context, _ in engine]))
    garment = [context if other is None else other for context, other in engine]
    assert torch.equal(latents.garment_context, torch.cat(garment))
    _, make = RECIPE.simulated(own)
    assert make(4).words.shape == batch.words.shape and make(4).garment_words.shape == batch.garment_words.shape


@pytest.mark.parametrize(
    "override",
    [
        *("ootd.trained=adapter", "ootd.vision_only=true", "ootd.trained=branch", "ootd.drop_adapter=0.1"),
        *("ootd.adapter_eye=dinov2", "ootd.adapter_mask=true"),
    ],
)
def test_an_adapter_or_branch_that_is_not_there_or_leaves_places_blind_is_refused(override):
    with pytest.raises(UsageError, match=r"adapter|branch"):
        settings(override)


@pytest.mark.parametrize(
    ("preset", "part", "name"),
    [
        ("controlnet", "branch.", "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"),
        ("controlnet-sobel", "branch.", "conv_in.weight"),
        ("ip-adapter", "", "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"),
    ],
)
def test_a_new_part_copies_what_another_run_has_trained_and_not_that_run_s_start(place, preset, part, name):
    own = settings(preset=preset)
    before = RECIPE.open(place.start, own, {}).module.network.state_dict()[f"unet_vton.{name}"]
    network = RECIPE.open(place.start, own, {f"unet_vton.{name}": before + 1}).module.network
    copy = network.state_dict()[f"{part}{name}" if part else "adapter.to_k.6.weight"]
    assert torch.equal(copy, before + 1)


@pytest.mark.parametrize(
    ("theirs", "ours", "says"),
    [
        (("ootd.inputs=pose",), (), r"unet_vton\.conv_in"),
        (("ootd.branch=pose",), (), r"\(branch\)"),
        (("ootd.adapter=plain",), ("ootd.adapter=resampler",), r"\(adapter\)"),
    ],
)
def test_a_run_with_other_inputs_or_parts_is_no_start_and_the_part_is_named(place, theirs, ours, says):
    network = empty_network(WIDTHS, wiring=settings(*theirs)["ootd"].wiring)
    parts = ("unet_vton.conv_in.weight", "branch.", "adapter.projector.")
    run = {name: each for name, each in network.state_dict().items() if name.startswith(parts)}
    with pytest.raises(UsageError, match=says):
        read_start(place.start, settings(*ours)["ootd"], WIDTHS, trained=run)


def test_an_adapter_s_text_picture_or_both_are_left_out_as_often_as_said():
    drawn = np.array([left_out(0.05, 0, step, "pair") for step in range(2000)])
    text, picture = drawn.T
    for found, share in ((text & ~picture, 0.05), (picture & ~text, 0.05), (text & picture, 0.05), (~text & ~picture, 0.85)):
        assert found.mean() == pytest.approx(share, abs=0.02)
    assert not np.array([left_out(0.0, 0, step, "pair") for step in range(20)]).any()


@pytest.mark.parametrize("model", ["hd", "dc"])
def test_what_is_left_out_is_the_empty_text_without_vector_and_zeros(place, model):
    own = settings(f"ootd.model={model}", preset="ip-adapter")
    trainee, items = RECIPE.open(place.start, own, {}), items_of(place)
    batch = trainee.validation_batch(items, 500)
    pattern = {
        "without_text": torch.tensor([True, False, True, False]),
        "without_picture": torch.tensor([True, True, False, False]),
    }
    whole, without = trainee.module.encoded(batch), trainee.module.encoded(replace(batch, **pattern))
    network, length = trainee.module.network, whole.context.shape[1]
    empty = network.context(torch.tensor([[BEGIN] + [END] * (length - 1)]), batch.squares, "left out")
    assert torch.equal(without.context[0], empty[0]) and torch.equal(without.context[2], empty[0])
    assert torch.equal(without.context[1::2], whole.context[1::2]) and torch.equal(without.garment_context, whole.garment_context)
    assert not without.features[:2].any() and torch.equal(without.features[2:], whole.features[2:])


@pytest.mark.parametrize(("eye", "row"), [("clip-h", "ip-adapter-image-encoder"), ("dinov2", "dinov2-vitb14")])
def test_an_eye_that_is_not_there_or_another_network_is_told_with_the_command_that_brings_it(place, tmp_path, eye, row):
    start = shutil.copytree(place.start, tmp_path / "weights")
    own = settings("ootd.adapter=plain", f"ootd.adapter_eye={eye}", "ootd.trained=adapter")["ootd"]
    assert any(row in str(path) for path in start_files(start, own))
    (file,) = (start / row).iterdir()
    torch.save({"blocks.0.foreign": torch.ones(1)}, file) if eye == "dinov2" else save_file({"foreign": torch.ones(1)}, file)
    with pytest.raises(WeightsError, match=file.name):
        read_start(start, own, WIDTHS)
    file.unlink()
    with pytest.raises(WeightsError, match=f"no {eye} for the adapter") as found:
        read_start(start, own, WIDTHS)
    assert found.value.remedy == f"python run.py weights pull {row}"


def test_an_adapter_that_sees_the_hole_answers_another_hole_differently_and_one_that_does_not_alike(place):
    answers = {}
    for sees in ("true", "false"):
        own = settings("ootd.adapter=resampler", f"ootd.adapter_mask={sees}", "ootd.trained=adapter")
        trainee, items = RECIPE.open(place.start, own, {}), items_of(place)[:1]
        whole = trainee.module.encoded(trainee.validation_batch(items, 500))
        with torch.no_grad():
            given = [whole, replace(whole, repaint=whole.repaint.flip(2))]
            answers[sees] = [float(ootd_losses(trainee.module.network, each, own["ootd"])["noise"]) for each in given]
    assert answers["true"][0] != answers["true"][1] and answers["false"][0] == answers["false"][1]


def test_a_new_adapter_begins_with_the_projections_for_text(place):
    network = RECIPE.open(place.start, settings(preset="ip-adapter"), {}).module.network
    blocks = reference_blocks(network.unet_vton)
    for number, block in enumerate(blocks):
        assert torch.equal(network.adapter.to_k[str(number)].weight, block.attn2.to_k.weight)
        assert torch.equal(network.adapter.to_v[str(number)].weight, block.attn2.to_v.weight)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arrangement", "values"),
    [
        ("joint", 859_532_484 + 859_520_964 - 2_455_044),
        ("attention-only", 49_574_080),
        ("ip-adapter", 21_533_184),
        ("controlnet", 361_279_120 + 11_520),
    ],
)
def test_so_many_values_are_trained_at_full_size(arrangement, values):
    """49,574,080 is CatVTON's count; the published adapter's and ControlNet's widths are the same, but for the inputs."""
    groups = OotdRecipe().simulated(settings(preset=arrangement))[0].groups()
    assert sum(each.numel() for group in groups.values() for each in group.values()) == values
