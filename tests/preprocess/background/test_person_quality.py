"""Quality flags from joints: each real problem is flagged, a plain frontal pose is not."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.flags import Flag
from pipeline.core.rect import Rect
from preprocess.background.pose_flags import pose_notices
from preprocess.person.landmarks import Landmarks

SIZE = (1000, 750)


def _frontal() -> np.ndarray:
    """A standing person, arms down: shoulders 200 px apart at y 300, hips 120 px apart at y 600."""
    body = np.zeros((33, 4), np.float32)
    body[:, 3] = 1
    body[:11, :2] = 375, 180
    for index, point in {
        11: (475, 300), 12: (275, 300), 13: (510, 430), 14: (240, 430), 15: (530, 560), 16: (220, 560), 19: (535, 600),
        20: (215, 600), 23: (435, 600), 24: (315, 600), 25: (435, 780), 26: (315, 780), 27: (435, 950), 28: (315, 950),
    }.items():  # fmt: skip
        body[index, :2] = point
    return body


def _flags(body: np.ndarray, size: tuple[int, int] = SIZE) -> set[Flag]:
    landmarks = Landmarks(size, body.astype(np.float32), np.zeros((0, 2), np.float32), Rect(100, 200, 860, 350))
    return {notice.flag for notice in pose_notices(landmarks)}


def test_a_frontal_pose_has_no_flag():
    assert _flags(_frontal()) == set()


def test_a_mirrored_body_is_seen_from_behind():
    body = _frontal()
    body[:, 0] = 750 - body[:, 0]
    assert _flags(body) == {Flag.BACK_VIEW}


def test_shoulders_in_line_are_a_profile():
    body = _frontal()
    body[[11, 12], 0] = 400, 360
    assert _flags(body) == {Flag.PROFILE_VIEW}


@pytest.mark.parametrize(("wrist", "index"), [(15, 19), (16, 20)])
def test_a_hand_before_the_torso_is_flagged(wrist, index):
    body = _frontal()
    body[wrist, :2], body[index, :2] = (390, 440), (380, 450)
    assert _flags(body) == {Flag.ARMS_ACROSS_TORSO}


def test_a_hidden_hand_is_not_before_the_torso():
    body = _frontal()
    body[15, :2], body[19, :2] = (390, 440), (380, 450)
    body[[15, 19], 3] = 0.1
    assert _flags(body) == set()


def test_hands_in_the_pockets_are_not_across_the_torso():
    body = _frontal()
    body[[15, 16], :2] = (450, 580), (300, 580)
    body[[19, 20], :2] = (440, 610), (310, 610)
    assert _flags(body) == set()


def test_hips_far_below_the_photo_cut_the_torso():
    assert _flags(_frontal(), (500, 750)) == {Flag.TORSO_CUT}


def test_hips_just_below_the_photo_do_not():
    assert _flags(_frontal(), (580, 750)) == set()


def test_a_shoulder_outside_the_photo_cuts_the_torso():
    body = _frontal()
    body[:, 0] -= 320
    assert Flag.TORSO_CUT in _flags(body)


def test_a_small_person_is_flagged_by_pixels_not_by_share():
    body = _frontal()
    body[:, :2] *= 0.25
    assert _flags(body, (250, 190)) == {Flag.SMALL_PERSON}
    assert _flags(_frontal(), (6000, 4000)) == set()


def _turned(quarters: int) -> np.ndarray:
    """The frontal pose in a photo turned by quarters to the left."""
    body = _frontal()
    x, y = body[:, 0].copy(), body[:, 1].copy()
    for _ in range(quarters):
        x, y = y.copy(), 750 - x
    body[:, 0], body[:, 1] = x, y
    return body


@pytest.mark.parametrize(
    ("quarters", "how"), [(1, "a quarter to the right"), (2, "by half a turn"), (3, "a quarter to the left")]
)
def test_a_photo_on_its_side_or_upside_down_says_how_to_turn_it(quarters, how):
    landmarks = Landmarks(SIZE, _turned(quarters).astype(np.float32), np.zeros((0, 2), np.float32), Rect(100, 200, 860, 350))
    (notice,) = pose_notices(landmarks)
    assert notice.flag is Flag.PHOTO_TURNED and how in notice.detail


@pytest.mark.parametrize("lean", [-200, 200])
def test_somebody_who_leans_is_not_told_to_turn_the_photo(lean):
    body = _frontal()
    body[[11, 12], 0] += lean
    assert Flag.PHOTO_TURNED not in _flags(body)
