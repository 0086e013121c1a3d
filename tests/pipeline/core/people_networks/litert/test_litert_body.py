"""The landmarks of a body are cut out upright and corrected by their heat-maps."""

import numpy as np
import pytest

from pipeline.core.people_networks.litert.body import body_region, refined


def test_a_body_is_cut_out_with_a_margin_and_its_head_up():
    region = body_region(np.array([100, 200]), np.array([100, 120]))
    assert (region.x, region.y, region.width, region.height) == (100, 200, 200, 200)
    assert region.angle == pytest.approx(0)


def test_a_lying_body_is_turned_upright():
    assert body_region(np.array([100, 200]), np.array([180, 200])).angle == pytest.approx(np.pi / 2)


def _heat(row, column, peak=9.0):
    heat = np.full((64, 64, 1), -50, np.float32)
    heat[row, column] = peak
    return heat


def _moved(x, y, heat):
    return (refined(np.array([[x, y]], np.float32), heat)[0] * 64).tolist()


def test_a_landmark_moves_to_the_weight_of_its_heat_map():
    assert _moved(0.5, 0.5, _heat(34, 30)) == pytest.approx([30, 34], abs=1e-3)


def test_four_cells_away_still_counts_and_five_do_not():
    assert _moved(0.5, 0.5, _heat(36, 32)) == pytest.approx([32, 36], abs=1e-3)
    assert _moved(0.5, 0.5, _heat(37, 32)) == [32, 32]


def test_a_weak_heat_map_is_not_followed():
    assert _moved(0.5, 0.5, _heat(34, 30, peak=-0.01)) == [32, 32]
    assert _moved(0.5, 0.5, _heat(34, 30, peak=0)) == pytest.approx([30, 34], abs=1e-3)


def test_a_landmark_at_the_edge_sees_what_there_is():
    assert _moved(0, 0.999, _heat(63, 1)) == pytest.approx([1, 63], abs=1e-3)


def test_a_landmark_outside_the_crop_stays():
    assert _moved(1.25, 0.5, _heat(32, 63)) == [80, 32]
