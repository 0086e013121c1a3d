"""Runs of a small StableVITON: resumed to the same bits, learnt by heart, drawn as the engine draws, planned and exported."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tiny_training import RECIPE, SMALL, TENTH, write_start
from training_trees import training_tree

from pipeline.core import images
from pipeline.core.device import CPU
from pipeline.core.engine import TryOnItem
from tryon.batching import Limits
from tryon.engines.stableviton.encoding import fit_picture, prepare_person
from tryon.engines.stableviton.folder import load
from tryon.engines.stableviton.presets import BALANCED
from tryon.engines.stableviton.runtime import CanvasGarment, CanvasPerson, Runtime
from tryon.networks.precision import choose_dtype
from tryon.training import checkpoint as checkpoints
from tryon.training import runs
from tryon.training.data.items import read_item
from tryon.training.data.tree import find_tree
from tryon.training.logs import LOG
from tryon.training.randomness import seed_of
from tryon.training.session import Options, start

pytestmark = pytest.mark.slow

QUICK = (*SMALL, "data.height=64", "data.width=64")


def quiet(line: str) -> None:
    """Says nothing."""


@pytest.fixture(autouse=True)
def _gradients():
    with torch.enable_grad():  # the suite around switches them off
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A tree of four pairs and a start file."""
    root = tmp_path_factory.mktemp("training")
    training_tree(root / "data", size=(64, 64))
    write_start(root / "start.ckpt")
    return root


def options(place: Path, runs_folder: Path, *overrides: str, **more) -> Options:
    given = {"data": place / "data", "start": place / "start.ckpt", "runs": runs_folder, "run": "one", "device": "cpu"}
    return Options(**{**given, "overrides": (*QUICK, *overrides), **more})


def train(place: Path, runs_folder: Path, *overrides: str, say=quiet, **more) -> int:
    return start(RECIPE, options(place, runs_folder, *overrides, **more), say)


def in_a_process(place: Path, runs_folder: Path, *overrides: str) -> multiprocessing.Process:
    """Begun by fork, so that a kill costs no second import."""

    def work() -> None:
        torch.set_num_threads(1)
        code = train(place, runs_folder, *overrides)
        os._exit(code)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def contents(folder: Path) -> dict[str, bytes]:
    """Everything of a run's newest checkpoint, and its log."""
    newest = checkpoints.newest(folder / checkpoints.FOLDER)
    files = {path.name: path.read_bytes() for path in newest.path.iterdir()}
    return files | {LOG: (folder / LOG).read_bytes()}


def test_killed_at_any_moment_a_run_ends_with_the_same_bits(place, tmp_path):
    wanted = ("loop.steps=4", "loop.save_every=1", "loop.accumulation=2", "loop.batch=1", "stableviton.drop_token=0.5")
    begun = time.perf_counter()
    straight = in_a_process(place, tmp_path / "straight", *wanted)
    straight.join()
    whole = time.perf_counter() - begun
    assert straight.exitcode == 0
    chance, kills = random.Random(4), 0
    while kills < 5:
        process = in_a_process(place, tmp_path / "killed", *wanted)
        process.join(chance.uniform(0.3, 0.8) * whole)
        if process.exitcode is not None:  # it came to the end before it was killed
            break
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        kills += 1
    last = in_a_process(place, tmp_path / "killed", *wanted)
    last.join()
    assert last.exitcode == 0 and kills >= 2
    ours, theirs = contents(tmp_path / "killed" / "one"), contents(tmp_path / "straight" / "one")
    assert {name for name in theirs if ours[name] != theirs[name]} == set()
    assert len(theirs) == 6


def test_pictures_of_a_run_are_those_of_the_engine_with_the_exported_weights(place, tmp_path):
    train(place, tmp_path, "loop.steps=2", "loop.save_every=2", "loop.draw_every=2", "loop.draw_pairs=1")
    runs.export(RECIPE, tmp_path / "one", runs.Wanted(to=tmp_path / "made", official=tmp_path / "made.ckpt"), quiet)
    sheet = images.read_rgb(tmp_path / "one" / "pictures" / "step-000000002.png")
    pair = find_tree(place / "data").pairs("test", paired=False)[0]
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
