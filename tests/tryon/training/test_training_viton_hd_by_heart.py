"""Each of VITON-HD's three networks, narrow, learns drawn people by heart in a whole run: losses, turns, export.

The proofs take minutes each and their figures stand in docs/performance.md; beside each stands a run of a few steps.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from drawn_pairs import write_bent, write_people
from training_runs import Place, quiet

from tryon.engines.viton_hd.architecture import CLASSES, OFFICIAL, Architecture
from tryon.engines.viton_hd.checkpoint import load_segmenter, load_warper
from tryon.engines.viton_hd.labels import classes_of
from tryon.engines.viton_hd.runtime import SegmentingRuntime
from tryon.engines.viton_hd.spline import grid_of
from tryon.engines.viton_hd.training.batches import Batches
from tryon.engines.viton_hd.training.config import SegTraining
from tryon.engines.viton_hd.training.recipe import VitonHdRecipe
from tryon.training.data.tree import find_tree
from tryon.training.judges.vgg import CHANNELS, LAYERS
from tryon.training.logs import runs
from tryon.training.logs.run_logs import LOG, read_table
from tryon.training.session import settings_of

STEPS = ("loop.epochs=0", "loop.save_every=100000", "loop.measure_every=0", "data.threads=1")
PEOPLE = replace(OFFICIAL, size=(512, 384), small=(128, 96), seg_width=8)
BENT = replace(OFFICIAL, size=(256, 256), small=(128, 128), warp_width=8)
PAINTED = replace(OFFICIAL, size=(256, 128), small=(64, 64), generator_width=8)
JUDGE_WIDTH = 8


def place_of(stage: str, architecture: Architecture, data: Path, *overrides: str) -> Place:
    """A narrow recipe of a stage, and its tree."""
    return Place(VitonHdRecipe(stage, {"official": architecture}, JUDGE_WIDTH), data, None, (*STEPS, *overrides))


def exported(place: Place, folder: Path) -> Path:
    """What a run has learnt, in the file that the engine loads."""
    runs.export(place.recipe, folder / "one", runs.Wanted(to=folder / "made"), quiet)
    return folder / "made" / f"{place.recipe.stage}_final.pth"


def logged(folder: Path, name: str) -> np.ndarray:
    """One figure of every step."""
    return np.array([float(row[name]) for row in read_table(folder / "one" / LOG)])


def files_of(place: Place) -> list:
    """The tree's pairs as the recipe reads them."""
    return [place.recipe.read(pair, (64, 64)) for pair in find_tree(place.data).pairs("train")]


# ---- segmentation: eight drawn people


QUICKLY = ("loop.batch=1", "optimiser.learning_rate=1e-2", "optimiser.betas=[0.9, 0.999]", "viton_hd.dropout=0")
"""Narrow networks bear a hundred times the published rate."""


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Place:
    data = write_people(tmp_path_factory.mktemp("people") / "data", 8)
    return place_of("seg", PEOPLE, data, *QUICKLY)


def mean_overlap(found: np.ndarray, wanted: np.ndarray) -> float:
    """Mean IoU over the classes that the eight people show."""
    table = np.zeros((CLASSES, CLASSES), int)
    np.add.at(table, (wanted.ravel(), found.ravel()), 1)
    union = table.sum(0) + table.sum(1) - table.diagonal()
    return float((table.diagonal() / np.maximum(union, 1))[table.sum(1) > 0].mean())


def overlaps(place: Place, file: Path) -> tuple[float, float]:
    """Of the network's own maps, and of those that the engine makes of them: enlarged, and smoothed over 15 pixels."""
    network = load_segmenter(file, torch.float32, PEOPLE)
    files = [item.files for item in files_of(place)]
    batch = Batches(PEOPLE).seg(files, (), SegTraining(dropout=0))
    with torch.no_grad():
        own = torch.sigmoid(network(batch.shown)).argmax(1)
    runtime = SegmentingRuntime(network, PEOPLE, sees_noise=False)
    shown = [runtime.person(each.agnostic, each.pose, each.parse_agnostic) for each in files]
    made = runtime.predict(shown, [runtime.garment(each.cloth, each.cloth_mask) for each in files], list(range(len(files))))
    wanted = np.stack([classes_of(each.parse) for each in files])
    return mean_overlap(own.numpy(), batch.classes.numpy()), mean_overlap(classes_of(np.stack(made)), wanted)


def test_the_segmentations_loss_falls_within_five_steps(people, tmp_path):
    assert people.train(tmp_path, "loop.steps=5") == 0
    found = logged(tmp_path, "classes")
    assert found[-1] < 0.9 * found[0], found


@pytest.mark.proof
def test_the_segmentation_knows_eight_drawn_people(people, tmp_path):
    assert people.train(tmp_path, "loop.steps=600", "optimiser.constant_epochs=55", "optimiser.decay_epochs=20") == 0
    own, smoothed = overlaps(people, exported(people, tmp_path))
    print(f"mIoU {own:.3f} of its own maps, {smoothed:.3f} enlarged and smoothed")  # noqa: T201
    assert own >= 0.9


