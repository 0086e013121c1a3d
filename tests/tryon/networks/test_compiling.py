"""Compilation: its price is said before it is paid, and the picture stays the same."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from benchmarks.generated import generated_garment, generated_network, generated_person
from pipeline.core.engine import TryOnItem
from pipeline.core.machine.device import CPU
from tryon.batching import Limits
from tryon.engines.stableviton.config import StableVITONConfig
from tryon.engines.stableviton.folder import Loaded
from tryon.engines.stableviton.presets import PRESETS
from tryon.engines.stableviton.runtime import CanvasGarment, CanvasPerson, Runtime
from tryon.engines.stableviton.variants import STABLEVITON
from tryon.networks.savings.compiling import Compiled
from tryon.networks.savings.switches import ALL

SIZE = (64, 64)


@pytest.fixture
def engine(tiny):
    """A fresh tiny network, because compiling changes it."""
    network = generated_network(ALL, torch.float32, tiny)
    return Runtime(Loaded(network, STABLEVITON, "test"), replace(PRESETS["fast"], dtype="fp32", steps=3), SIZE, Limits(CPU, 2))


def dress(engine, seeds):
    person, garment = CanvasPerson(generated_person(SIZE), SIZE), CanvasGarment(generated_garment(SIZE))
    return [each.picture for each in engine.dress([TryOnItem(person, garment, seed) for seed in seeds])]


@pytest.mark.slow
def test_the_first_call_of_every_batch_size_is_announced_and_timed(engine, monkeypatch, caplog):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda function: compiled.append(function) or function)
    engine.compile()
    assert len(compiled) == 2
    with caplog.at_level(logging.INFO, "lookbook"):
        for seeds in ([1], [2], [3, 4]):
            dress(engine, seeds)
    said = [record.getMessage() for record in caplog.records]
    assert [text.partition(":")[0] for text in said if text.startswith("compiling")] == [
        "compiling the spatial encoder for batches of 1",
        "compiling the U-Net for batches of 1",
        "compiling the spatial encoder for batches of 2",
        "compiling the U-Net for batches of 2",
    ]
    assert sum(text.startswith("compiled the") and text.endswith(" s") for text in said) == 4


def test_results_of_cuda_graphs_are_copied_out_of_the_memory_that_the_next_call_writes_to(monkeypatch):
    asked, memory = [], torch.zeros(2, 3)

    def recorded(function, **options):
        asked.append(options)
        return lambda x: [memory.copy_(x), memory]

    monkeypatch.setattr(torch, "compile", recorded)
    half = Compiled(lambda x: [x, x], "a half", graphs=True)
    first, second = half(torch.ones(2, 3)), half(torch.full((2, 3), 2.0))
    assert asked == [{"mode": "reduce-overhead", "dynamic": False}]
    assert [part.mean().item() for part in (*first, *second)] == [1, 1, 2, 2]


def test_graphs_are_for_gpus_and_for_calls_that_keep_nothing(engine, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "compile", lambda function, **options: asked.append(options) or function)
    engine.compile(graphs=True)  # a CPU has none
    assert asked == [{}, {}]


@pytest.mark.parametrize("value", [False, True, "graphs"])
def test_compiling_is_chosen_by_one_word(value):
    assert StableVITONConfig(compile=value).compile == value


def test_another_word_for_compiling_is_answered_with_those_there_are():
    with pytest.raises(ValidationError, match="should be False, True or 'graphs'"):
        StableVITONConfig(compile="maybe")


@pytest.mark.slow
def test_a_traced_network_makes_the_same_picture(engine, monkeypatch):
    plain = dress(engine, [1])[0]
    original = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function: original(function, backend="eager"))
    engine.compile()
    assert np.abs(dress(engine, [1])[0].astype(int) - plain).max() <= 1
