"""LiteRT answers as mediapipe 0.10.21 did once, where that cannot be installed beside it (recorded/README.md)."""

import importlib.util
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.core.errors import WeightsError
from pipeline.core.people_networks.litert import LiteRTNetworks
from pipeline.core.weights.access import DEFAULT_ROOT

if importlib.util.find_spec("ai_edge_litert") is None:
    pytest.skip("needs ai-edge-litert", allow_module_level=True)
astronaut = pytest.importorskip("skimage.data").astronaut

RECORDED = Path(__file__).parent / "recorded" / "astronaut.json"


@pytest.fixture(scope="module")
def recorded():
    return {name: np.array(rows) for name, rows in json.loads(RECORDED.read_text()).items()}


@pytest.fixture(scope="module")
def networks():
    try:
        return LiteRTNetworks(DEFAULT_ROOT)
    except WeightsError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def picture():
    return np.ascontiguousarray(astronaut())


def _small(probability):
    return cv2.resize(probability, (32, 32), interpolation=cv2.INTER_AREA)


def test_joints_are_where_they_were(networks, picture, recorded):
    body = networks.pose(picture).body
    assert np.linalg.norm(body[:, :2] - recorded["pose"][:, :2], axis=1).max() < 0.5
    assert body[:, 2] == pytest.approx(recorded["pose"][:, 2], abs=2)
    assert body[:, 3] == pytest.approx(recorded["pose"][:, 3], abs=0.02)


def test_the_persons_pixels_are_where_they_were(networks, picture, recorded):
    assert _small(networks.pose(picture).probability) == pytest.approx(recorded["person"], abs=0.02)
    assert _small(networks.person_probability(picture)) == pytest.approx(recorded["everyone"], abs=0.02)


def test_faces_are_where_they_were(networks, picture, recorded):
    assert networks.faces(picture) == pytest.approx(recorded["faces"], abs=0.2)
    assert np.abs(networks.face_oval(picture) - recorded["face_oval"]).max() < 0.3


def test_threads_that_ask_at_once_get_their_own_answers(networks, picture):
    views = [picture, np.ascontiguousarray(picture[:, ::-1]), np.rot90(picture).copy()] * 3
    alone = [networks.face_oval(view) for view in views[:3]] * 3
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(pool.map(networks.face_oval, views), alone, strict=True):
            assert np.array_equal(one, other)