# ---- warp: four garments whose spline is known


def smooth_bends(people: int) -> np.ndarray:
    """(people, 50): offsets that a garment may have, whose neighbours go about the same way."""
    coarse = np.random.default_rng(3).uniform(-0.14, 0.14, (people, 2, 2, 2)).astype(np.float32)
    return np.stack([[cv2.resize(axis, (5, 5)) for axis in one] for one in coarse]).reshape(people, 50)


@pytest.fixture(scope="module")
def bent(tmp_path_factory) -> tuple[Place, np.ndarray]:
    bends = smooth_bends(4)
    data = write_bent(tmp_path_factory.mktemp("bent") / "data", bends, BENT.size[0])
    return place_of("gmm", BENT, data, "loop.batch=4", "optimiser.learning_rate=2e-3"), bends


def pixels_off(place: Place, bends: np.ndarray, network: torch.nn.Module) -> float:
    """How far the network's spline is from the known one, on average over the worn garments, in pixels of the picture."""
    batch = Batches(BENT).gmm([item.files for item in files_of(place)], trained=False)
    with torch.no_grad():
        theta = network(network.encode_person(batch.person), network.encode_garment(batch.garment))
    apart = (grid_of(theta, BENT.size) - grid_of(torch.from_numpy(bends), BENT.size)).norm(dim=3) * BENT.size[0] / 2
    return float(apart[(batch.worn != 0).any(dim=1)].mean())


def test_the_warps_loss_falls_within_twelve_steps(bent, tmp_path):
    place, _ = bent
    assert place.train(tmp_path, "loop.steps=12") == 0
    found = logged(tmp_path, "cloth")
    assert found[-3:].mean() < 0.97 * found[:3].mean(), found


@pytest.mark.proof
def test_the_warp_finds_a_known_spline(bent, tmp_path):
    place, bends = bent
    untrained = place.recipe.open(None, settings_of(place.recipe, place.options(tmp_path), quiet), {}).module.network.eval()
    before = pixels_off(place, bends, untrained)
    assert place.train(tmp_path, "loop.steps=150", "optimiser.constant_epochs=100", "optimiser.decay_epochs=50") == 0
    off = pixels_off(place, bends, load_warper(exported(place, tmp_path), torch.float32, BENT))
    print(f"{off:.2f} px of {BENT.size} from the known spline, {before:.2f} px before")  # noqa: T201
    assert off <= 2


# ---- generator: two people, judged by a VGG of generated weights too


def write_vgg(file: Path) -> Path:
    """Generated weights under torchvision's names, as loud in as out."""
    chance, before, place, state = torch.Generator().manual_seed(0), 3, 0, {}
    for width, count in zip(CHANNELS, LAYERS, strict=True):
        for _ in range(count):
            state[f"features.{place}.weight"] = torch.randn(width, before, 3, 3, generator=chance) * (2 / (9 * before)) ** 0.5
            state[f"features.{place}.bias"] = torch.zeros(width)
            before, place = width, place + 2
        place += 1
    torch.save(state, file)
    return file


@pytest.fixture(scope="module")
def painted(tmp_path_factory) -> Place:
    folder = tmp_path_factory.mktemp("painted")
    data = write_people(folder / "data", 2, size=PAINTED.size)
    return place_of(
        "alias",
        PAINTED,
        data,
        "loop.batch=1",
        "optimiser.learning_rate=2e-3",
        f"viton_hd.vgg_file={write_vgg(folder / 'vgg.pth')}",
    )


def distance(place: Place, trained: dict[str, torch.Tensor], folder: Path) -> float:
    """Mean absolute difference of the engine's pictures to the photos, of 255 levels."""
    trainee = place.recipe.open(None, settings_of(place.recipe, place.options(folder), quiet), {})
    items = [place.recipe.read(pair, PAINTED.size) for pair in find_tree(place.data).pairs("train")]
    drawn = trainee.draw(trained, items, 0)
    return float(np.mean([np.abs(made.astype(int) - item.image).mean() for made, item in zip(drawn, items, strict=True)]))


@pytest.mark.proof
def test_the_generator_comes_five_times_nearer_to_its_photos(painted, tmp_path):
    from tryon.training import checkpoint as checkpoints

    before = distance(painted, {}, tmp_path)
    assert painted.train(tmp_path, "loop.steps=80", "optimiser.constant_epochs=30", "optimiser.decay_epochs=10") == 0
    after = distance(painted, checkpoints.newest(tmp_path / "one" / checkpoints.FOLDER).tensors("weights"), tmp_path)
    print(f"L1 {before:.1f} → {after:.1f} of 255: {before / after:.1f} times less")  # noqa: T201
    assert after <= before / 5
