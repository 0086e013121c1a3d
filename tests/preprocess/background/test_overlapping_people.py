"""Two people who overlap are parted by their joints; a matte that mixes them is refused."""

import cv2
import numpy as np
import pytest

from pipeline.core import images
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.overlapping_people import drawn_body, mixed_with, theirs_alone
from preprocess.background.people_finder import PeopleFinder

SIZE = (400, 600)


def standing(x):
    """Somebody upright in the middle of column x, 360 rows tall."""
    body = np.zeros((33, 4), np.float32)
    body[:, 3] = 1
    body[:11, :2] = x, 50
    for index, (dx, y) in {
        11: (35, 100), 12: (-35, 100), 13: (50, 150), 14: (-50, 150), 15: (55, 200), 16: (-55, 200),
        19: (55, 215), 20: (-55, 215), 23: (22, 210), 24: (-22, 210), 25: (24, 290), 26: (-24, 290),
        27: (24, 370), 28: (-24, 370), 31: (30, 385), 32: (-30, 385),
    }.items():  # fmt: skip
        body[index, :2] = x + dx, y
    return body


def matte_of(*bodies):
    return np.where(np.any([drawn_body(body, SIZE) for body in bodies], 0), 255, 0).astype(np.uint8)


def test_a_drawn_body_has_torso_limbs_and_head():
    drawn = drawn_body(standing(300), SIZE)
    assert drawn[150, 300] and drawn[50, 300] and drawn[330, 276] and not drawn[330, 300] and not drawn[20, 500]


def test_joints_that_are_not_seen_draw_nothing():
    body = standing(300)
    body[25:, 3] = 0.2
    assert not drawn_body(body, SIZE)[330, 276]


def test_where_both_are_drawn_it_is_the_selected_persons():
    own, theirs = theirs_alone(standing(250), [standing(310)], SIZE)
    assert own[150, 280] and not theirs[150, 280] and theirs[150, 350] and not (own & theirs).any()


@pytest.mark.parametrize(("matte", "how"), [
    (matte_of(standing(250)), ""),
    (matte_of(standing(250), standing(340)), "limbs"),
    (np.where(np.indices(SIZE)[0] > 90, matte_of(standing(250)), 0).astype(np.uint8), "head"),
], ids=["one person", "both", "without a head"])  # fmt: skip
def test_a_mixture_is_named(matte, how):
    found = mixed_with(matte, standing(250), [standing(340)])
    assert how in found and bool(found) == bool(how)


def test_somebody_hidden_behind_cannot_be_mixed_in():
    assert mixed_with(matte_of(standing(250)), standing(250), [standing(256)]) == ""


def overlapping(folder, front, back, apart):
    """Two rendered people before a plain wall, and the true mattes of both as far as they are seen."""
    rgb, alpha = ([f(folder / f"{name}{end}") for name in (front, back)]
                  for f, end in ((images.read_rgb, ".jpg"), (images.read_grey, "-matte.png")))  # fmt: skip
    picture = np.full((1200, 1500, 3), 200.0)
    mattes = []
    for each, matte, left in ((rgb[1], alpha[1], 150 + apart), (rgb[0], alpha[0], 150)):
        where = (slice(0, 1200), slice(left, left + 900))
        share = matte[..., None] / 255
        picture[where] = picture[where] * (1 - share) + each * share
        mattes.append(np.zeros(picture.shape[:2], np.uint8))
        mattes[-1][where] = matte
    noise = np.random.default_rng(1).normal(0, 1.5, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8), mattes[1] >= 128, (mattes[0] >= 128) & (mattes[1] < 20)


@pytest.mark.slow
@pytest.mark.samples
@pytest.mark.parametrize(("front", "back", "apart"), [
    ("w1_full__stripes_long", "m1_street", 250), ("w1_full__dress", "w1_full__tee_print", 230), ("m2_turned", "w1_full", 260),
    ("m1_half__tee_print", "w1_half__tee_print", 330),
])  # fmt: skip
def test_overlapping_people_are_parted_or_refused(samples, failures, front, back, apart):
    picture, *people = overlapping(samples / "rendered", front, back, apart)
    selection = PeopleFinder().find(picture)
    alpha = EmbeddedMatte().matte_of(picture, selection)
    (failures / f"overlap_{front}_{back}.png").write_bytes(images.png(np.dstack([picture, alpha])))
    found = alpha >= 128
    theirs = sorted(np.count_nonzero(found & each) / np.count_nonzero(found) for each in people)[0]
    assert theirs < 0.1 or mixed_with(alpha, selection.landmarks.body, selection.bodies)
    assert selection.touching


@pytest.mark.slow
@pytest.mark.samples
def test_a_printed_face_that_costs_a_part_of_the_wearer_is_said(samples, failures):
    """A portrait on a shirt may be taken for somebody behind it; then the wearer loses clothes, and `second-person` says so."""
    folder = samples / "rendered"
    wearer, portrait = (images.read_rgb(folder / f"{name}.jpg").copy() for name in ("w1_half", "m1_half"))
    true = images.read_grey(folder / "w1_half-matte.png") >= 128
    wearer[504 : 504 + 298, 315 : 315 + 270] = cv2.resize(portrait[36:432, 270:629], (270, 298), interpolation=cv2.INTER_AREA)
    selection = PeopleFinder().find(wearer)
    alpha = EmbeddedMatte().matte_of(wearer, selection)
    (failures / "printed_face.png").write_bytes(images.png(np.dstack([wearer, alpha])))
    lost = np.count_nonzero(true & (alpha < 128)) / np.count_nonzero(true)
    assert lost < 0.02 or selection.touching
