"""DCI-VTON's agnostic drawing against what its own loader made of the same files."""

import io

import numpy as np
import pytest
from drawn_person import draw, keypoints
from PIL import Image

from pipeline.core.keypoints import keypoints_from_json
from pipeline.core.labels import Category, Joint, Parse
from preprocess.agnostic.picture import grey_out
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.dci_vton import dci_vton
from preprocess.person.body import joints_from_keypoints

PERSON = "00001_00"


@pytest.fixture(scope="module")
def recorded(fixtures_root):
    return np.load(fixtures_root / "dci_vton" / "public" / "preprocess.npz")


def stored(recorded, path: str) -> bytes:
    return recorded[f"file/test/{path}"].tobytes()


def picture(recorded, path: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(stored(recorded, path))))


@pytest.fixture(scope="module")
def conditions(recorded):
    points = keypoints_from_json(stored(recorded, f"openpose_json/{PERSON}_keypoints.json").decode())
    return Conditions(picture(recorded, f"image-parse-v3/{PERSON}.png"), joints_from_keypoints(points))


def test_the_mask_equals_the_second_loaders(recorded, conditions):
    expected = np.unpackbits(recorded["v2/agnostic_mask_1024x768"]).reshape(1024, 768) > 0
    assert np.count_nonzero(dci_vton(Category.UPPER, conditions) != expected) <= 40


def test_the_agnostic_picture_equals_the_loaders(recorded, conditions):
    image = picture(recorded, f"image/{PERSON}.jpg")
    grey = grey_out(image, dci_vton(Category.UPPER, conditions))
    apart = np.abs(grey[2::4, 2::4].astype(int) - recorded["v2/agnostic_u8_s4"])
    assert np.count_nonzero(apart.max(-1) > 1) <= 8


def test_hands_face_and_trousers_are_given_back_and_the_shirt_is_covered():
    drawing = draw()
    mask = dci_vton(Category.UPPER, Conditions(drawing.labels, drawing.body))
    assert not mask[np.isin(drawing.labels, (Parse.FACE, Parse.PANTS))].any()
    assert mask[drawing.labels == Parse.UPPER_CLOTHES].mean() > 0.99
    rows = np.indices(drawing.labels.shape)[0]
    hands = np.isin(drawing.labels, (Parse.LEFT_ARM, Parse.RIGHT_ARM)) & (rows > 690)
    assert hands.any() and not mask[hands].any()


def test_joints_that_nobody_saw_draw_nothing_towards_the_corner():
    drawing = draw()
    for missing in (
        (Joint.RIGHT_HIP, Joint.LEFT_HIP, Joint.MID_HIP),
        (Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST),
        (Joint.LEFT_WRIST,),
    ):
        body = joints_from_keypoints(keypoints(without=missing))
        mask = dci_vton(Category.UPPER, Conditions(drawing.labels, body))
        assert not mask[:150, :150].any() and mask[400, 384]
