"""White clothes before a white wall: the networks decide what colours cannot, and what nobody can tell is doubted aloud."""

import cv2
import numpy as np
import pytest

from pipeline.core import images, masks
from pipeline.core.flags import Flag
from pipeline.core.labels import Parse
from pipeline.core.pixels.colour import to_lab
from preprocess.background.alike_wall import alike_notices, doubted_share, settle_alike
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.people_finder import PeopleFinder

SIZE = (400, 300)
ROWS, COLUMNS = np.indices(SIZE)
TORSO = (np.abs(COLUMNS - 150) < 50) & (ROWS > 60) & (ROWS < 220)
LEGS = (np.abs(np.abs(COLUMNS - 150) - 33) < 17) & (ROWS >= 220) & (ROWS < 380)
GAP = (np.abs(COLUMNS - 150) < 13) & (ROWS > 235) & (ROWS < 375)
PERSON = TORSO | LEGS
SIDE = (COLUMNS >= 200) & (COLUMNS < 216) & (ROWS > 100) & (ROWS < 218)
WHITE, JEANS, SHADED = (238, 238, 237), (50, 70, 120), (168, 168, 167)
NOBODY = np.zeros(SIZE, np.float32)


def photo(lower=WHITE, side=WHITE):
    picture = np.full((*SIZE, 3), WHITE, np.float32)
    picture[LEGS], picture[SIDE] = lower, side
    return np.clip(picture + np.random.default_rng(3).normal(0, 1.5, picture.shape), 0, 255).astype(np.uint8)


def probability(**places):
    """Sure on the person, and unsure where said."""
    sure = cv2.GaussianBlur(PERSON.astype(np.float32), (0, 0), 2)
    for where, value in ((GAP, places.get("gap", 0.0)), (SIDE, places.get("side", 0.0))):
        sure[where] = np.maximum(sure[where], value)
    return sure


def test_the_gap_between_white_trousers_is_the_walls():
    filled = PERSON | GAP
    settled = settle_alike(photo(), filled, probability(gap=0.35), NOBODY)
    assert not settled[masks.erode(GAP, 3)].any() and settled[masks.erode(PERSON, 4)].all()


def test_between_jeans_the_colours_decide():
    cut = settle_alike(photo(lower=JEANS), PERSON, probability(gap=0.6), NOBODY)
    assert not cut[masks.erode(GAP, 4)].any()


def test_the_shaded_side_of_a_white_skirt_is_no_wall():
    settled = settle_alike(photo(side=SHADED), PERSON, probability(side=0.4), NOBODY)
    assert settled[masks.erode(SIDE, 3)].all()
    assert not settled[~masks.dilate(PERSON | SIDE, 4)].any()


def test_a_thing_of_another_person_is_not_taken():
    others = np.where(SIDE, np.float32(0.8), np.float32(0))
    assert not settle_alike(photo(side=SHADED), PERSON, probability(side=0.4), others)[masks.erode(SIDE, 3)].any()


@pytest.mark.parametrize(("side", "unsure", "doubted"), [(WHITE, 0.4, True), (WHITE, 0.05, False), (SHADED, 0.4, False)],
                         ids=["a white hem, perhaps", "no hem", "a hem in the shade"])  # fmt: skip
def test_what_neither_colours_nor_networks_tell_is_doubted(side, unsure, doubted):
    matte = PERSON | SIDE if side == SHADED else PERSON
    share = doubted_share(to_lab(photo(side=side)), probability(side=unsure), matte)
    assert (share > 0.02) == doubted


def test_a_piece_that_was_cut_away_and_is_no_wall_is_doubted():
    assert doubted_share(to_lab(photo(side=SHADED)), probability(side=0.15), PERSON) > 0.02


def whitened(samples, name, labels, shading):
    """A rendered person in white before a white wall, and the true matte. Shading: 1 as rendered, 0 none."""
    folder = samples / "rendered"
    rgb, alpha = images.read_rgb(folder / f"{name}.jpg"), images.read_grey(folder / f"{name}-matte.png")
    worn = masks.labelled(images.read_labels(folder / f"{name}-parse.png"), labels)
    light = to_lab(rgb)[..., 0]
    shade = 1 + shading * (np.clip(light / np.median(light[worn]), 0.6, 1.08) - 1)
    soft = cv2.GaussianBlur(worn.astype(np.float32), (0, 0), 0.8)[..., None]
    dressed = rgb * (1 - soft) + 238 * shade[..., None] * soft
    share = alpha[..., None] / 255
    wall = 238 + np.random.default_rng(0).normal(0, 1.2, rgb.shape)
    return np.clip(dressed * share + wall * (1 - share), 0, 255).astype(np.uint8), alpha


@pytest.mark.slow
@pytest.mark.samples
@pytest.mark.parametrize(("name", "labels", "shading"), [
    ("w1_full__dress", (Parse.DRESS, Parse.SKIRT), 1.0),
    ("w1_full__dress", (Parse.DRESS, Parse.SKIRT), 0.25),
    ("w1_full", (Parse.UPPER_CLOTHES,), 0.25),
    ("m2_turned", (Parse.PANTS,), 0.25),
], ids=["dress", "dress without shade", "shirt without shade", "trousers without shade"])  # fmt: skip
def test_white_on_white_is_whole_or_flagged(samples, failures, name, labels, shading):
    picture, true = whitened(samples, name, labels, shading)
    selection = PeopleFinder().find(picture)
    matte = EmbeddedMatte().matte_of(picture, selection)
    (failures / f"white_on_white_{name}_{shading}.png").write_bytes(images.png(np.dstack([picture, matte])))
    body, wall = masks.erode(true > 250, 4), masks.erode(true < 5, 4)
    wrong = (np.count_nonzero(body & (matte < 128)) + np.count_nonzero(wall & (matte >= 128))) / np.count_nonzero(body)
    flags = {notice.flag for notice in alike_notices(picture, matte, selection)}
    assert len(selection.areas) == 1
    assert wrong < 0.02 or flags == {Flag.MATTE_DOUBTFUL}
