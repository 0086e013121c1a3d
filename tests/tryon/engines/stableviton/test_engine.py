"""The engine behind its protocol: a real file of the tiny network, real artefacts on disk, batches, fallbacks."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from benchmarks.live_memory import counted
from pipeline.cli.weights import app
from pipeline.core import images
from pipeline.core.engine import GarmentInputs, PersonInputs, TryOnItem
from pipeline.core.errors import InputError, UsageError, WeightsError
from pipeline.core.items import Garment, Person
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC, AGNOSTIC_MASK, ATTENTION, CLOTH, DENSEPOSE, IMAGE, Layout
from pipeline.core.machine.device import CPU, Device
from pipeline.core.step import Context
from tryon.batching import Limits
from tryon.engines.stableviton import engine as engines
from tryon.engines.stableviton import runtime as runtimes
from tryon.engines.stableviton import sampling
from tryon.engines.stableviton.architecture import CALL_BYTES_PER_PIXEL, PARAMETERS
from tryon.engines.stableviton.config import StableVITONConfig, sampling_config
from tryon.engines.stableviton.engine import SiftVTON, StableVITON, StableVITON1024
from tryon.engines.stableviton.folder import Loaded
from tryon.engines.stableviton.presets import PRESETS, Start
from tryon.engines.stableviton.runtime import Runtime
from tryon.engines.stableviton.variants import STABLEVITON, VARIANTS
from tryon.networks import precision, vae

pytestmark = pytest.mark.slow

CANVAS, SIZE = (256, 192), (128, 64)
HALF_PRECISION_SIZE = (128, 128)
"""Where the coarsest grid is 2 wide, oneDNN's strided bf16 convolution errs at random on processors with matrix tiles."""
ANN, COAT = Person("ann", "inputs:person/ann.jpg"), Garment("coat", "inputs:cloth/upper/coat.jpg")
FAST = replace(PRESETS["fast"], dtype="fp32", steps=2)


@pytest.fixture
def layout(tmp_path):
    """A canvas tree with one person and one garment."""
    layout = Layout(outputs=tmp_path)
    random = np.random.default_rng(0)
    picture = lambda: random.integers(0, 256, (*CANVAS, 3), dtype=np.uint8)  # noqa: E731
    mask = np.zeros(CANVAS, bool)
    mask[60:200, 40:150] = True
    upper = Category.UPPER
    for ref, content in {
        IMAGE.of(ANN.id): images.jpeg(picture()),
        AGNOSTIC.of(ANN.id, upper): images.png(picture()),
        AGNOSTIC_MASK.of(ANN.id, upper): images.mask_png(mask),
        DENSEPOSE.of(ANN.id): images.png(picture()),
        CLOTH.of(COAT.id): images.jpeg(picture()),
    }.items():
        layout.path(ref).parent.mkdir(parents=True, exist_ok=True)
        layout.path(ref).write_bytes(content)
    return layout


def runtime(network, config=FAST, batch_size=1, attention=False, size=SIZE):
    return Runtime(Loaded(network, STABLEVITON, "test"), config, size, Limits(CPU, batch_size), attention)


def items(runtime, layout, seeds):
    person = runtime.encode_person(PersonInputs(ANN, Category.UPPER, layout))
    garment = runtime.encode_garment(GarmentInputs(COAT, layout))
    return [TryOnItem(person, garment, seed) for seed in seeds]


def test_results_have_the_canvas_size_and_follow_their_seed(random_network, layout):
    engine = runtime(random_network, batch_size=3)
    first, second, again = (each.picture for each in engine.dress(items(engine, layout, [1, 2, 1])))
    assert first.shape == (*CANVAS, 3) and first.dtype == np.uint8
    assert np.abs(first.astype(int) - again).max() <= 1
    assert np.abs(first.astype(int) - second).max() > 1


def test_a_small_batch_makes_the_same_pictures_as_a_big_one(random_network, layout):
    one, three = runtime(random_network), runtime(random_network, batch_size=3)
    single = one.dress(items(one, layout, [1, 2, 3]))
    together = three.dress(items(three, layout, [1, 2, 3]))
    for ours, theirs in zip(single, together, strict=True):
        assert np.abs(ours.picture.astype(int) - theirs.picture).max() <= 1


def test_the_photo_is_encoded_only_for_a_start_code_made_of_it(random_network, layout):
    agnostic, person = runtime(random_network), runtime(random_network, replace(FAST, start=Start.PERSON))
    for engine, encoded in ((agnostic, False), (person, True)):
        pair = items(engine, layout, [1])
        assert engine.dress(pair)[0].picture.shape == (*CANVAS, 3)
        assert (pair[0].person.encoded.image is not None) == encoded


