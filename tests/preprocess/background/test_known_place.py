"""Looking again at a person whose place is known, as restore does with every dressed picture whose outline is in doubt."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.core import images
from pipeline.core.masks import box_of, iou
from pipeline.core.rect import Rect
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.people_finder import PeopleFinder

ASKED_SIDE_PX = 576


@pytest.mark.slow
@pytest.mark.samples
@pytest.mark.parametrize("who", ["p01", "p04", "p06", "p07", "p11"])
def test_a_look_at_a_known_place_agrees_with_the_full_search(samples, who):
    (path,) = (samples / "person").glob(f"{who}*")
    photo = images.read_photo(path, 60).rgb
    factor = ASKED_SIDE_PX / max(photo.shape[:2])
    small = cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    matte = EmbeddedMatte()
    full = matte.matte_of(small, PeopleFinder().find(small))
    assert iou(matte.matte_in(small, box_of(full > 127)) > 127, full > 127) > 0.93


@pytest.mark.samples
def test_a_person_elsewhere_in_the_photo_is_not_the_person_in_the_box(samples):
    (path,) = (samples / "person").glob("p01*")
    person = images.read_photo(path, 60).rgb
    small = cv2.resize(person, (216, 288), interpolation=cv2.INTER_AREA)
    wide = np.full((288, 640, 3), 200, np.uint8)
    wide[:, :216] = small
    assert EmbeddedMatte().matte_in(wide, Rect(20.0, 430.0, 260.0, 180.0)).max() == 0


def test_an_empty_wall_shows_nobody():
    assert EmbeddedMatte().matte_in(np.full((128, 96, 3), 150, np.uint8), Rect(10.0, 20.0, 100.0, 50.0)).max() == 0
