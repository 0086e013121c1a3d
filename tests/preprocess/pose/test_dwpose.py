"""DWPose from its ONNX pair: boxes, crops, decoding, and the joints of the person who is meant."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import stand_ins
from onnx import helper

from pipeline.core.errors import WeightsError
from pipeline.core.labels import Joint
from pipeline.core.rect import Rect
from preprocess.person.landmarks import Landmarks
from preprocess.person.not_found import NotFound
from preprocess.pose import simcc
from preprocess.pose.dwpose import DETECTOR, POSE, DWPose
from preprocess.pose.person_boxes import agreement, box_of_selected, letterboxed, people_boxes, without_duplicates

CELLS = 80 * 80 + 40 * 40 + 20 * 20


# --- boxes -----------------------------------------------------------------------------------------------------------


def raw_answer(*predictions):
    """YOLOX's raw output with (row of the 80 × 80 grid, column, width px, height px, objectness, class, score)."""
    raw = np.zeros((CELLS, 85), np.float32)
    for row, column, width, height, objectness, kind, score in predictions:
        cell = row * 80 + column
        raw[cell, :5] = 0.5, 0.5, np.log(width / 8), np.log(height / 8), objectness
        raw[cell, 5 + kind] = score
    return raw


def test_a_box_is_decoded_from_its_cell_and_scaled_back_to_the_photo():
    [box] = people_boxes(raw_answer((30, 20, 96, 240, 0.9, 0, 1.0)), 0.5, (1200, 1000))
    # cell centre (20.5, 30.5) · 8 px = (164, 244) on the input, doubled on the photo
    np.testing.assert_allclose(box, [328 - 96, 488 - 240, 328 + 96, 488 + 240, 0.9], rtol=1e-5)


def test_coarser_grids_follow_the_fine_one():
    raw = np.zeros((CELLS, 85), np.float32)
    raw[6400 + 40 * 3 + 5, [0, 1, 2, 3, 4, 5]] = 0, 0, np.log(4), np.log(8), 1, 1  # stride 16
    raw[8000 + 20 * 10 + 12, [0, 1, 2, 3, 4, 5]] = 0, 0, np.log(2), np.log(2), 0.8, 1  # stride 32
    boxes = people_boxes(raw, 1.0, (640, 640))
    np.testing.assert_allclose(boxes[:, :4], [[80 - 32, 0, 80 + 32, 48 + 64], [384 - 32, 320 - 32, 384 + 32, 320 + 32]])


def test_boxes_over_the_border_are_clipped_and_those_outside_are_dropped():
    raw = raw_answer((0, 0, 100, 100, 0.9, 0, 1.0), (79, 79, 20, 20, 0.9, 0, 1.0))
    [box] = people_boxes(raw, 1.0, (600, 600))
    np.testing.assert_allclose(box[:4], [0, 0, 54, 54])


def test_two_people_stay_two_and_doubles_become_one():
    raw = raw_answer((20, 20, 80, 200, 0.8, 0, 1.0), (20, 21, 80, 200, 0.9, 0, 1.0), (20, 50, 80, 200, 0.7, 0, 1.0))
    boxes = people_boxes(raw, 1.0, (640, 640))
    np.testing.assert_allclose(boxes[:, 4], [0.9, 0.7])


def test_dogs_faint_people_and_broken_numbers_are_not_people():
    raw = raw_answer((20, 20, 80, 200, 0.9, 16, 1.0), (40, 40, 80, 200, 0.5, 0, 0.5))
    raw[100, :6] = np.nan
    raw[200, :6] = 0, 0, 0, 0, np.inf, 1
    assert people_boxes(raw, 1.0, (640, 640)).shape == (0, 5)


def test_a_wild_size_does_not_overflow():
    raw = np.zeros((CELLS, 85), np.float32)
    raw[0, :6] = 0.5, 0.5, 500, 500, 1, 1
    np.testing.assert_allclose(people_boxes(raw, 1.0, (300, 200))[0, :4], [0, 0, 200, 300])


def test_another_networks_output_is_refused():
    with pytest.raises(ValueError, match="8400"):
        people_boxes(np.zeros((100, 85), np.float32), 1.0, (10, 10))


