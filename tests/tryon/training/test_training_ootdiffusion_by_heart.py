"""A small OOTDiffusion learns four pairs by heart: loss, gradients and optimiser work together."""

from __future__ import annotations

import time

import numpy as np
import pytest
from tiny_ootd_training import RECIPE, write_start
from training_runs import Place, training_place

from tryon.training.logs import LOG, read_table

BY_HEART = (
    *("loop.batch=4", "loop.accumulation=1", "loop.save_every=100000", "loop.measure_every=0", "ootd.drop_garment=0"),
    *("ootd.cache=4", "precision.recompute=false", "optimiser.name=adamw", "precision.channels_last=false"),
    *("optimiser.weight_decay=0", "loop.ema_decay=0", "loop.one_draw=true"),
)
"""The same four pairs in every step."""
SECONDS = 60


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return training_place(tmp_path_factory.mktemp("training"), RECIPE, write_start, "weights", *BY_HEART)


def losses(place: Place, folder, preset: str, steps: int, rate: float) -> np.ndarray:
    assert place.train(folder, f"loop.steps={steps}", f"optimiser.learning_rate={rate}", preset=preset, changed=True) == 0
    return np.array([float(row["loss"]) for row in read_table(folder / "one" / LOG)])


@pytest.mark.slow
def test_the_loss_of_the_joint_training_falls_within_twelve_steps(place, tmp_path):
    found = losses(place, tmp_path, "joint", 12, 3e-3)
    assert found[-3:].mean() < 0.85 * found[:3].mean(), found


RATES = {"joint": 3e-3, "frozen-garment": 3e-3, "attention-only": 1e-2}
"""Those in which little that was drawn at random stays: what a frozen half made of noise allows is no proof of anything."""


@pytest.mark.proof
@pytest.mark.parametrize("preset", RATES)
def test_four_pairs_are_learnt_by_heart_in_a_minute(place, tmp_path, preset):
    begun = time.process_time()
    found = losses(place, tmp_path, preset, 120, RATES[preset])
    seconds = time.process_time() - begun
    first, last = found[:5].mean(), found[-20:].mean()
    print(f"{preset}: {first:.3f} → {last:.4f}, {first / last:.1f} times less in {len(found)} steps, {seconds:.0f} s")  # noqa: T201
    assert last < first / 10 and seconds < SECONDS
