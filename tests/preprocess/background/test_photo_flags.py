"""Flags of light, colour and sharpness, of strips of other people, and of a network that loses part of a person."""

import cv2
import numpy as np
import pytest
from drawn_person import SIZE, draw

from pipeline.core.flags import Flag
from preprocess.background.chosen_person import shows_person
from preprocess.background.people_finder import strips_beside
from preprocess.background.photo_flags import photo_quality_notices

PHOTO, ALPHA = draw().view.image, draw().view.matte
ROWS, COLUMNS = np.indices(SIZE)


def flags(photo: np.ndarray) -> set[Flag]:
    return {notice.flag for notice in photo_quality_notices(photo, ALPHA)}


def test_a_good_photo_has_no_flag():
    assert flags(PHOTO) == set()


@pytest.mark.parametrize("clothes", [(25, 25, 28), (240, 240, 238)])
def test_black_and_white_clothes_in_colour_photos_have_no_flag(clothes):
    drawing = draw(upper=clothes, lower=clothes)
    assert photo_quality_notices(drawing.view.image, drawing.view.matte) == []


def test_a_small_person_in_colour_before_a_grey_wall_is_not_colourless():
    photo, alpha = (np.pad(each, ((900, 0), (900, 2400), (0, 0))[: each.ndim], constant_values=0) for each in (PHOTO, ALPHA))
    photo[alpha == 0] = 190
    assert Flag.PHOTO_COLOURLESS not in {notice.flag for notice in photo_quality_notices(photo, alpha)}


@pytest.mark.parametrize("share", [0.15, 0.3])
def test_a_dark_photo_is_flagged(share):
    assert Flag.PHOTO_DARK in flags((PHOTO * share).astype(np.uint8))


def test_a_person_in_the_dark_before_a_bright_window_is_flagged():
    assert flags(np.where((ALPHA > 0)[..., None], PHOTO * 0.2, PHOTO).astype(np.uint8)) == {Flag.PHOTO_DARK}


@pytest.mark.parametrize("tint", [(1, 1, 1), (1, 0.985, 0.97)])
def test_a_black_and_white_photo_is_flagged(tint):
    grey = cv2.cvtColor(PHOTO, cv2.COLOR_RGB2GRAY)[..., None] * np.array(tint)
    assert flags(grey.astype(np.uint8)) == {Flag.PHOTO_COLOURLESS}


@pytest.mark.parametrize("blurred", [lambda photo: cv2.GaussianBlur(photo, (0, 0), 4), lambda photo: cv2.blur(photo, (21, 1))])
def test_a_blurred_photo_is_flagged(blurred):
    assert Flag.PHOTO_BLURRED in flags(blurred(PHOTO))


def test_a_small_photo_that_was_enlarged_is_flagged():
    small = cv2.resize(PHOTO, (96, 128), interpolation=cv2.INTER_AREA)
    assert flags(cv2.resize(small, SIZE[::-1], interpolation=cv2.INTER_CUBIC)) == {Flag.PHOTO_BLURRED}


def test_a_strip_of_another_person_at_the_edge_is_found():
    person, strip = ALPHA > 0, COLUMNS < 60
    strips = strips_beside((person | strip).astype(np.float32), cv2.dilate(ALPHA, np.ones((25, 25))) > 0)
    assert (strips & strip).sum() > 0.9 * strip.sum() and not (strips & person).any()


@pytest.mark.parametrize("other", [
    (COLUMNS > 90) & (COLUMNS < 150) & (ROWS > 300),  # a bag that stands beside the person
    (COLUMNS < 4),  # a frame
    (COLUMNS < 40) & (ROWS < 60),  # a speck
])  # fmt: skip
def test_what_the_edge_does_not_cut_and_what_is_small_is_no_strip(other):
    person = ALPHA > 0
    assert not strips_beside((person | other).astype(np.float32), cv2.dilate(ALPHA, np.ones((25, 25))) > 0).any()


def test_a_network_that_lost_the_trousers_does_not_show_the_person():
    lost = np.where(ROWS > 700, 0, ALPHA).astype(np.uint8)
    assert np.count_nonzero(lost) > 0.6 * np.count_nonzero(ALPHA)
    assert not shows_person(lost, ALPHA)


def test_a_network_with_a_sharper_edge_or_a_gap_that_we_closed_shows_the_person():
    thinner = cv2.erode(ALPHA, np.ones((9, 9), np.uint8))
    gap = np.where((np.abs(COLUMNS - 384) < 14) & (ROWS > 760), 0, thinner).astype(np.uint8)
    assert shows_person(thinner, ALPHA) and shows_person(gap, ALPHA)
