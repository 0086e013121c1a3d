"""A paper tag on a garment is named; labels, patterns, pockets and writing are part of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from flat_lays import TEE, flat_lay, shape_mask
from test_what_a_picture_shows import YELLOW, flags_and_mask

from pipeline.core import images
from pipeline.core.flags import Flag
from preprocess.cloth.embedded import cut_garment
from preprocess.cloth.paper_tag import tag_notices

WHITE, BROWN, BLUE = (250, 250, 248), (206, 180, 140), (40, 60, 120)


def tee(colour=BLUE) -> np.ndarray:
    return flat_lay(shape_mask(TEE), colour)


def rectangle(photo: np.ndarray, middle, size, tilt, colour) -> np.ndarray:
    corners = cv2.boxPoints((middle, size, tilt)).astype(np.int32)
    return cv2.fillPoly(photo.copy(), [corners], colour, cv2.LINE_AA)


def with_tag(photo: np.ndarray, middle, tilt: float, colour) -> np.ndarray:
    """A tag of 34 × 60 px with writing and a string."""
    tagged = rectangle(photo, middle, (34, 60), tilt, colour)
    x, y = middle
    for line in (-4, 4, 12):
        cv2.line(tagged, (x - 9, y + line), (x + 9, y + line), (50, 50, 50), 2)
    cv2.line(tagged, (x, y - 22), (x + 14, y - 60), (200, 190, 170), 2, cv2.LINE_AA)
    return tagged


@pytest.mark.parametrize("colour", [WHITE, BROWN])
@pytest.mark.parametrize(("middle", "tilt"), [((330, 420), 0), ((260, 300), 25), ((350, 540), -40)])
def test_a_tag_is_named(tmp_path, middle, tilt, colour):
    assert flags_and_mask(tmp_path, with_tag(tee(), middle, tilt, colour))[0] == {Flag.PAPER_TAG}


def plain(photo):
    return photo


def label_in_the_collar(photo):
    return rectangle(photo, (300, 175), (44, 26), 0, WHITE)


def pocket(photo):
    return rectangle(photo, (345, 330), (70, 90), 0, (60, 84, 150))


def checks(photo):
    for row in range(6):
        for column in range(3):
            photo = rectangle(photo, (240 + 60 * column, 300 + 52 * row), (26, 36), 0, WHITE)
    return photo


def stripes(photo):
    for row in range(300, 600, 60):
        photo = rectangle(photo, (300, row), (198, 24), 0, WHITE)
    return photo


def writing(photo):
    return cv2.putText(photo.copy(), "STUDIO", (215, 380), cv2.FONT_HERSHEY_DUPLEX, 1.4, WHITE, 5, cv2.LINE_AA)


def badge(photo):
    return cv2.circle(photo.copy(), (350, 330), 26, WHITE, -1, cv2.LINE_AA)


@pytest.mark.parametrize("change", [plain, label_in_the_collar, pocket, checks, stripes, writing, badge])
@pytest.mark.parametrize("colour", [BLUE, YELLOW])
def test_what_belongs_to_the_garment_is_no_tag(change, colour):
    photo = change(tee(colour))
    assert not tag_notices(photo, cut_garment(photo))


@pytest.mark.samples
@pytest.mark.slow
def test_no_flat_sample_has_a_tag(samples):
    for path in (samples / "cloth").glob("*.jpg"):
        photo = images.read_rgb(path)
        assert "worn" in path.name or not tag_notices(photo, cut_garment(photo)), path.name