@pytest.mark.parametrize("size", [(2000, 500), (37, 4000), (16, 16)])
def test_the_detector_sees_blue_first_in_the_corner_of_a_grey_square(size):
    photo = np.zeros((*size, 3), np.uint8)
    photo[:] = (10, 20, 30)
    picture, scale = letterboxed(photo)
    assert picture.shape == (1, 3, 640, 640) and scale == pytest.approx(640 / max(size))
    np.testing.assert_array_equal(picture[0, :, 0, 0], [30, 20, 10])
    if size[0] != size[1]:
        np.testing.assert_array_equal(picture[0, :, -1, -1], [114, 114, 114])


def test_the_box_nearest_to_the_landmarks_is_meant_and_without_one_the_landmarks_are():
    found = np.array([[0, 0, 50, 100, 0.9], [60, 0, 110, 100, 0.5]], np.float32)
    np.testing.assert_array_equal(box_of_selected(found, Rect(0, 62, 100, 50)), found[1, :4])
    np.testing.assert_array_equal(box_of_selected(found, Rect(300, 300, 100, 50)), [300, 300, 350, 400])
    np.testing.assert_array_equal(box_of_selected(np.zeros((0, 5), np.float32), Rect(10, 20, 30, 40)), [20, 10, 60, 40])


def test_agreement_of_boxes_is_intersection_over_union():
    box = np.array([0, 0, 10, 10], np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], np.float32)
    np.testing.assert_allclose(agreement(box, others), [1, 1 / 3, 0])
    assert len(without_duplicates(np.zeros((0, 5), np.float32))) == 0


# --- points ----------------------------------------------------------------------------------------------------------


def test_the_crop_holds_the_box_with_a_quarter_more_and_keeps_its_proportions():
    matrix = simcc.crop_matrix(np.array([100, 50, 200, 450], np.float32))  # 100 × 400, centre (150, 250)
    np.testing.assert_allclose(matrix @ [150, 250, 1], [144, 192])
    assert matrix[0, 0] == matrix[1, 1] == pytest.approx(384 / 500)


def test_a_wide_box_is_fitted_by_its_width():
    matrix = simcc.crop_matrix(np.array([0, 0, 400, 100], np.float32))
    assert matrix[0, 0] == pytest.approx(288 / 500)


def test_points_come_from_the_highest_bins_and_go_back_to_the_photo():
    x, y = np.zeros((2, 576), np.float32), np.zeros((2, 768), np.float32)
    x[0, 288], y[0, 384] = 0.9, 0.7  # the middle of the crop
    x[1, 0], y[1, 767] = 1.3, 1.1
    box = np.array([100, 50, 200, 450], np.float32)
    points = simcc.points_from(x, y, simcc.crop_matrix(box))
    np.testing.assert_allclose(points[0], [150, 250, 0.7], rtol=1e-5)
    scale = 500 / 384
    np.testing.assert_allclose(points[1], [150 - 144 * scale, 250 + (383.5 - 192) * scale, 1.0], rtol=1e-5)


def test_outputs_of_another_network_are_refused():
    with pytest.raises(ValueError, match="576"):
        simcc.points_from(np.zeros((133, 500), np.float32), np.zeros((133, 768), np.float32), np.eye(2, 3))


# --- the pair --------------------------------------------------------------------------------------------------------

COLOURS = {5: (255, 0, 0), 6: (0, 255, 0), 11: (0, 0, 255), 12: (255, 255, 0), 0: (255, 0, 255), 91: (0, 255, 255)}
"""Whole-body point → the colour of its mark."""
NAMED = {5: Joint.LEFT_SHOULDER, 6: Joint.RIGHT_SHOULDER, 11: Joint.LEFT_HIP, 12: Joint.RIGHT_HIP, 0: Joint.NOSE}


