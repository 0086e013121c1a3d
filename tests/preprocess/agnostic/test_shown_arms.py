"""An arm that was only guessed behind something is not drawn over it; an arm that is shown is drawn as before."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_person import JOINTS, SIZE, draw

from pipeline.core import masks
from pipeline.core.labels import Category, Joint, Parse
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.hr_viton import hr_viton
from preprocess.agnostic.shown_arms import shown_share, with_shown_arms

ROWS, COLUMNS = np.indices(SIZE)
HELMET = cv2.ellipse(np.zeros(SIZE, np.uint8), (590, 600), (110, 125), 0, 0, 360, 1, -1).astype(bool)
TABLE = ROWS > 560
PILLAR = COLUMNS > 505


def hidden(thing, **visibility):
    """The drawn person with long sleeves behind a thing, and joints of these visibilities."""
    drawing = draw(long_sleeves=True)
    seen = drawing.body.seen.copy()
    for joint, value in visibility.items():
        seen[Joint[joint.upper()]] = value
    return np.where(thing, np.uint8(Parse.BACKGROUND), drawing.labels), replace(drawing.body, seen=seen)


def mask_of(labels, body):
    return hr_viton(Category.UPPER, Conditions(labels, body))


@pytest.mark.parametrize(("thing", "visibility"), [
    (HELMET, {"left_elbow": 0.4, "left_wrist": 0.1}),
    (TABLE, {"left_wrist": 0.2, "right_wrist": 0.2}),
    (PILLAR, {"left_elbow": 0.05, "left_wrist": 0.02}),
], ids=["a helmet in the arm", "hands under a table", "a pillar before the whole arm"])  # fmt: skip
def test_what_hides_an_arm_is_not_repainted(thing, visibility):
    labels, body = hidden(thing, **visibility)
    drawn, shown = (mask_of(labels, each) for each in (body, with_shown_arms(body, labels > 0)))
    outside = thing & ~masks.dilate(labels == Parse.UPPER_CLOTHES, 0.1 * body.scale) & (np.abs(COLUMNS - 384) > 180)
    assert np.count_nonzero(shown & outside) <= 0.25 * np.count_nonzero(drawn & outside)
    assert shown[labels == Parse.UPPER_CLOTHES].all()
    assert not (shown & ~drawn).any()


def test_a_sleeve_that_is_shown_stays_covered_however_unsure_its_joints_are():
    labels, body = hidden(np.zeros(SIZE, bool), left_elbow=0.1, left_wrist=0.1)
    assert with_shown_arms(body, labels > 0).xy.tolist() == body.xy.tolist()


def test_a_sure_hand_keeps_its_arm_where_the_matte_lost_the_sleeve():
    labels, body = hidden(HELMET, left_elbow=0.3, left_wrist=0.9)
    assert with_shown_arms(body, labels > 0) is body


def test_a_bone_that_leaves_the_photo_counts_as_shown():
    person = np.ones(SIZE, bool)
    assert shown_share(np.array([700.0, 500.0]), np.array([900.0, 500.0]), person) == 1.0
    x, y = JOINTS[Joint.NECK]
    assert shown_share(np.array([x, y]), np.array([x, y + 100.0]), y + 50 > ROWS) == pytest.approx(0.5, abs=0.04)
