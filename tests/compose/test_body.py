"""Reading a body off its matte."""

from __future__ import annotations

import numpy as np
import pytest

from compose.body import measure_body
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Joint


def test_nobody_gives_nothing() -> None:
    assert measure_body(np.zeros((200, 100), np.uint8)) is None


def test_extent_is_that_of_the_solid_pixels(person) -> None:
    body = measure_body(person("standing"))
    assert body is not None
    assert abs(body.top - 40) <= 1 and abs(body.bottom - 761) <= 1
    assert abs(body.left - 225) <= 1 and abs(body.right - 376) <= 1


@pytest.mark.parametrize(("pose", "expected"), [("standing", [(255, 761), (345, 761)]), ("striding", [(235, 726), (365, 771)])])
def test_both_feet_are_found_at_their_own_rows(person, pose, expected) -> None:
    body = measure_body(person(pose))
    assert body is not None
    assert [(round(foot.x / 5), round(foot.row / 3)) for foot in body.feet] == [(round(x / 5), round(y / 3)) for x, y in expected]


def test_a_seated_person_has_feet_but_the_seat_is_no_foot(person) -> None:
    body = measure_body(person("seated"))
    assert body is not None
    assert len(body.feet) == 1
    assert abs(body.feet[0].x - 455) < 8


def test_a_bust_is_cut_at_the_bottom_and_has_no_feet(person) -> None:
    body = measure_body(person("bust"))
    assert body is not None
    assert body.cuts.bottom and not body.cuts.top and body.cuts.left is None
    assert body.feet == ()
    assert body.shown < 0.7


def test_a_side_cut_names_the_row_where_it_begins(person) -> None:
    body = measure_body(person("elbow"))
    assert body is not None
    assert body.cuts.left is not None and 380 < body.cuts.left < 480
    assert body.cuts.right is None


def test_soles_on_the_edge_are_not_a_cut_when_toes_were_seen(person) -> None:
    alpha = person("standing")[:761]
    points = np.zeros((25, 3), np.float32)
    for joint, x in ((Joint.LEFT_ANKLE, 345), (Joint.RIGHT_ANKLE, 255), (Joint.LEFT_BIG_TOE, 345), (Joint.RIGHT_BIG_TOE, 255)):
        points[joint] = (x, 750, 0.9)
    with_joints, without = measure_body(alpha, Keypoints(points)), measure_body(alpha)
    assert with_joints is not None and without is not None
    assert len(with_joints.feet) == 2
    assert without.cuts.bottom


def test_joints_tell_how_much_of_the_stature_is_shown(person) -> None:
    points = np.zeros((25, 3), np.float32)
    points[Joint.NECK] = (300, 40 + 0.18 * 1800, 1)
    body = measure_body(person("bust"), Keypoints(points))
    assert body is not None
    assert abs(body.stature - 1800) < 20
