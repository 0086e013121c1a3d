"""An engine that uses no mask draws the whole picture anew; only its garment is taken, and everything else stays the photo's."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_anew import CAST, SIZE, drawn_anew

from compose.mask_free import Places, drawn_size, learn, softness, uses_no_mask

SHAPE = (512, 384)
OLD, NEW, WALL, SKIN = (70, 70, 160), (190, 40, 50), (200, 205, 210), (205, 160, 135)
DRAWN = (432, 288)


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    inside = np.zeros(SHAPE, bool)
    inside[top:bottom, left:right] = True
    return inside


MASK, WORN, FACE, HAND = box(120, 320, 100, 284), box(140, 300, 130, 254), box(40, 110, 160, 224), box(240, 300, 286, 310)
PERSON = box(40, 500, 130, 254) | HAND
PLACES = Places(MASK, FACE | HAND, PERSON, WORN)


def before() -> np.ndarray:
    """A person in a blue top before a wall with fine texture."""
    picture = np.full((*SHAPE, 3), WALL, np.uint8)
    picture[box(300, 500, 130, 254)] = (60, 80, 120)
    for inside, colour in ((FACE, SKIN), (HAND, SKIN), (WORN, OLD)):
        picture[inside] = colour
    grain = np.random.default_rng(5).integers(-6, 7, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def dressed(garment: np.ndarray, colour: tuple[int, int, int] = NEW) -> np.ndarray:
    """The picture that the engine has in mind, drawn anew."""
    picture = before()
    picture[garment] = colour
    return drawn_anew(picture, DRAWN)


def differs(learned, canvas: np.ndarray) -> np.ndarray:
    return (learned.result != canvas).any(2)


def test_a_picture_in_which_nothing_was_changed_leaves_the_photo_bit_for_bit() -> None:
    learned = learn(before(), dressed(box(0, 0, 0, 0)), PLACES, DRAWN)
    assert not differs(learned, before()).any() and np.array_equal(learned.mask, MASK)


def test_the_garment_is_taken_in_its_own_colours_and_wall_face_and_hands_stay() -> None:
    canvas = before()
    learned = learn(canvas, dressed(WORN), PLACES, DRAWN)
    inner = cv2.erode(WORN.astype(np.uint8), np.ones((9, 9))) > 0
    assert np.abs(learned.result[inner].astype(int).mean(0) - NEW).max() < 2.5 < max(CAST)
    around = cv2.dilate(WORN.astype(np.uint8), np.ones((21, 21))) > 0
    assert not differs(learned, canvas)[~around].any()
    assert not differs(learned, canvas)[FACE].any()


def test_a_hem_below_the_mask_belongs_to_the_garment_and_a_change_elsewhere_does_not() -> None:
    canvas = before()
    learned = learn(canvas, dressed(WORN | box(300, 360, 130, 254) | box(430, 480, 20, 90)), PLACES, DRAWN)
    changed = differs(learned, canvas)
    assert changed[box(325, 355, 135, 249)].all() and learned.mask[box(325, 355, 135, 249)].all()
    assert not changed[box(420, 490, 0, 100)].any()


def test_a_picture_changed_far_from_the_mask_is_cut_where_no_garment_reaches() -> None:
    learned = learn(before(), dressed(WORN | box(300, 500, 130, 254)), PLACES, DRAWN)
    assert not differs(learned, before())[box(400, 512, 0, 384)].any()


@pytest.mark.parametrize(("new", "taken"), [(box(140, 270, 130, 254), True), (box(140, 200, 130, 254), False)])
def test_cloth_of_the_old_colour_is_taken_where_most_of_the_garment_is_new_and_left_where_it_is_not(new, taken) -> None:
    learned = learn(before(), dressed(new), PLACES, DRAWN)
    assert differs(learned, before())[box(282, 298, 140, 244)].mean() > 0.9 if taken else True
    assert taken or not differs(learned, before())[box(250, 298, 140, 244)].any()


def test_hands_beside_the_garment_are_reached_by_its_soft_border_alone() -> None:
    sleeve = WORN | box(240, 300, 254, 312)
    learned = learn(before(), dressed(sleeve), PLACES, DRAWN)
    assert not differs(learned, before())[box(240, 300, 292, 310)].any()
    assert differs(learned, before())[box(250, 290, 256, 280)].all()


def test_the_border_is_soft() -> None:
    canvas = np.where(WORN[..., None], np.uint8(90), np.full((*SHAPE, 3), 200, np.uint8))
    result = canvas.copy()
    result[box(140, 300, 120, 264)] = 30
    result[:, :, 0] = np.clip(result[:, :, 0] + 5.0, 0, 255)
    row = learn(canvas, result, replace(PLACES, own=np.zeros(SHAPE, bool))).result[220].astype(int)
    assert set(np.unique(row[100:116])) <= {200} and row[140:240].max() <= 40


def test_the_recipe_says_whether_there_was_a_mask_and_how_large_the_engine_drew() -> None:
    recipe = {"mask_free": True, "sampling": {"size": list(SIZE)}}
    assert uses_no_mask(recipe) and not uses_no_mask({}) and not uses_no_mask(None)
    assert drawn_size(recipe) == SIZE and drawn_size({"sampling": {"steps": 3}}) is None
    assert softness((1024, 768), SIZE) == pytest.approx(768 / 576) and softness((1024, 768), None) == 1
    assert softness((512, 384), (1024, 768)) == 1
