"""Soles and laces in the floor's colour stay: the person model is believed at feet that are seen."""

import cv2
import numpy as np
import pytest

from pipeline.core import images, masks
from pipeline.core.labels import Parse
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.feet import foot_shadows, surely_shoes
from preprocess.background.grabcut import MattingConfig, segment
from preprocess.background.people_finder import PeopleFinder

SIZE = (320, 240)
FLOOR, SHOE, TROUSERS = (225, 224, 222), (70, 90, 140), (40, 50, 90)
LEG = cv2.rectangle(np.zeros(SIZE, np.uint8), (95, 0), (135, 230), 1, -1) > 0
UPPER = cv2.ellipse(np.zeros(SIZE, np.uint8), (112, 245), (36, 24), 0, 0, 360, 1, -1) > 0
SOLE = cv2.rectangle(np.zeros(SIZE, np.uint8), (76, 256), (148, 276), 1, -1) > 0
PERSON = LEG | UPPER | SOLE


def body(visible=0.9):
    points = np.zeros((33, 4), np.float32)
    for index, place in {25: (115, 60), 27: (115, 225), 29: (130, 262), 31: (92, 266)}.items():
        points[index] = (*place, 0, visible)
    return points


def photo(laces=False):
    picture = np.full((*SIZE, 3), FLOOR, np.float32)
    for place, colour in ((LEG, TROUSERS), (UPPER, SHOE), (SOLE, FLOOR)):
        picture[place] = colour
    if laces:
        picture[235:252:6, 100:124] = FLOOR
    return np.clip(picture + np.random.default_rng(1).normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


def seen():
    return cv2.GaussianBlur(PERSON.astype(np.float32), (0, 0), 3)


def cut(picture, points):
    return segment(picture, seen(), surely_shoes(points, seen()), np.zeros(SIZE, np.float32), 1, MattingConfig())


@pytest.mark.parametrize("laces", [False, True], ids=["a white sole", "a white sole and laces"])
def test_a_shoe_keeps_what_has_the_floors_colour(laces):
    sole = masks.erode(SOLE, 4)
    assert cut(photo(laces), body(visible=0.1))[sole].mean() < 0.7, "by colours alone"
    kept = cut(photo(laces), body())
    assert kept[sole].mean() > 0.95 and kept[masks.erode(UPPER, 4)].all()
    assert not kept[~masks.dilate(PERSON, 5)].any()


def test_nothing_beside_the_person_becomes_a_shoe():
    assert not surely_shoes(body(), seen())[~PERSON].any()
    assert not surely_shoes(body(), np.zeros(SIZE, np.float32)).any()


def test_a_foot_outside_the_photo_is_none():
    below = body()
    below[[27, 29, 31], 1] += 400
    assert not surely_shoes(below, seen()).any()


SHADOW = cv2.ellipse(np.zeros(SIZE, np.uint8), (160, 262), (60, 16), 0, 0, 360, 1, -1) > 0
TAKEN = SHADOW & ~PERSON & (np.indices(SIZE)[1] < 154)


def shaded():
    """A shadow that begins at the shoe and goes on beyond what was taken for the shoe."""
    return np.where((SHADOW & ~PERSON)[..., None], (photo() * 0.6).astype(np.uint8), photo())


def test_the_shadow_beside_a_shoe_is_floor():
    cut_off = foot_shadows(shaded(), PERSON | TAKEN, np.where(TAKEN, np.float32(0.4), seen()), body())
    assert cut_off[masks.erode(TAKEN, 2)].mean() > 0.95
    assert not cut_off[PERSON].any()


@pytest.mark.parametrize(("picture", "likely"), [(shaded(), 0.7), (photo(), 0.4)], ids=["seen as a shoe", "lit like the floor"])
def test_what_is_seen_as_a_shoe_or_is_not_darker_is_no_shadow(picture, likely):
    assert not foot_shadows(picture, PERSON | TAKEN, np.where(TAKEN, np.float32(likely), seen()), body()).any()


def test_a_grey_shoe_on_a_light_floor_is_no_shadow_because_none_goes_on_beside_it():
    grey = np.where(TAKEN[..., None], (photo() * 0.6).astype(np.uint8), photo())
    assert not foot_shadows(grey, PERSON | TAKEN, np.where(TAKEN, np.float32(0.4), seen()), body()).any()


def test_without_feet_in_sight_there_is_no_shadow():
    assert not foot_shadows(shaded(), PERSON | TAKEN, seen(), body(visible=0.1)).any()


@pytest.mark.slow
@pytest.mark.samples
def test_a_rendered_mans_shadow_stays_on_the_pavement(samples):
    """Where his left shoe's shadow was taken along: before, four fifths of these pixels were solid."""
    photo = images.read_rgb(samples / "rendered" / "m1_street.jpg")
    alpha = EmbeddedMatte().matte_of(photo, PeopleFinder().find(photo))
    assert (alpha[1130:1150, 408:424] >= 128).mean() <= 0.1


@pytest.mark.slow
@pytest.mark.samples
@pytest.mark.parametrize(("name", "least"), [("w1_full", 0.97), ("m1_street", 0.92)])
def test_rendered_shoes_are_kept(samples, name, least):
    folder = samples / "rendered"
    photo = images.read_rgb(folder / f"{name}.jpg")
    shoes = masks.labelled(images.read_labels(folder / f"{name}-parse.png"), (Parse.LEFT_SHOE, Parse.RIGHT_SHOE))
    alpha = EmbeddedMatte().matte_of(photo, PeopleFinder().find(photo))
    assert (alpha[shoes] >= 128).mean() >= least
