"""The engine inside the try-on step: declared files are produced, recipe and attention included."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.core import images
from pipeline.core.items import Garment, Pair, Person
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC, AGNOSTIC_MASK, ATTENTION, CLOTH, DENSEPOSE, IMAGE, TRYON, Layout
from pipeline.core.machine.device import CPU
from pipeline.core.step import Context
from tryon.batching import Limits
from tryon.engines.stableviton.config import StableVITONConfig
from tryon.engines.stableviton.engine import StableVITON
from tryon.engines.stableviton.folder import Loaded
from tryon.engines.stableviton.presets import PRESETS
from tryon.engines.stableviton.runtime import Runtime
from tryon.engines.stableviton.variants import STABLEVITON
from tryon.step import TryOnConfig, TryOnStep

PAIR = Pair(Person("ann", "inputs:x"), Garment("tee", "inputs:y"), "stableviton")


@pytest.fixture
def layout(tmp_path):
    layout, random, upper = Layout(outputs=tmp_path), np.random.default_rng(0), Category.UPPER
    mask = np.zeros((128, 64), bool)
    mask[30:90, 10:50] = True
    for ref in (IMAGE.of("ann"), AGNOSTIC.of("ann", upper), DENSEPOSE.of("ann"), CLOTH.of("tee")):
        layout.path(ref).parent.mkdir(parents=True, exist_ok=True)
        layout.path(ref).write_bytes(images.jpeg(random.integers(0, 256, (128, 64, 3), dtype=np.uint8)))
    layout.path(AGNOSTIC_MASK.of("ann", upper)).parent.mkdir(parents=True, exist_ok=True)
    layout.path(AGNOSTIC_MASK.of("ann", upper)).write_bytes(images.mask_png(mask))
    return layout


def step_of(network, layout, saves=False):
    context = Context(layout, device="cpu")
    engine = StableVITON(StableVITONConfig(save_attention=saves), context)
    config = replace(PRESETS["fast"], dtype="fp32", steps=2)
    engine._runtime = Runtime(Loaded(network, STABLEVITON, "test"), config, (128, 64), Limits(CPU), saves)
    engine.load = lambda device: None
    return TryOnStep(TryOnConfig(), context, {"stableviton": engine}, {"stableviton-vitonhd": "ab12"})


@pytest.mark.parametrize("saves", [True, False])
def test_the_step_writes_what_it_declares(random_network, layout, tmp_path, saves):
    step = step_of(random_network, layout, saves)
    (made,) = step.run([step.read(PAIR)])
    assert set(made.files) == set(step.writes(PAIR))
    assert (ATTENTION.of(PAIR.id, "stableviton") in made.files) is saves
    picture = tmp_path / "picture.png"
    picture.write_bytes(made.files[TRYON.of(PAIR.id, "stableviton")]())
    recipe = images.read_recipe(picture)
    assert recipe["weights"] == {"stableviton-vitonhd": "ab12"}
    assert recipe["sampling"]["steps"] == 2 and recipe["seed"] == step._seed(PAIR)
    assert images.read_rgb(picture).shape == (128, 64, 3)


def test_looking_at_the_attention_changes_neither_picture_nor_fingerprint(random_network, layout):
    """So a run without it makes nothing again, and one with it makes the same picture."""
    steps = [step_of(random_network, layout, saves) for saves in (False, True)]
    without, looked = (step.run([step.read(PAIR)])[0].files[TRYON.of(PAIR.id, "stableviton")]() for step in steps)
    assert without == looked
    assert steps[0].signature(PAIR) == steps[1].signature(PAIR)
