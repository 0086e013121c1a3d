"""Where people stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from readings import ground_of

from compose.body import CutoutBody, Cuts, measure_body
from compose.layer import warp_layer
from compose.placement import Placement, place
from compose.scenery.free_space import find_free_space
from compose.scenery.horizon import Ground


def _body(person, pose: str) -> CutoutBody:
    body = measure_body(person(pose))
    assert body is not None
    return body


def _place(body: CutoutBody, picture) -> Placement:
    return place(body, picture.shape[:2], ground_of(picture), find_free_space(picture))


@pytest.mark.parametrize("size", [(600, 900), (900, 500), (1024, 1400), (90, 120), (400, 1600)])
@pytest.mark.parametrize("pose", ["standing", "striding", "seated"])
def test_full_bodies_stand_inside_the_picture_on_the_ground(person, background, size, pose) -> None:
    body, picture = _body(person, pose), background(size, 0.65)
    spot = _place(body, picture)
    scale = spot.scale(body)
    assert 0.65 * size[0] < spot.y <= size[0]
    assert spot.y - spot.height > 0
    assert spot.x - (body.anchor_x - body.left) * scale >= -1
    assert spot.x + (body.right - body.anchor_x) * scale <= size[1] + 1


@pytest.mark.parametrize("size", [(600, 900), (900, 500), (90, 120)])
def test_cut_bodies_never_float(cutout, person, background, size) -> None:
    body, picture = _body(person, "bust"), background(size)
    spot = _place(body, picture)
    layer = warp_layer(cutout("bust"), spot.matrix(body), size)
    assert layer is not None
    assert layer.top + layer.alpha.shape[0] == size[0]
    assert layer.alpha[-1].max() > 0.99


def test_a_body_cut_at_the_side_keeps_touching_that_side(cutout, person, background) -> None:
    body, picture = _body(person, "elbow"), background((600, 900))
    spot = _place(body, picture)
    layer = warp_layer(cutout("elbow"), spot.matrix(body), (600, 900))
    assert layer is not None
    assert layer.left == 0
    assert layer.alpha[:, 0].max() > 0.99


@pytest.mark.parametrize(("left", "right"), [(500.0, 450.0), (200.0, 220.0)])
def test_a_body_cut_at_both_sides_never_shows_a_cut_inside_the_picture(person, left, right) -> None:
    body = replace(_body(person, "bust"), left=0, right=600, cuts=Cuts(bottom=True, left=left, right=right))
    spot = place(body, (600, 900), Ground(), find_free_space(np.full((600, 900, 3), 99, np.uint8)))
    scale = spot.scale(body)
    edges = spot.x - body.anchor_x * scale, spot.x + (600 - body.anchor_x) * scale
    hidden = [spot.y - (body.bottom - cut) * scale >= 600 for cut in (left, right)]
    assert hidden[0] or edges[0] <= 0
    assert hidden[1] or edges[1] >= 900


def test_a_headless_body_touches_the_upper_edge(person, background) -> None:
    alpha = person("standing")[120:]
    body = measure_body(alpha)
    assert body is not None and body.cuts.top
    spot = _place(body, background((600, 900)))
    assert spot.y - spot.height <= 0


def test_the_less_is_shown_the_more_headroom_there_is(person, background) -> None:
    body, picture = _body(person, "bust"), background((600, 900))
    bust, three_quarter = replace(body, stature=3 * body.height), replace(body, stature=1.3 * body.height)
    assert _place(bust, picture).height < _place(three_quarter, picture).height


def test_people_walk_away_from_clutter_but_stay_near_the_middle(person, background) -> None:
    picture = background((600, 900), 0.7)
    rng = np.random.default_rng(3)
    picture[100:, 430:900] = rng.integers(0, 255, (500, 470, 3))
    spot = _place(_body(person, "standing"), picture)
    assert 0.3 * 900 < spot.x < 0.47 * 900


def test_a_calm_background_puts_people_in_the_middle(person) -> None:
    body = _body(person, "standing")
    spot = _place(body, np.full((600, 900, 3), 150, np.uint8))
    middle = spot.x + (body.left + body.right - 2 * body.anchor_x) / 2 * spot.scale(body)
    assert abs(middle - 450) < 20


def test_the_matrix_takes_the_anchor_to_the_foot_point(person) -> None:
    body = _body(person, "standing")
    for flip in (False, True):
        matrix = Placement(321.0, 555.0, 300.0, flip).matrix(body)
        moved = matrix @ [body.anchor_x, body.bottom - 0.5, 1]
        assert np.allclose(moved, [321.0, 554.5])
        assert np.isclose(abs(np.linalg.det(matrix[:, :2])), (300 / body.height) ** 2)


@pytest.mark.parametrize("height", [180.0, 333.0, 500.0])
def test_the_painted_person_is_where_the_placement_says_within_a_pixel(cutout, person, height) -> None:
    body = _body(person, "standing")
    layer = warp_layer(cutout(), Placement(450.0, 570.0, height).matrix(body), (600, 900))
    assert layer is not None
    rows = np.flatnonzero((layer.alpha > 0.5).any(1)) + layer.top
    assert abs(rows[-1] + 1 - 570) <= 1
    assert abs(rows[-1] + 1 - rows[0] - height) <= 1.5
