"""Counting and choosing people from boxes and heads."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.rect import Rect
from preprocess.background.people import (
    Detection,
    choose,
    is_fancied,
    is_person,
    is_silhouette,
    merge_faces,
    on_torso,
    overlap,
    without_body,
    without_bystanders,
)
from preprocess.background.which_person import person_wanted


def _detection(left: float, area: float, seen: bool = True) -> Detection:
    body = np.zeros((33, 4), np.float32) if seen else None
    return Detection(body, None, Rect(0, left, 100, 50), area)


def _head_at(x: float, y: float) -> np.ndarray:
    body = np.zeros((33, 4), np.float32)
    body[:11, :2] = x, y
    return body


def test_a_face_found_by_both_models_counts_once():
    faces = np.array([[10, 10, 40, 40, 0.6], [12, 13, 44, 44, 0.9], [10, 200, 40, 40, 0.5]], np.float32)
    merged = merge_faces(faces)
    assert len(merged) == 2
    assert merged[0, 4] == pytest.approx(0.9)


def test_no_faces_merge_to_no_faces():
    assert merge_faces(np.zeros((0, 5), np.float32)).shape == (0, 5)


def test_overlap_is_a_share_of_the_smaller_box():
    small = Rect(0, 0, 10, 10)
    assert overlap(small, Rect(0, 0, 100, 100)) == 1.0
    assert overlap(small, Rect(0, 5, 10, 10)) == pytest.approx(0.5)
    assert overlap(small, Rect(0, 10, 10, 10)) == 0.0


def test_cheek_by_cheek_one_body_owns_one_face():
    near, beside = Rect(100.0, 100.0, 60.0, 60.0), Rect(100.0, 150.0, 60.0, 60.0)
    assert without_body([beside, near], [_head_at(135, 130)]) == [beside]


def test_a_face_without_a_body_near_is_left_over():
    assert without_body([Rect(0, 0, 20, 20)], [_head_at(300, 300)]) == [Rect(0, 0, 20, 20)]


def test_a_face_on_a_chest_is_a_print():
    body = _head_at(100, 30)
    body[[11, 12, 24, 23]] = [(140, 80, 0, 1), (60, 80, 0, 1), (70, 200, 0, 1), (130, 200, 0, 1)]
    assert on_torso(Rect(100.0, 80.0, 40.0, 40.0), [body])
    assert not on_torso(Rect(100.0, 160.0, 40.0, 40.0), [body])
    body[24, 3] = 0.1
    assert not on_torso(Rect(100.0, 80.0, 40.0, 40.0), [body])


@pytest.mark.parametrize(("left", "score", "fancied"), [(20, 0.57, True), (20, 0.9, False), (150, 0.57, False)],
                         ids=["folds of a shirt", "a child in front", "somebody else, unsharp"])  # fmt: skip
def test_a_doubtful_face_on_somebody_known_is_none(left, score, fancied):
    known = np.zeros((200, 300), bool)
    known[40:, 60:120] = True
    assert is_fancied(np.array([50, left, 80, 80, score], np.float32), known) == fancied


def test_who_is_found_where_somebody_was_painted_over_is_the_paint():
    known, found = np.zeros((60, 80), bool), np.zeros((60, 80), np.float32)
    known[10:, 20:40] = True
    found[5:, 18:44] = 0.9
    assert is_silhouette(found, known)
    found[:], found[10:, 35:60] = 0, 0.9
    assert not is_silhouette(found, known)


def test_bystanders_do_not_count_and_the_rest_comes_from_the_left():
    people = [_detection(500, 1000), _detection(20, 900), _detection(300, 50)]
    assert [each.box.left for each in without_bystanders(people)] == [20, 500]


def test_the_largest_person_with_a_body_is_chosen():
    people = [_detection(0, 800), _detection(100, 900), _detection(200, 5000, seen=False)]
    assert choose(people, None) == 1
    assert choose(people, 1) == 0


@pytest.mark.parametrize("wanted", [0, 4, -1])
def test_a_number_out_of_range_is_refused(wanted):
    with pytest.raises(IndexError):
        choose([_detection(0, 1)] * 3, wanted)


def test_a_body_without_person_like_pixels_does_not_convince():
    body = np.zeros((33, 4), np.float32)
    body[:, 3] = 0.9
    body[[11, 12, 23, 24], :2] = (60, 20), (40, 20), (55, 60), (45, 60)
    assert is_person(body, np.ones((100, 100), np.float32), (100, 100))
    assert not is_person(body, np.zeros((100, 100), np.float32), (100, 100))
    body[[11, 12], 3] = 0.1
    assert not is_person(body, np.ones((100, 100), np.float32), (100, 100))


def test_the_settings_file_names_a_person(tmp_path):
    (tmp_path / "a.toml").write_text("person = 2\n")
    assert person_wanted(tmp_path / "a.toml") == 2
    assert person_wanted(tmp_path / "missing.toml") is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("person = 0", "whole number"),
        ("person = true", "whole number"),
        ('person = "2"', "whole number"),
        ("persn = 2", "'persn'"),
        ("=", "TOML"),
    ],
)
def test_a_bad_settings_file_is_refused_with_its_name(tmp_path, content, complaint):
    (tmp_path / "a.toml").write_text(content)
    with pytest.raises(InputError, match=complaint) as caught:
        person_wanted(tmp_path / "a.toml")
    assert "a.toml" in caught.value.message
    assert caught.value.remedy
