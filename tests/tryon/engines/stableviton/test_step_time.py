"""Around the network the step is cheap: 16 pairs read, resized, encoded and written beside it."""

from __future__ import annotations

import threading

import pytest

from benchmarks import step_overhead
from benchmarks.step_overhead import GARMENTS, measure
from pipeline.core import images

FASTEST_CPU_PAIR = 27.0
"""Seconds: the cheapest further pair measured with the full network on a CPU (docs/performance.md)."""


@pytest.mark.slow
def test_the_whole_step_takes_little_more_than_its_network(tmp_path, monkeypatch):
    """The working thread's own time beside the network, in processor seconds: a busy machine does not change it."""
    monkeypatch.setattr(step_overhead, "PERSONS", 2)
    measured = measure(tmp_path)
    assert measured.made == 2 * GARMENTS == 16
    beside = measured.beside / measured.made
    assert beside < 0.05, "no longer within 10 % of a network that takes half a second a pair"
    assert (beside + measured.hidden / measured.made) < 0.1 * FASTEST_CPU_PAIR


@pytest.mark.slow
def test_pictures_are_encoded_beside_the_network_not_after_it(tmp_path, monkeypatch):
    original, threads = images.png, []

    def noted(*given):
        threads.append(threading.current_thread().name)
        return original(*given)

    monkeypatch.setattr(step_overhead, "PERSONS", 1)
    monkeypatch.setattr(images, "png", noted)
    measure(tmp_path)
    assert len(threads) == GARMENTS
    assert all(name.startswith("encode") for name in threads)
