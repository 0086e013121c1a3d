"""`decoder = "tiny"`: marked as a preview, named in the recipe, and impossible without its weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from diffusers import AutoencoderTiny
from safetensors.torch import save_file

from benchmarks.generated import TINY, generated_garment, generated_network, generated_person
from pipeline.core.engine import TryOnItem
from pipeline.core.errors import WeightsError
from pipeline.core.flags import Flag
from pipeline.core.layout import Layout
from pipeline.core.machine.device import CPU
from pipeline.core.step import Context
from tryon.batching import Limits
from tryon.engines.stableviton import engine as engines
from tryon.engines.stableviton import folder
from tryon.engines.stableviton.config import StableVITONConfig
from tryon.engines.stableviton.engine import TINY_DECODER, StableVITON
from tryon.engines.stableviton.folder import Loaded
from tryon.engines.stableviton.presets import PRESETS
from tryon.engines.stableviton.runtime import CanvasGarment, CanvasPerson, Runtime
from tryon.engines.stableviton.variants import STABLEVITON
from tryon.networks.savings.switches import ALL
from tryon.networks.tiny_decoder import fill_tiny_decoder

SIZE = (64, 64)


@pytest.fixture(scope="module")
def tiny_weights():
    torch.manual_seed(0)
    return AutoencoderTiny().state_dict()


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.setattr(StableVITON, "_weights_path", lambda engine, dtype, weight_format: tmp_path)
    monkeypatch.setattr(engines, "sha_of", lambda row, root: f"sha of {row}")
    monkeypatch.setattr(folder, "load", lambda path, dtype: Loaded(generated_network(ALL, dtype, TINY), STABLEVITON, "test"))
    settings = StableVITONConfig(decoder="tiny", dtype="fp32", steps=2, height=64, width=64)
    return StableVITON(settings, Context(Layout(weights=tmp_path)))


def test_its_pictures_are_other_ones_and_carry_the_flag(tiny_weights):
    network, config = generated_network(ALL, torch.float32, TINY), replace(PRESETS["fast"], dtype="fp32", steps=2)
    tiny = fill_tiny_decoder(tiny_weights, torch.float32)
    made = []
    for decoder, chosen in (("vae", None), ("tiny", tiny)):
        runtime = Runtime(
            Loaded(network, STABLEVITON, "test"), replace(config, decoder=decoder), SIZE, Limits(CPU), False, chosen
        )
        made += runtime.dress([TryOnItem(CanvasPerson(generated_person(SIZE), SIZE), CanvasGarment(generated_garment(SIZE)), 1)])
    assert [tuple(notice.flag for notice in each.notices) for each in made] == [(), (Flag.PREVIEW_ONLY,)]
    assert made[0].picture.shape == made[1].picture.shape == (*SIZE, 3)
    assert (made[0].picture != made[1].picture).any()


def test_its_weights_stand_in_the_recipe(engine, tiny_weights, tmp_path, monkeypatch):
    save_file(tiny_weights, tmp_path / "taesd.safetensors")
    monkeypatch.setattr(engines, "require", lambda row, root: tmp_path / f"{row}.safetensors")
    engine.load("cpu")
    assert engine.describe()["decoder"] == "tiny"
    assert engine.describe()["decoder_weights"] == f"sha of {TINY_DECODER}"


def test_without_its_weights_the_command_that_fetches_them_is_named(engine):
    with pytest.raises(WeightsError) as refused:
        engine.load("cpu")
    assert f"weights pull {TINY_DECODER}" in f"{refused.value} {refused.value.remedy}"


def test_another_file_in_their_place_is_answered_with_what_is_missing(engine, tmp_path, monkeypatch):
    save_file({"decoder.layers.0.weight": torch.ones(2)}, tmp_path / "taesd.safetensors")
    monkeypatch.setattr(engines, "require", lambda row, root: tmp_path / f"{row}.safetensors")
    with pytest.raises(WeightsError, match=r"not a checkpoint of TAESD\n.*missing"):
        engine.load("cpu")
