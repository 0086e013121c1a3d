"""The schedule, guidance and whole samples against recorded ones; which calls are left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tryon.engines.fashn.guidance import GuidedVelocity, ModulationTable
from tryon.engines.fashn.presets import PRESETS, SamplingConfig
from tryon.engines.fashn.sampling import pictures_of, sample, times_of
from tryon.networks.savings.switches import ALL, OFFICIAL

REFERENCE = replace(PRESETS["reference"], steps=4)
RUNS = {
    "g15": REFERENCE,
    "g15_skip0": replace(REFERENCE, unguided_steps=0),
    "g10": replace(REFERENCE, guidance_scale=1.0),
    "g30_skip2": replace(REFERENCE, guidance_scale=3.0, unguided_steps=2),
}
"""The recorded runs."""


def answers_of(network, config: SamplingConfig, given: dict[str, torch.Tensor], table=None) -> GuidedVelocity:
    """For the first picture of the recorded batch."""
    first = given["person"][:1], given["garment"][:1], given["categories"][:1].tolist()
    return GuidedVelocity(network.forward, table or ModulationTable(network), config.guidance_scale, *first)


@pytest.mark.parametrize("name, shift", [("4", 1.5), ("20", 1.5), ("30", 1.5), ("50", 1.5), ("30_mu0.8", 0.8)])
def test_the_way_is_divided_as_recorded(network_records, name: str, shift: float):
    wanted = network_records[0][f"schedule/{name}"]
    assert np.abs(times_of(len(wanted) - 1, shift) - wanted).max() <= 1e-6


@pytest.mark.parametrize("name", RUNS)
def test_a_sample_is_the_recorded_one(network, given, network_records, name: str):
    arrays, config = network_records[0], RUNS[name]
    noise = torch.from_numpy(arrays["sample/noise"])
    with torch.inference_mode():
        x = sample(answers_of(network, config, given), noise, config.steps, config.unguided_steps)
    levels = np.abs(pictures_of(x)[0].astype(int) - arrays[f"sample/{name}/image"])
    assert levels.max() <= 1
    assert (levels > 0).mean() < 1e-3


def test_the_steps_on_the_way_are_the_recorded_ones(network, given, network_records):
    arrays, xs, answers = network_records[0], [], []
    call = answers_of(network, REFERENCE, given)

    def watched(x: torch.Tensor, time: float, guided: bool) -> torch.Tensor:
        xs.append(x)
        answers.append(call(x, time, guided))
        return answers[-1]

    with torch.inference_mode():
        sample(watched, torch.from_numpy(arrays["sample/noise"]), 4, 1)
    for ours, key in ((xs[1], "x1"), (xs[3], "x3"), (answers[3], "v_c3")):
        if f"sample/g15/{key}" in arrays:
            np.testing.assert_allclose(ours, arrays[f"sample/g15/{key}"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name, calls", [("g15", 7), ("g15_skip0", 8), ("g10", 4), ("g30_skip2", 6)])
def test_answers_that_nobody_reads_are_not_asked_for(network_with, given, name: str, calls: int):
    for savings, expected in ((ALL, calls), (OFFICIAL, 8)):
        network = network_with(savings)
        asked: list[int] = []
        network.person_in.register_forward_hook(lambda module, inputs, out, asked=asked: asked.append(len(out)))
        config = RUNS[name]
        with torch.inference_mode():
            call = answers_of(network, config, given)
            sample(call, torch.zeros(1, 3, *network.architecture.canvas), config.steps, config.unguided_steps)
        assert sum(asked) == expected


def test_what_time_and_category_say_is_worked_out_once(network_with, given):
    network, asked = network_with(ALL), []
    network.time.register_forward_hook(lambda module, inputs, out: asked.append(len(out)))
    table = ModulationTable(network)
    with torch.inference_mode():
        for _ in range(2):
            sample(answers_of(network, REFERENCE, given, table), torch.zeros(1, 3, *network.architecture.canvas), 4, 1)
    assert sum(asked) == 7  # 4 moments with a category, 3 without


def test_levels_are_cut_off_not_rounded():
    assert pictures_of(torch.full((1, 3, 1, 1), 0.999))[0].max() == 254