def test_an_overflow_in_half_precision_is_made_again_in_full(random_network, layout, monkeypatch):
    network = random_network.to(torch.bfloat16)
    original, seen = sampling.sample, []

    def overflowing(net, *rest):
        seen.append(net.dtype)
        latents = original(net, *rest)
        return latents * torch.nan if net.dtype == torch.bfloat16 else latents

    monkeypatch.setattr(sampling, "sample", overflowing)
    engine = runtime(network, size=HALF_PRECISION_SIZE)
    picture = engine.dress(items(engine, layout, [1]))[0].picture
    assert seen == [torch.bfloat16, torch.float32]
    assert picture.std() > 1
    assert network.dtype == torch.bfloat16
    network.to(torch.float32)


def test_a_vae_that_overflows_becomes_fp32_once_and_leaves_the_rest_alone(random_network, layout, monkeypatch, caplog):
    network = random_network.to(torch.bfloat16)
    original = vae.decode_latents
    black = lambda net, latents: original(net, latents) * 0 - 1 if net.dtype == torch.bfloat16 else original(net, latents)  # noqa: E731
    monkeypatch.setattr(vae, "decode_latents", black)
    engine = runtime(network, size=HALF_PRECISION_SIZE)
    weight = network.unet.time_embedding.linear_1.bias.data_ptr()
    for seed in (1, 2):
        assert engine.dress(items(engine, layout, [seed]))[0].picture.std() > 1
    assert len([record for record in caplog.records if "stays in fp32" in record.getMessage()]) == 1
    assert (network.dtype, network.vae.dtype) == (torch.bfloat16, torch.float32)
    assert network.unet.time_embedding.linear_1.bias.data_ptr() == weight
    network.to(torch.float32)


def test_what_fp32_cannot_sample_is_sampled_once(random_network, layout, monkeypatch):
    original, seen = sampling.sample, []
    monkeypatch.setattr(sampling, "sample", lambda net, *rest: seen.append(net.dtype) or original(net, *rest) * torch.nan)
    engine = runtime(random_network.to(torch.float32))
    assert engine.dress(items(engine, layout, [1]))[0].picture.max() == 0
    assert seen == [torch.float32]


def test_every_part_of_a_batch_goes_through_the_vae_once_and_halves_where_the_memory_is_full(random_network, layout, monkeypatch):
    tried, original = [], runtimes.encode_all

    def encode(net, pictures):
        tried.append(len(pictures))
        if len(pictures) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(net, pictures)

    monkeypatch.setattr(runtimes, "encode_all", encode)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2**30, 2**30))
    fake_gpu = Limits(Device("cpu", "cuda"), 4)
    engine = Runtime(Loaded(random_network, STABLEVITON, "test"), FAST, SIZE, fake_gpu)
    pairs = items(engine, layout, [1]) + items(engine, layout, [2])
    first = engine.dress(pairs)
    assert tried == [4, 2, 2, 2]  # two persons' two pictures each, then two garments
    assert len(engine.dress(pairs)) == 2 and tried == [4, 2, 2, 2]
    alone = runtime(random_network)
    assert np.abs(first[0].picture.astype(int) - alone.dress(items(alone, layout, [1]))[0].picture).max() <= 1


def test_attention_pictures_show_three_panels(random_network, layout):
    engine = runtime(random_network, attention=True)
    dressed = engine.dress(items(engine, layout, [1]))[0]
    assert dressed.extra[ATTENTION].shape == (SIZE[0], 3 * SIZE[1], 3)
    assert np.abs(dressed.picture.astype(int) - runtime(random_network).dress(items(engine, layout, [1]))[0].picture).max() <= 1


def test_a_variant_that_knows_one_size_refuses_others(random_network):
    sift = next(variant for variant in VARIANTS if variant.name == "sift_vton")
    with pytest.raises(InputError, match="sift_vton works at"):
        Runtime(Loaded(random_network, sift, "test"), FAST, SIZE, Limits(CPU))


def test_the_recipe_says_what_a_presets_name_does_not(random_network, layout):
    engine = StableVITON(StableVITONConfig(preset="fast", steps=2, dtype="fp32", height=128, width=64), Context(layout))
    engine._runtime = runtime(random_network, sampling_config(engine.config, "balanced"))
    recipe = engine.describe()
    assert json.loads(json.dumps(recipe)) == recipe
    expected = {
        "solver": "unipc",
        "steps": 2,
        "dtype": "float32",
        "start": "agnostic",
        "size": [128, 64],
        "variant": "stableviton",
    }
    assert recipe.items() >= expected.items()
    assert {"batch_size", "compile"}.isdisjoint(engine.config.model_dump())


@pytest.mark.parametrize(
    "engine, settings, gigabytes, expected",
    [
        (StableVITON, {}, 80, 32),
        (StableVITON, {}, 6, 16),  # (0.8 · 6 − 3.24) GB, 94 MB each
        (StableVITON, {"guidance_scale": 1.5}, 6, 8),
        (StableVITON, {"dtype": "fp32"}, 12, 16),
        (StableVITON1024, {}, 8, 8),
        (StableVITON1024, {}, 2, 1),
        (StableVITON1024, {"batch_size": 5}, 2, 5),
    ],
)
def test_the_batch_follows_from_free_memory_and_size(layout, monkeypatch, engine, settings, gigabytes, expected):
    monkeypatch.setattr(engines, "choose_device", lambda name: Device("cuda:0", "cuda", supports_bf16=True))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (gigabytes * 10**9, 80 * 10**9))
    assert engine(StableVITONConfig(**settings), Context(layout)).batch_size == expected


