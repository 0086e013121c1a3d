"""Where the network files come from, and how one is asked."""

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.core.errors import WeightsError
from pipeline.core.people_networks.litert import LiteRTNetworks
from pipeline.core.people_networks.litert.session import Network, find_file, sigmoid


@pytest.fixture
def wheel(monkeypatch, tmp_path):
    """Pretend that a wheel with one network is installed, or none."""

    def pretend(*names):
        for name in names:
            (tmp_path / "mediapipe" / "modules" / "some").mkdir(parents=True, exist_ok=True)
            (tmp_path / "mediapipe" / "modules" / "some" / name).touch()
        found = SimpleNamespace(submodule_search_locations=[str(tmp_path / "mediapipe")]) if names else None
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
        return tmp_path / "mediapipe"

    return pretend


def test_the_weights_folder_comes_first(wheel, tmp_path):
    wheel("a.tflite")
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "a.tflite").touch()
    assert find_file("a.tflite", tmp_path) == tmp_path / "people" / "a.tflite"


def test_an_installed_wheel_brings_the_files(wheel, tmp_path):
    package = wheel("a.tflite")
    assert find_file("a.tflite", tmp_path) == package / "modules" / "some" / "a.tflite"


def test_a_missing_file_is_said_before_any_work(wheel, tmp_path):
    wheel()
    with pytest.raises(WeightsError, match=r"pose_detection.tflite is neither in .*people"):
        LiteRTNetworks(tmp_path)


def test_a_sure_network_overflows_nothing():
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1000, 0, 1000], np.float32)) == pytest.approx([0, 0.5, 1])


def test_a_network_sees_its_own_range_of_values(wheel, tmp_path):
    seen = []
    fake = SimpleNamespace(
        set_tensor=lambda index, values: seen.append(values), invoke=lambda: None, get_tensor=lambda index: index
    )
    wheel("a.tflite")
    network = Network("a.tflite", tmp_path, low=-1)
    vars(network).update(_interpreter=fake, _input={"index": 7}, _outputs=[3, 2])
    assert network.answer(np.full((2, 2, 3), 255, np.uint8)) == [3, 2]
    network.answer(np.zeros((2, 2, 3), np.uint8))
    assert (seen[0] == 1).all() and (seen[1] == -1).all()
    assert seen[0].shape == (1, 2, 2, 3) and seen[0].dtype == np.float32
