"""LiteRT answers as mediapipe's own graphs do, asked beside them in the same process."""

import importlib.util
import logging

import cv2
import numpy as np
import pytest

from pipeline.core import images
from pipeline.core.people_networks.door import Runtime, runtime_here

if importlib.util.find_spec("ai_edge_litert") is None or runtime_here() is not Runtime.SOLUTIONS:
    pytest.skip("needs ai-edge-litert and mediapipe 0.10 in one environment", allow_module_level=True)

from skimage import data

from pipeline.core.people_networks.litert import LiteRTNetworks
from pipeline.core.people_networks.solutions import MediapipeSolutions

ROWS = 1024


@pytest.fixture(scope="module")
def solutions():
    logging.getLogger("absl").setLevel(logging.ERROR)
    return MediapipeSolutions()


@pytest.fixture(scope="module")
def litert(tmp_path_factory):
    return LiteRTNetworks(tmp_path_factory.mktemp("weights"))


def _astronaut():
    return np.ascontiguousarray(data.astronaut())


VIEWS = {
    "as she is": lambda picture: picture,
    "lying": lambda picture: np.rot90(picture).copy(),
    "small in a wide picture": lambda picture: cv2.copyMakeBorder(picture, 100, 0, 500, 700, cv2.BORDER_REPLICATE),
    "grey": lambda picture: np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2),
    "tilted": lambda picture: cv2.warpAffine(picture, cv2.getRotationMatrix2D((256, 256), 25, 0.7), (512, 512)),
    "twice": lambda picture: np.hstack([picture, picture[:, ::-1]]),
}
NOBODY = {
    "black": np.zeros((200, 300, 3), np.uint8),
    "noise": np.random.default_rng(5).integers(0, 256, (300, 200, 3), np.uint8),
    "very wide": np.full((40, 2000, 3), 90, np.uint8),
    "one pixel": np.full((1, 1, 3), 90, np.uint8),
}


def _assert_same(ours, theirs, rows):
    """Points within 1 pixel at 1024 rows, or both None."""
    assert (ours is None) == (theirs is None)
    if ours is not None:
        assert np.linalg.norm(ours[:, :2] - theirs[:, :2], axis=1).max() < rows / ROWS


def _iou(one, other):
    return (one & other).sum() / max(1, (one | other).sum())


def _assert_same_person(ours, theirs, rows):
    assert (ours is None) == (theirs is None)
    if ours is not None:
        _assert_same(ours.body, theirs.body, rows)
        assert np.abs(ours.body[:, 2] - theirs.body[:, 2]).max() < 2 * rows / ROWS
        assert ours.body[:, 3] == pytest.approx(theirs.body[:, 3], abs=0.01)
        assert _iou(ours.probability > 0.5, theirs.probability > 0.5) > 0.998
        assert (ours.body.dtype, ours.probability.dtype) == (theirs.body.dtype, theirs.probability.dtype)


@pytest.mark.parametrize("view", VIEWS)
def test_the_same_person_stands_in_the_same_place(litert, solutions, view):
    picture = VIEWS[view](_astronaut())
    theirs = solutions.pose(picture)
    assert theirs is not None
    _assert_same_person(litert.pose(picture), theirs, len(picture))


@pytest.mark.parametrize("view", VIEWS)
def test_the_same_pixels_belong_to_people(litert, solutions, view):
    picture = VIEWS[view](_astronaut())
    ours, theirs = litert.person_probability(picture), solutions.person_probability(picture)
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    assert _iou(ours > 0.5, theirs > 0.5) > 0.999


@pytest.mark.parametrize("view", VIEWS)
def test_the_same_faces_are_found_in_the_same_order(litert, solutions, view):
    picture = VIEWS[view](_astronaut())
    assert litert.faces(picture) == pytest.approx(solutions.faces(picture), abs=0.5)


@pytest.mark.parametrize("view", VIEWS)
def test_the_mesh_lies_on_the_same_face(litert, solutions, view):
    picture = VIEWS[view](_astronaut())
    _assert_same(litert.face_mesh(picture), solutions.face_mesh(picture), len(picture))
    assert litert.face_oval(picture).shape == solutions.face_oval(picture).shape


@pytest.mark.parametrize("kind", NOBODY)
def test_where_nobody_is_both_say_so(litert, solutions, kind):
    picture = NOBODY[kind]
    for networks in (litert, solutions):
        assert networks.pose(picture) is None
        assert networks.hand(picture) is None
        assert networks.face_mesh(picture) is None
        assert networks.faces(picture).shape == (0, 5)
        assert networks.face_oval(picture).shape == (0, 2)
        assert networks.person_probability(picture).shape == picture.shape[:2]


@pytest.mark.samples
def test_on_the_sample_photos_every_answer_is_the_same(litert, solutions, samples):
    photos = sorted((samples / "person").glob("*.jpg"))
    assert photos
    for photo in photos:
        picture = images.read_rgb(photo)
        rows = len(picture)
        _assert_same_person(litert.pose(picture), solutions.pose(picture), rows)
        _assert_same(litert.face_mesh(picture), solutions.face_mesh(picture), rows)
        _assert_same(litert.hand(picture), solutions.hand(picture), rows)
        assert litert.faces(picture) == pytest.approx(solutions.faces(picture), abs=0.5)
        assert _iou(litert.person_probability(picture) > 0.5, solutions.person_probability(picture) > 0.5) > 0.999