def test_a_cpu_makes_one_picture_at_a_time_unless_asked_otherwise(layout):
    context = Context(layout, device="cpu")
    assert StableVITON(StableVITONConfig(), context).batch_size == 1
    assert StableVITON(StableVITONConfig(batch_size=3), context).batch_size == 3


def test_what_a_picture_needs_is_what_is_counted_of_the_full_network():
    need = counted((512, 384))
    told = {"call": CALL_BYTES_PER_PIXEL, "encode": vae.ENCODE_BYTES_PER_PIXEL, "decode": vae.DECODE_BYTES_PER_PIXEL}
    for name, bytes_per_pixel in told.items():
        assert need[name] <= bytes_per_pixel <= 1.1 * need[name], (name, need)
    assert pytest.approx(need["weights"], rel=0.01) == PARAMETERS / 1e9


@pytest.mark.parametrize("dtype, tf32", [("fp32", False), ("bf16", True)])
def test_fp32_is_exact_on_a_gpu_where_it_was_asked_for(random_network, layout, monkeypatch, dtype, tf32):
    backends = torch.backends.cuda.matmul, torch.backends.cudnn
    before, seen, original = [each.allow_tf32 for each in backends], [], sampling.sample
    look = lambda *rest: seen.append([each.allow_tf32 for each in backends]) or original(*rest)  # noqa: E731
    monkeypatch.setattr(sampling, "sample", look)
    engine = runtime(random_network, replace(FAST, dtype=dtype))
    engine.dress(items(engine, layout, [1]))
    assert seen == [[tf32, tf32]]
    assert [each.allow_tf32 for each in backends] == before


def test_settings_change_single_fields_of_a_preset():
    config = sampling_config(StableVITONConfig(preset="reference", steps=7, start="noise"), "balanced")
    assert config == replace(PRESETS["reference"], steps=7, start=Start.NOISE)
    assert sampling_config(StableVITONConfig(), "sift") == PRESETS["sift"]


def test_the_engine_is_cheap_to_name():
    script = "import sys, tryon.engines.stableviton.engine as e; print(e.StableVITON.card.name, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["stableviton", "False"]


def test_a_picture_too_big_for_the_memory_names_the_settings_of_its_own_engine(layout):
    engine = StableVITON1024(StableVITONConfig(), Context(layout))
    assert engine._smaller() == "work smaller: --set stableviton_1024.height=768 --set stableviton_1024.width=576"
    assert StableVITON(StableVITONConfig(height=64, width=64), Context(layout))._smaller().endswith("stableviton.width=64")


def test_models_that_share_the_network_are_rows():
    engines = (StableVITON, StableVITON1024, SiftVTON)
    assert len({engine.card.name for engine in engines}) == len({engine.card.weights for engine in engines}) == 3
    assert all(engine.card.categories == {Category.UPPER} for engine in engines)
    assert StableVITON1024.native_size == (1024, 768)


def test_an_engine_without_weights_says_what_to_do(layout):
    engine = StableVITON(StableVITONConfig(), Context(layout))
    with pytest.raises(UsageError, match="before its weights"):
        engine.generate([])


@pytest.mark.parametrize(
    "device, wanted, native, expected",
    [
        (CPU, "bf16", True, torch.bfloat16),
        (CPU, "bf16", False, torch.float32),
        (CPU, "fp16", True, torch.float32),
        (Device("cuda:0", "cuda", True), "bf16", True, torch.bfloat16),
        (Device("cuda:0", "cuda", False), "bf16", True, torch.float16),
        (Device("cuda:0", "cuda", False), "fp32", True, torch.float32),
    ],
)
def test_the_number_format_fits_the_machine(monkeypatch, device, wanted, native, expected):
    monkeypatch.setattr(precision, "cpu_has_bf16", lambda: native)
    assert precision.choose_dtype(wanted, device) == expected


def test_the_command_line_converts_and_refuses_what_does_not_fit(tmp_path):
    torch.save({"weight": torch.ones(2)}, tmp_path / "other.ckpt")
    typed = partial(CliRunner().invoke, app)
    wrong = typed(["convert", "stableviton", str(tmp_path / "other.ckpt"), "--weights", str(tmp_path / "weights")])
    assert isinstance(wrong.exception, WeightsError) and "missing: model.diffusion_model" in str(wrong.exception)
    assert not (tmp_path / "weights").exists()
    unable = typed(["convert", "preview", str(tmp_path / "other.ckpt")])
    assert isinstance(unable.exception, UsageError)
