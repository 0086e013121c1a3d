"""Boxes and key-points come from a grid of anchors, and each heap of boxes that overlap becomes one."""

import numpy as np
import pytest

from pipeline.core.people_networks.litert.detection import (
    FAR_FACE,
    NEAR_FACE,
    PALM,
    POSE,
    Detections,
    Layout,
    decoded,
    merged,
    overlap,
)


@pytest.mark.parametrize(("layout", "count"), [(POSE, 2254), (PALM, 2016), (NEAR_FACE, 896), (FAR_FACE, 2304)])
def test_every_network_has_its_number_of_anchors(layout, count):
    assert layout.anchors().shape == (count, 2)


def test_anchors_are_the_middles_of_cells_row_by_row_and_grid_by_grid():
    anchors = Layout("", grids=((2, 2), (1, 3)), low=0).anchors()
    assert (
        anchors.tolist() == [[0.25, 0.25]] * 2 + [[0.75, 0.25]] * 2 + [[0.25, 0.75]] * 2 + [[0.75, 0.75]] * 2 + [[0.5, 0.5]] * 3
    )


def test_answers_are_offsets_from_the_anchor_in_pixels_of_the_crop():
    raw = np.array([[10, -20, 40, 20, 5, 5, 0, -10]], np.float32)
    found = decoded(raw, np.array([0], np.float32), np.array([[0.5, 0.5]], np.float32), side=100, threshold=0.5)
    assert found.corners[0] == pytest.approx(np.array([[0.4, 0.2], [0.8, 0.4]]))
    assert found.points[0] == pytest.approx(np.array([[0.55, 0.55], [0.5, 0.4]]))
    assert found.scores[0] == 0.5  # exactly the threshold counts


def test_unsure_boxes_and_those_turned_inside_out_are_left_out():
    raw = np.array([[0, 0, 10, 10], [0, 0, -1, 10], [0, 0, 10, 10], [0, 0, 20, 20]], np.float32)
    found = decoded(raw, np.array([1, 3, -1, 2], np.float32), np.full((4, 2), 0.5, np.float32), side=100, threshold=0.5)
    assert len(found) == 2
    assert found.corners[0, 1] == pytest.approx((0.6, 0.6))  # the surest first


def test_nothing_found_is_no_error():
    found = merged(decoded(np.zeros((3, 8), np.float32), np.full(3, -500, np.float32), np.zeros((3, 2), np.float32), 100, 0.5))
    assert (len(found), found.corners.shape, found.points.shape) == (0, (0, 2, 2), (0, 2, 2))


def test_overlap_is_intersection_over_union():
    one = np.array([[0, 0], [2, 2]], np.float32)
    others = np.array([[[0, 0], [2, 2]], [[1, 0], [3, 2]], [[2, 0], [4, 2]], [[5, 5], [6, 6]]], np.float32)
    assert overlap(one, others) == pytest.approx([1, 1 / 3, 0, 0])


def _heap(*rows):
    """Detections from (left, top, right, bottom, score), each with its middle as key-point, sorted by score."""
    values = np.array(sorted(rows, key=lambda row: -row[4]), np.float32)
    corners = values[:, :4].reshape(-1, 2, 2)
    return Detections(corners, corners.mean(axis=1)[:, None], values[:, 4])


def test_a_heap_becomes_its_mean_weighted_by_score_and_keeps_the_best_score():
    found = merged(_heap((0, 0, 10, 10, 0.9), (2, 0, 12, 10, 0.3), (100, 100, 110, 110, 0.5)))
    assert found.scores == pytest.approx([0.9, 0.5])
    assert found.corners[0] == pytest.approx(np.array([[0.5, 0], [10.5, 10]]))
    assert found.points[0, 0] == pytest.approx((5.5, 5))
    assert found.corners[1] == pytest.approx(np.array([[100, 100], [110, 110]]))


def test_boxes_that_overlap_by_less_than_a_third_stay_apart():
    assert len(merged(_heap((0, 0, 10, 10, 0.9), (6, 0, 16, 10, 0.8)))) == 2


def test_a_box_belongs_to_the_surest_one_that_it_overlaps():
    found = merged(_heap((0, 0, 10, 10, 0.9), (4, 0, 14, 10, 0.8), (8, 0, 18, 10, 0.7)))
    assert found.scores == pytest.approx([0.9, 0.7])


def test_a_box_without_an_area_ends_the_search():
    found = merged(_heap((5, 5, 5, 5, 0.9), (0, 0, 10, 10, 0.8)))
    assert found.scores == pytest.approx([0.9])


def test_a_box_as_a_region():
    region = _heap((10, 20, 30, 60, 0.9)).box(0)
    assert (region.x, region.y, region.width, region.height, region.angle) == (20, 40, 20, 40, 0)
