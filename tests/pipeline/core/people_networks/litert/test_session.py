"""Where the network files come from, and how one is asked."""

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.core.errors import WeightsError
from pipeline.core.people_networks.litert import LiteRTNetworks, session
from pipeline.core.people_networks.litert.session import Network, sigmoid


def test_a_missing_file_is_said_before_any_work(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"people/pose_detection.tflite: missing"):
        LiteRTNetworks(tmp_path)


def test_a_sure_network_overflows_nothing():
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1000, 0, 1000], np.float32)) == pytest.approx([0, 0.5, 1])


def test_a_network_sees_its_own_range_of_values(monkeypatch, tmp_path):
    seen = []
    fake = SimpleNamespace(
        set_tensor=lambda index, values: seen.append(values), invoke=lambda: None, get_tensor=lambda index: index
    )
    monkeypatch.setattr(session, "find_file", lambda name, weights: weights / name)
    network = Network("a.tflite", tmp_path, low=-1)
    vars(network).update(_interpreter=fake, _input={"index": 7}, _outputs=[3, 2])
    assert network.answer(np.full((2, 2, 3), 255, np.uint8)) == [3, 2]
    network.answer(np.zeros((2, 2, 3), np.uint8))
    assert (seen[0] == 1).all() and (seen[1] == -1).all()
    assert seen[0].shape == (1, 2, 2, 3) and seen[0].dtype == np.float32
