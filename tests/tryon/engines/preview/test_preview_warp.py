"""Splines, ladders, fills: the geometry below the preview."""

from __future__ import annotations

import numpy as np
import pytest

from tryon.engines.preview.paint.fill import fill_unknown
from tryon.engines.preview.paint.shading import cast_factor, fold_factor, round_factor
from tryon.engines.preview.paint.thin_plate import thin_plate
from tryon.engines.preview.paint.warp import ladder_patch, spline_patch, warp_patch
from tryon.engines.preview.person.limbs import limb_axis
from tryon.engines.preview.person.skeleton import Limb

SQUARE = np.array([[20.0, 20.0], [80.0, 20.0], [80.0, 80.0], [20.0, 80.0]])


def ramp(height: int = 120, width: int = 120) -> np.ndarray:
    """A picture whose colours name their own place: red = x, green = y."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([2 * columns, 2 * rows, np.full_like(rows, 90)], 2).astype(np.uint8)


def test_a_spline_meets_its_points_and_repeats_an_affine_map_exactly():
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 100, (12, 2))
    bent = points + rng.normal(0, 5, (12, 2))
    assert np.abs(thin_plate(points, bent, 0.0)(points) - bent).max() < 1e-6
    affine = points @ np.array([[1.2, 0.3], [-0.1, 0.8]]) + [4, -7]
    elsewhere = rng.uniform(-50, 150, (30, 2))
    expected = elsewhere @ np.array([[1.2, 0.3], [-0.1, 0.8]]) + [4, -7]
    assert np.abs(thin_plate(points, affine, 0.0)(elsewhere) - expected).max() < 1e-6


def test_smoothing_does_not_depend_on_the_size_of_the_picture():
    rng = np.random.default_rng(2)
    points, bent = rng.uniform(0, 100, (15, 2)), rng.uniform(0, 100, (15, 2))
    small = thin_plate(points, bent, 0.05)(points)
    large = thin_plate(10 * points, 10 * bent, 0.05)(10 * points) / 10
    assert np.abs(small - large).max() < 1e-6


def test_coinciding_points_do_not_end_in_an_error():
    points = np.vstack([SQUARE, SQUARE[:1]])
    assert np.isfinite(thin_plate(points, points, 0.0)(SQUARE)).all()


def test_a_spline_patch_fetches_from_where_its_points_say_and_covers_its_polygon_only():
    moved = SQUARE + np.array([15, 5])
    patch = spline_patch(SQUARE, moved, moved, (120, 120), 0.0)
    assert patch is not None
    rows, columns = patch.window
    canvas, cover = np.zeros((120, 120, 3)), np.zeros((120, 120))
    canvas[rows, columns], cover[rows, columns] = warp_patch(ramp(), patch, 1.0), patch.alpha
    assert canvas[50, 60].tolist() == pytest.approx([2 * 45, 2 * 45, 90], abs=2)
    assert cover[50, 60] == 1
    assert cover[10, 10] == 0
    assert 60 * 60 - 60 < cover.sum() < 61 * 61 + 1


def test_a_polygon_outside_the_canvas_gives_no_patch():
    assert spline_patch(SQUARE, SQUARE - 500, SQUARE - 500, (120, 120), 0.0) is None


def test_a_strip_may_bend_by_a_right_angle_without_holes():
    straight = (
        np.column_stack([np.full(9, 20.0), np.linspace(10, 90, 9)]),
        np.column_stack([np.full(9, 40.0), np.linspace(10, 90, 9)]),
    )
    turn = np.concatenate([np.zeros(4), [45.0], np.full(4, 90.0)]) * np.pi / 180
    step = np.column_stack([np.sin(turn), np.cos(turn)]) * 10
    middle = np.array([40.0, 20.0]) + np.cumsum(step, 0)
    normal = np.column_stack([np.cos(turn), -np.sin(turn)]) * 8
    patch = ladder_patch(straight, (middle - normal, middle + normal), (120, 120))
    assert patch is not None
    inside = patch.alpha > 0.9
    assert np.isfinite(patch.source).all()
    assert patch.source[inside][:, 0].min() > 15
    assert patch.source[inside][:, 0].max() < 45


def test_shrinking_cloth_does_not_alias_its_texture():
    checker = np.indices((120, 120)).sum(0) % 2
    cloth = np.repeat((checker * 255)[..., None], 3, 2).astype(np.uint8)
    patch = spline_patch(SQUARE, SQUARE * 0.3, SQUARE * 0.3, (40, 40), 0.0)
    assert patch is not None
    pulled = warp_patch(cloth, patch, 0.3)[patch.alpha > 0.99]
    assert pulled.std() < 12
    assert abs(float(pulled.mean()) - 127.5) < 6


def test_a_limbs_axis_runs_from_joint_to_joint_round_the_elbow():
    limb = Limb(np.array([[0.0, 0.0], [0.0, 50.0], [50.0, 50.0]]), np.array([8.0, 6.0, 4.0]), True)
    points, tangents = limb_axis(limb, np.array([0.0, 0.5, 1.0]))
    assert np.abs(points[[0, 2]] - limb.joints[[0, 2]]).max() < 2
    assert 0 < np.hypot(*(points[1] - limb.joints[1])) < 8
    assert np.allclose(np.hypot(*tangents.T), 1)


def test_known_colours_stay_and_unknown_ones_come_from_the_nearest():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, :20], image[:, 44:] = (200, 0, 0), (0, 0, 200)
    known = np.zeros((64, 64), bool)
    known[:, :20] = known[:, 44:] = True
    filled = fill_unknown(image, known)
    assert np.abs(filled[known] - image[known]).max() < 1e-3
    assert filled[32, 23, 0] > 150
    assert filled[32, 41, 2] > 150


def test_a_far_unknown_corner_is_not_black():
    image, known = np.full((300, 70, 3), 120, np.uint8), np.zeros((300, 70), bool)
    known[:4, :4] = True
    assert np.abs(fill_unknown(image, known) - 120).max() < 1


def test_folds_are_kept_and_prints_are_not():
    rows = np.arange(200)[:, None] * np.ones((1, 200))
    worn = np.ones((200, 200), bool)
    folded = np.repeat((140 + 25 * np.sin(rows / 12))[..., None], 3, 2).astype(np.uint8)
    factor = fold_factor(folded, worn, 120, 0.5)
    assert np.corrcoef(factor[30:170, 100], folded[30:170, 100, 0])[0, 1] > 0.8
    assert np.ptp(factor) > 0.03
    striped = np.repeat(np.where(rows % 12 < 6, 30, 220)[..., None], 3, 2).astype(np.uint8)
    assert np.ptp(fold_factor(striped, worn, 120, 0.5)[30:170, 30:170]) < 0.03


def test_factors_stay_close_to_one_and_leave_the_rest_alone():
    alpha = np.zeros((100, 100), np.float32)
    alpha[30:70, 30:70] = 1
    assert round_factor(alpha, 10, 0.8)[50, 50] == 1
    assert round_factor(alpha, 10, 0.8)[50, 31] < 0.9
    shadow = cast_factor(alpha, 6, 0.3)
    assert shadow[5, 5] == pytest.approx(1, abs=1e-3)
    assert 0.7 <= shadow.min() < 0.9
    assert fold_factor(np.zeros((50, 50, 3), np.uint8), np.zeros((50, 50), bool), 30, 0.5).tolist() == np.ones((50, 50)).tolist()


@pytest.mark.parametrize(("hub", "rungs"), [(1.0, 16), (3.0, 16), (1.0, 40)])
def test_where_rungs_meet_as_at_an_armpit_no_pixel_is_fetched_from_far_away(hub: float, rungs: int):
    turn = np.linspace(0.0, 1.5, rungs)[:, None]
    spokes = np.hstack([np.cos(turn), np.sin(turn)])
    canvas = (np.array([10.0, 10]) + hub * spokes, np.array([10.0, 10]) + 80 * spokes)
    cloth = (np.array([20.0, 30]) + 15 * spokes, np.array([20.0, 30]) + 160 * spokes)
    patch = ladder_patch(cloth, canvas, (120, 120))
    assert patch is not None
    rows, columns = (part.start + index for part, index in zip(patch.window, np.nonzero(patch.alpha > 0.5), strict=True))
    away = np.stack([columns, rows], 1) - 10.0
    radius = np.hypot(*away.T)[:, None]
    expected = np.array([20.0, 30]) + away / radius * (15 + (radius - hub) / (80 - hub) * 145)
    found = patch.source[patch.alpha > 0.5]
    beyond = radius[:, 0] > hub + 1.5  # nearer, a pixel is as wide as several rungs
    assert np.abs(found - expected)[beyond].max() < 12