def detector(path: Path) -> None:
    """YOLOX's contract: `images` (1, 3, 640, 640) BGR 0..255 → (1, 8400, 85) raw.

    Wherever a cell is white there is a person of 80 × 240 input pixels; only if the padding in the last corner is grey 114.
    """
    constants = {
        "third": np.full((1, 3, 1, 1), 1 / 765, np.float32),
        "last": np.array([639, 639], np.int64),
        "end": np.array([640, 640], np.int64),
        "axes": np.array([2, 3], np.int64),
        "grey": np.array(114 / 255, np.float32),
        "one": np.array(1, np.float32),
        "many": np.array(1000, np.float32),
        "low": np.array(0, np.float32),
        "flat": np.array([1, 6400, 1], np.int64),
        "place": np.tile(np.array([0.5, 0.5, np.log(10), np.log(30)], np.float32), (1, 6400, 1)),
        "sure": np.full((1, 6400, 1), 0.97, np.float32),
        "others": np.zeros((1, 6400, 79), np.float32),
        "coarse": np.zeros((1, 2000, 85), np.float32),
        "white": np.array(0.985, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["images", "third"], ["light"]),
        helper.make_node("AveragePool", ["light"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Sub", ["cells", "white"], ["over"]),
        helper.make_node("Mul", ["over", "many"], ["steep"]),
        helper.make_node("Clip", ["steep", "low", "one"], ["found"]),
        helper.make_node("Slice", ["light", "last", "end", "axes"], ["corner"]),
        helper.make_node("Sub", ["corner", "grey"], ["wrong"]),
        helper.make_node("Abs", ["wrong"], ["how_wrong"]),
        helper.make_node("Mul", ["how_wrong", "many"], ["very_wrong"]),
        helper.make_node("Sub", ["one", "very_wrong"], ["padded"]),
        helper.make_node("Mul", ["found", "padded"], ["trusted"]),
        helper.make_node("Reshape", ["trusted", "flat"], ["objectness"]),
        helper.make_node("Concat", ["place", "objectness", "sure", "others"], ["fine"], axis=2),
        helper.make_node("Concat", ["fine", "coarse"], ["output"], axis=1),
    ]
    stand_ins.save_network(path, nodes, {"images": (1, 3, 640, 640)}, {"output": (1, CELLS, 85)}, constants)


def pose(path: Path) -> None:
    """DWPose's contract: `input` (1, 3, 384, 288) RGB, normalised → simcc_x (1, 133, 576), simcc_y (1, 133, 768).

    A point is found where its mark's colour is; points without a mark stay at zero.
    """
    weigh, bias = np.zeros((133, 3, 1, 1), np.float32), np.full(133, -1.0, np.float32)
    for point, colour in COLOURS.items():
        signs = np.array([1.0 if value else -1.0 for value in colour], np.float32)
        weigh[point, :, 0, 0] = signs / np.count_nonzero(colour)
        bias[point] = 0
    constants = {
        "std": np.array([58.395, 57.12, 57.375], np.float32).reshape(1, 3, 1, 1) / 255,
        "mean": np.array([123.675, 116.28, 103.53], np.float32).reshape(1, 3, 1, 1) / 255,
        "weigh": weigh,
        "bias": bias,
        "low": np.array(0, np.float32),
        "high": np.array(1, np.float32),
        "twice": np.array([1, 1, 2], np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["input", "std"], ["scaled"]),
        helper.make_node("Add", ["scaled", "mean"], ["picture"]),
        helper.make_node("Conv", ["picture", "weigh", "bias"], ["score"]),
        helper.make_node("Clip", ["score", "low", "high"], ["marked"]),
        helper.make_node("AveragePool", ["marked"], ["peaked"], kernel_shape=[21, 21], pads=[10, 10, 10, 10]),
        helper.make_node("ReduceMax", ["peaked"], ["columns"], axes=[2], keepdims=0),
        helper.make_node("ReduceMax", ["peaked"], ["rows"], axes=[3], keepdims=0),
        helper.make_node("Resize", ["columns", "", "twice"], ["simcc_x"], mode="nearest"),
        helper.make_node("Resize", ["rows", "", "twice"], ["simcc_y"], mode="nearest"),
    ]
    outputs = {"simcc_x": (1, 133, 576), "simcc_y": (1, 133, 768)}
    stand_ins.save_network(path, nodes, {"input": (1, 3, 384, 288)}, outputs, constants)


@pytest.fixture
def backend(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "dwpose", DETECTOR, POSE)
    detector(stand_ins.place(tmp_path, "dwpose", DETECTOR))
    pose(stand_ins.place(tmp_path, "dwpose", POSE))
    backend = DWPose(tmp_path)
    backend.load("cpu")
    return backend


def person_at(photo, x):
    """Draw a person's marks round column x; returns where they are."""
    places = {5: (x + 40, 300), 6: (x - 40, 300), 11: (x + 26, 520), 12: (x - 26, 520), 0: (x, 200), 91: (x + 70, 500)}
    cv2.rectangle(photo, (x - 14, 386), (x + 14, 414), (255, 255, 255), -1)
    for point, place in places.items():
        cv2.circle(photo, place, 11, COLOURS[point], -1)
    return places


def landmarks_at(x, size=(1000, 700)):
    body = np.zeros((33, 4), np.float32)
    body[:, :2], body[:, 3] = (x, 210), 0.9
    for index, place in {11: (x + 42, 296), 12: (x - 38, 304), 23: (x + 30, 515), 24: (x - 30, 525), 0: (x, 204)}.items():
        body[index, :2] = place
    return Landmarks(size, body, np.zeros((0, 2), np.float32), Rect(150.0, x - 90.0, 480.0, 180.0))


def test_the_pair_finds_the_marked_joints_in_photo_pixels(backend):
    photo = np.full((1000, 700, 3), 60, np.uint8)
    places = person_at(photo, 300)
    found = backend.keypoints(photo, landmarks_at(300))
    for point, joint in NAMED.items():
        assert np.hypot(*(found.xy(joint) - places[point])) < 4, joint
        assert found.body[joint, 2] > 0.4
    assert np.hypot(*(found.left_hand[0, :2] - places[91])) < 4
    np.testing.assert_allclose(found.xy(Joint.NECK), [300, 300], atol=3)
    np.testing.assert_allclose(found.xy(Joint.MID_HIP), [300, 520], atol=3)
    assert not found.right_hand.any() and not found.body[Joint.LEFT_WRIST].any()


@pytest.mark.parametrize(("x", "other"), [(180, 520), (520, 180)])
def test_of_two_people_the_one_with_the_landmarks_is_measured(backend, x, other):
    photo = np.full((1000, 700, 3), 60, np.uint8)
    person_at(photo, other)
    places = person_at(photo, x)
    found = backend.keypoints(photo, landmarks_at(x))
    assert np.hypot(*(found.xy(Joint.NOSE) - places[0])) < 4


def test_a_photo_in_which_the_networks_find_no_person_is_not_found(backend):
    found = backend.keypoints(np.full((1000, 700, 3), 60, np.uint8), landmarks_at(300))
    assert found == NotFound("dwpose finds nobody where the landmarks are")


@pytest.mark.parametrize("size", [(6, 4), (40, 3000), (3000, 40)])
def test_a_photo_of_an_odd_shape_breaks_nothing(backend, size):
    found = backend.keypoints(np.full((*size, 3), 60, np.uint8), landmarks_at(size[1] // 2, size))
    assert isinstance(found, NotFound)


def test_a_person_cut_by_the_photos_edge_keeps_the_joints_that_are_on_it(backend):
    photo = np.full((1000, 700, 3), 60, np.uint8)
    places = person_at(photo, 30)
    found = backend.keypoints(photo, landmarks_at(30))
    assert np.hypot(*(found.xy(Joint.LEFT_SHOULDER) - places[5])) < 4
    assert not found.body[Joint.RIGHT_SHOULDER].any()  # 10 px outside the photo


def test_both_missing_files_are_named_at_once(tmp_path):
    with pytest.raises(WeightsError) as caught:
        DWPose(tmp_path).load("cpu")
    assert DETECTOR in caught.value.message and POSE in caught.value.message
    assert "weights pull dwpose" in caught.value.remedy


def test_the_two_files_swapped_are_noticed(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, "dwpose", DETECTOR, POSE)
    detector(stand_ins.place(tmp_path, "dwpose", POSE))
    detector(stand_ins.place(tmp_path, "dwpose", DETECTOR))
    with pytest.raises(WeightsError, match=POSE):
        DWPose(tmp_path).keypoints(np.full((100, 80, 3), 60, np.uint8), landmarks_at(40))
