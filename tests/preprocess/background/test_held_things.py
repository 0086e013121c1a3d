"""A bag that is not in the cut-out is said; empty hands, furniture and patterned walls are no bags."""

import cv2
import numpy as np
import pytest

from preprocess.background.held_things import LEAST, held_share

SIZE = (400, 300)
ROWS, COLUMNS = np.indices(SIZE)
HAND = (80, 240)
PERSON = (np.abs(COLUMNS - 150) < 50) & (ROWS > 60) | (np.abs(COLUMNS - 85) < 12) & (ROWS > 120) & (ROWS < 245)
BAG = (np.abs(COLUMNS - 70) < 30) & (ROWS > 252) & (ROWS < 320)


NOBODY = np.zeros(SIZE, bool)


def body(visible=0.9):
    points = np.zeros((33, 4), np.float32)
    points[:, :2] = (150, 200)
    for index, place in {11: (190, 110), 12: (110, 110), 23: (175, 240), 24: (125, 240)}.items():
        points[index] = (*place, 0, 0.9)
    points[[16, 18, 20, 22]] = (*HAND, 0, visible)
    return points


def wall(colour=(82.0, 0.0, 2.0)):
    return np.full((*SIZE, 3), colour, np.float32)


def with_thing(lab, thing, colour=(35.0, 20.0, 25.0)):
    return np.where(thing[..., None], np.float32(colour), lab)


@pytest.mark.parametrize(("lab", "probability"), [
    (with_thing(wall(), BAG), PERSON),
    (with_thing(wall((20.0, 0.0, 0.0)), BAG, (85.0, 5.0, 30.0)), PERSON),
    (wall(), PERSON + 0.5 * BAG),
], ids=["a dark bag before a plain wall", "a light bag before a dark one", "a thing that the person model sees"])  # fmt: skip
def test_a_thing_at_the_hand_is_found(lab, probability):
    share = held_share(lab, PERSON, probability.astype(np.float32), body(), NOBODY)
    assert share == pytest.approx(BAG.sum() / PERSON.sum(), rel=0.3)


@pytest.mark.parametrize(("lab", "points"), [
    (wall(), body()),
    (with_thing(wall(), (COLUMNS > 240) & (ROWS > 200)), body()),
    (with_thing(wall(), BAG), body(visible=0.1)),
    (with_thing(wall(), (COLUMNS // 20 + ROWS // 20) % 2 == 0), body()),
], ids=["empty hands", "a plant that nobody holds", "a hand that was guessed", "a chequered wall"])  # fmt: skip
def test_what_nobody_surely_holds_is_none(lab, points):
    assert held_share(lab, PERSON, PERSON.astype(np.float32), points, NOBODY) < LEAST


def test_a_bag_that_is_in_the_matte_needs_no_word():
    person = PERSON | cv2.dilate(BAG.astype(np.uint8), np.ones((9, 9))).astype(bool)
    assert held_share(with_thing(wall(), BAG), person, person.astype(np.float32), body(), NOBODY) < LEAST


@pytest.mark.parametrize("left", [30, 45])
def test_somebody_at_the_hand_is_no_thing(left):
    somebody = (np.abs(COLUMNS - left) < 34) & (ROWS > 90) & (ROWS < 390)
    lab = with_thing(wall(), somebody)
    assert held_share(lab, PERSON, (PERSON + 0.5 * somebody).astype(np.float32), body(), NOBODY) > 0.2
    assert held_share(lab, PERSON, (PERSON + 0.5 * somebody).astype(np.float32), body(), somebody) < LEAST


def test_a_bag_is_found_where_somebody_stands_farther_off():
    somebody = (COLUMNS > 230) & (ROWS > 90)
    lab = with_thing(with_thing(wall(), somebody, (40.0, 10.0, 10.0)), BAG)
    assert held_share(lab, PERSON, PERSON.astype(np.float32), body(), somebody) == pytest.approx(
        BAG.sum() / PERSON.sum(), rel=0.3
    )
