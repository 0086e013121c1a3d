"""Runs of a small StableVITON: resumed to the same bits, learnt by heart, drawn as the engine draws, planned and exported."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tiny_training import RECIPE, TENTH, write_start
from training_runs import Place, differing, quiet, training_place

from pipeline.core import images
from pipeline.core.engine import TryOnItem
from pipeline.core.machine.device import CPU
from tryon.batching import Limits
from tryon.engines.stableviton.encoding import fit_picture, prepare_person
from tryon.engines.stableviton.folder import load
from tryon.engines.stableviton.presets import BALANCED
from tryon.engines.stableviton.runtime import CanvasGarment, CanvasPerson, Runtime
from tryon.networks.precision import choose_dtype
from tryon.networks.vae import encode_pictures
from tryon.training import encoder
from tryon.training.data.items import read_item
from tryon.training.data.tree import find_tree
from tryon.training.logs import runs
from tryon.training.logs.run_logs import LOG, read_table
from tryon.training.randomness import seed_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return training_place(tmp_path_factory.mktemp("training"), RECIPE, write_start, "start.ckpt", "stableviton.draw_steps=2")


def test_killed_at_any_moment_a_run_ends_with_the_same_bits(place, tmp_path):
    wanted = ("loop.steps=4", "loop.save_every=1", "loop.accumulation=2", "loop.batch=1", "stableviton.drop_token=0.5")
    place.straight(tmp_path / "straight", *wanted)
    assert place.killed(tmp_path / "killed", *wanted, kills=2) >= 1
    assert differing(tmp_path / "killed" / "one", tmp_path / "straight" / "one") == set()


STILL = ("augment.flip=0", "augment.move=0", "augment.hsv=0", "augment.contrast=0")


def test_kept_encodings_give_the_same_losses_and_each_picture_is_encoded_once(place, tmp_path, monkeypatch):
    encoded: list[int] = []

    def counted(vae, pictures):
        encoded.extend([] if pictures.is_meta else [len(pictures)])  # the plan has no contents
        return encode_pictures(vae, pictures)

    monkeypatch.setattr(encoder, "encode_pictures", counted)
    wanted = (*STILL, "loop.steps=4", "loop.save_every=2", "loop.batch=2")
    assert place.train(tmp_path / "without", *wanted) == 0
    assert sum(encoded) == 4 * 4 * 2, (encoded, read_table(tmp_path / "without" / "one" / LOG))
    encoded.clear()
    place.train(tmp_path / "kept", *wanted, "stableviton.cache=4")
    assert encoded == [1] * 4 * 4
    losses = [[float(row["loss"]) for row in read_table(tmp_path / name / "one" / LOG)] for name in ("without", "kept")]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    place.train(tmp_path / "stopped", *wanted[:4], "loop.steps=2", *wanted[5:], "stableviton.cache=4")
    place.train(tmp_path / "stopped", *wanted, "stableviton.cache=4")
    assert differing(tmp_path / "stopped" / "one", tmp_path / "kept" / "one") == set()


def test_pictures_of_a_run_are_those_of_the_engine_with_the_exported_weights(place, tmp_path):
    place.train(tmp_path, "loop.steps=2", "loop.save_every=2", "loop.draw_every=2", "loop.draw_pairs=1")
    runs.export(RECIPE, tmp_path / "one", runs.Wanted(to=tmp_path / "made", official=tmp_path / "made.ckpt"), quiet)
    sheet = images.read_rgb(tmp_path / "one" / "pictures" / "step-000000002.png")
    pair = find_tree(place.data).pairs("test", paired=False)[0]
    item = read_item(pair, (64, 64))
    sampling = replace(BALANCED, steps=2)
    drawn = []
    for source in (tmp_path / "made", tmp_path / "made.ckpt"):
        loaded = load(source, choose_dtype(sampling.dtype, CPU), architecture=TENTH)
        runtime = Runtime(loaded, sampling, (64, 64), Limits(CPU, 1))
        person = prepare_person(item.image, np.asarray(item.agnostic), item.mask > 0, item.densepose, (64, 64))
        canvas = CanvasPerson(replace(person, keep=item.keep), (64, 64))
        asked = TryOnItem(canvas, CanvasGarment(fit_picture(item.cloth, (64, 64))), seed_of("draw", 0))
        drawn.append(runtime.dress([asked])[0].picture)
    assert np.array_equal(drawn[0], drawn[1])
    enlarged = np.asarray(cv2.resize(drawn[0], (256, 256), interpolation=cv2.INTER_AREA))
    assert np.array_equal(sheet[20:276, 512:768], enlarged)
