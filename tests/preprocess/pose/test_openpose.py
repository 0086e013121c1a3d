"""BODY_25 from MediaPipe's landmarks, and the skeleton picture."""

from __future__ import annotations

import numpy as np

from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Joint
from preprocess.pose.mediapipe_to_body25 import body_25, only_visible
from preprocess.pose.skeleton import draw_skeleton


def _landmarks() -> np.ndarray:
    """Landmark i lies at (10 i, 5 i) with visibility 0.5 + i / 100."""
    index = np.arange(33, dtype=np.float32)
    return np.stack([10 * index, 5 * index, 0 * index, 0.5 + index / 100], axis=1)


def test_every_joint_comes_from_its_landmark():
    points = body_25(_landmarks())
    expected = {
        Joint.NOSE: 0, Joint.RIGHT_SHOULDER: 12, Joint.LEFT_SHOULDER: 11, Joint.RIGHT_WRIST: 16, Joint.LEFT_WRIST: 15,
        Joint.RIGHT_HIP: 24, Joint.LEFT_KNEE: 25, Joint.RIGHT_ANKLE: 28, Joint.RIGHT_EYE: 5, Joint.LEFT_EYE: 2,
        Joint.RIGHT_EAR: 8, Joint.LEFT_EAR: 7, Joint.LEFT_BIG_TOE: 31, Joint.RIGHT_BIG_TOE: 32, Joint.LEFT_HEEL: 29,
        Joint.RIGHT_HEEL: 30,
    }  # fmt: skip
    for joint, index in expected.items():
        assert np.allclose(points[joint], [10 * index, 5 * index, 0.5 + index / 100]), joint.name


def test_neck_and_mid_hip_are_middles_with_the_smaller_confidence():
    points = body_25(_landmarks())
    assert np.allclose(points[Joint.NECK], [115, 57.5, 0.61])
    assert np.allclose(points[Joint.MID_HIP], [235, 117.5, 0.73])


def test_small_toes_lie_on_the_outer_side_of_each_foot():
    body = np.zeros((33, 4), np.float32)
    body[[27, 31], :2] = (120, 100), (125, 130)  # the left foot, on the viewer's right
    body[[28, 32], :2] = (80, 100), (75, 130)
    points = body_25(body)
    assert points[Joint.LEFT_SMALL_TOE, 0] > 125
    assert points[Joint.RIGHT_SMALL_TOE, 0] < 75


def test_invisible_and_outside_joints_become_zeros():
    points = np.array([[10, 10, 0.9], [10, 10, 0.05], [-3, 10, 0.9], [10, 101, 0.9]], np.float32)
    kept = only_visible(points, (100, 50))
    assert np.array_equal(kept.any(1), [True, False, False, False])


def test_the_skeleton_is_drawn_on_black_where_joints_are():
    body = np.zeros((25, 3), np.float32)
    body[Joint.NECK], body[Joint.MID_HIP] = (100, 60, 1), (100, 200, 1)
    picture = draw_skeleton(Keypoints(body), (256, 192))
    assert picture.shape == (256, 192, 3)
    assert picture[130, 100].any()
    assert not picture[130, 20].any()
    assert not picture[:, :80].any() and not picture[:, 120:].any()


def test_missing_joints_leave_the_picture_black():
    assert not draw_skeleton(Keypoints(np.zeros((25, 3), np.float32)), (64, 48)).any()


def test_a_hand_alone_is_drawn_where_it_is():
    hand = np.column_stack([np.linspace(20, 60, 21), np.linspace(30, 70, 21), np.ones(21)]).astype(np.float32)
    empty = np.zeros((25, 3), np.float32)
    left = draw_skeleton(Keypoints(empty, left_hand=hand), (96, 96))
    assert left[30:71, 20:61].any()
    assert not left[:, 70:].any()
