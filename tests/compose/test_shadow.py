"""The shadow touches the feet."""

from __future__ import annotations

import numpy as np
import pytest

from compose.body import measure_body
from compose.compose_step import ComposeConfig
from compose.layer import warp_layer
from compose.painter import Figure, compose_scene, stand
from compose.placement import Placement
from compose.scenery.horizon import Ground
from compose.shading.shadow import ShadowLook, draw_shadow, occlude_feet

SIZE = (700, 1000)


def _drawn(cutout, pose: str, direction=(0.35, 0.17), flip: bool = False):
    rgba = cutout(pose)
    body = measure_body(rgba[..., 3])
    assert body is not None
    placement = Placement(480, 640, 500, flip)
    person = warp_layer(rgba, placement.matrix(body), SIZE)
    stance = stand(body, placement)
    assert person is not None and stance is not None
    shadow = draw_shadow(person, stance, ShadowLook(direction, 0.75, 0.4), SIZE)
    assert shadow is not None
    full = np.zeros(SIZE, np.float32)
    height, width = shadow.opacity.shape
    full[shadow.top : shadow.top + height, shadow.left : shadow.left + width] = shadow.opacity
    return full, stance


@pytest.mark.parametrize("pose", ["standing", "striding", "seated"])
@pytest.mark.parametrize("direction", [(0.35, 0.17), (-0.4, 0.17), (0.0, 0.2), (0.3, -0.15)])
@pytest.mark.parametrize("flip", [False, True])
def test_every_sole_has_shade_right_below_it(cutout, pose, direction, flip) -> None:
    opacity, stance = _drawn(cutout, pose, direction, flip)
    for contact in stance.contacts:
        column, row = round(contact.x), round(contact.row)
        assert opacity[row : row + 3, column].min() > 0.25, f"gap under the foot at {column}, {row}"


@pytest.mark.parametrize("pose", ["standing", "striding"])
@pytest.mark.parametrize("direction", [(0.35, 0.17), (-0.4, 0.17)])
def test_the_cast_shadow_hangs_together_with_every_foot(cutout, pose, direction) -> None:
    import cv2

    opacity, stance = _drawn(cutout, pose, direction)
    _, parts = cv2.connectedComponents((opacity > 0.08).astype(np.uint8))
    touched = {int(parts[round(contact.row), round(contact.x)]) for contact in stance.contacts}
    assert 0 not in touched
    tip_x = stance.contacts[0].x + direction[0] * 0.6 * stance.height
    tip_y = stance.row - direction[1] * 0.6 * stance.height
    assert int(parts[round(tip_y), round(tip_x)]) in touched


def test_the_shadow_falls_to_the_side_it_is_told(cutout) -> None:
    right, stance = _drawn(cutout, "standing", (0.4, 0.17))
    left, _ = _drawn(cutout, "standing", (-0.4, 0.17))
    middle = round(np.mean([contact.x for contact in stance.contacts]))
    assert right[:, middle:].sum() > 1.5 * right[:, :middle].sum()
    assert left[:, :middle].sum() > 1.5 * left[:, middle:].sum()


def test_a_shadow_towards_the_viewer_lies_below_the_feet(cutout) -> None:
    opacity, stance = _drawn(cutout, "standing", (0.3, -0.1))
    row = round(stance.row + 0.05 * stance.height)
    assert opacity[row].max() > 0.1


def test_no_shadow_above_the_ground_line(cutout, background) -> None:
    rgba = cutout("standing")
    body = measure_body(rgba[..., 3])
    assert body is not None
    wall = background(SIZE, 0.85)
    figure = Figure(rgba, body, Placement(480, 640, 500), (0.4, 0.3))
    look = ComposeConfig(colour=0, light_wrap=0, grain=0, softness=0).look()
    composite = compose_scene(wall, [figure], Ground(0.85, 1.0), look)
    untouched = warp_layer(rgba, figure.placement.matrix(body), SIZE)
    assert untouched is not None
    painted = np.zeros(SIZE, bool)
    painted[untouched.window] = untouched.alpha > 0
    above = np.zeros(SIZE, bool)
    above[: int(0.85 * SIZE[0]) - 1] = True
    assert np.array_equal(composite.rgb[above & ~painted], wall[above & ~painted])
    assert not np.array_equal(composite.rgb[~above & ~painted], wall[~above & ~painted])


def test_a_body_without_feet_casts_no_shadow(cutout, background) -> None:
    rgba = cutout("bust")
    body = measure_body(rgba[..., 3])
    assert body is not None
    figure = Figure(rgba, body, Placement(480, 704, 500), (0.4, 0.2))
    assert compose_scene(background(SIZE), [figure], Ground(), ComposeConfig().look()).shadows == ()


def _width(opacity, row: int) -> int:
    return int(np.count_nonzero(opacity[row] > 0.1))


def test_a_long_shadow_towards_the_viewer_widens_fades_and_stays_below_the_feet(cutout) -> None:
    rgba = cutout("standing")
    body = measure_body(rgba[..., 3])
    assert body is not None
    placement = Placement(480, 330, 250)
    person = warp_layer(rgba, placement.matrix(body), SIZE)
    stance = stand(body, placement)
    assert person is not None and stance is not None
    drawn = {}
    for horizon in (None, 230.0):
        shadow = draw_shadow(person, stance, ShadowLook((0.0, -0.9), 0.75, 0.5, 0.0, 1.0, horizon), SIZE)
        assert shadow is not None
        drawn[horizon] = np.zeros(SIZE, np.float32)
        height, width = shadow.opacity.shape
        drawn[horizon][shadow.top : shadow.top + height, shadow.left : shadow.left + width] = shadow.opacity
    near, far = (round(stance.row + share * stance.height) for share in (0.25, 0.55))
    flat, wide = drawn[None], drawn[230.0]
    assert _width(wide, far) > 1.4 * _width(wide, near)
    assert _width(wide, far) > 1.5 * _width(flat, far)
    assert wide[far].max() < wide[near].max()
    assert wide[: round(stance.row - 0.08 * stance.height)].max() < 0.1


@pytest.mark.parametrize("direction", [(0.0, -0.9), (1.35, -0.9), (-1.35, -0.9)])
def test_a_person_at_the_bottom_of_the_frame_may_have_a_long_shadow_that_leaves_it(cutout, direction) -> None:
    rgba = cutout("standing")
    body = measure_body(rgba[..., 3])
    assert body is not None
    for foot in (0.99, 1.0, 1.1):
        placement = Placement(480, foot * SIZE[0], 560)
        person, stance = warp_layer(rgba, placement.matrix(body), SIZE), stand(body, placement)
        assert person is not None and stance is not None
        shadow = draw_shadow(person, stance, ShadowLook(direction, 0.75, 0.4, 0.0, 1.0, 0.6 * SIZE[0]), SIZE)
        if shadow is not None:
            assert shadow.top + shadow.opacity.shape[0] <= SIZE[0] and np.isfinite(shadow.opacity).all()


def test_hard_light_casts_a_darker_sharper_shadow_than_an_overcast_sky(cutout) -> None:
    rgba = cutout("standing")
    body = measure_body(rgba[..., 3])
    assert body is not None
    placement = Placement(480, 640, 500)
    person, stance = warp_layer(rgba, placement.matrix(body), SIZE), stand(body, placement)
    assert person is not None and stance is not None
    row = round(stance.row - 0.06 * stance.height)
    soft, usual, hard = (
        draw_shadow(person, stance, ShadowLook((0.4, 0.17), 0.0, 0.4, 0.0, hardness), SIZE) for hardness in (0.0, 0.5, 1.0)
    )
    assert soft is not None and usual is not None and hard is not None
    rows = [each.opacity[row - each.top] for each in (soft, usual, hard)]
    darkness = [float(each.max()) for each in rows]
    steepness = [float(np.abs(np.diff(each)).max() / each.max()) for each in rows]
    assert darkness == sorted(darkness) and steepness == sorted(steepness) and darkness[0] < 0.7 * darkness[2]


def test_shoes_darken_towards_the_ground_and_nothing_above_them(cutout) -> None:
    rgba = cutout("striding")
    body = measure_body(rgba[..., 3])
    assert body is not None
    placement = Placement(480, 640, 500)
    person, stance = warp_layer(rgba, placement.matrix(body), SIZE), stand(body, placement)
    assert person is not None and stance is not None
    assert occlude_feet(person, stance, 0.0) is person.colour
    dark = occlude_feet(person, stance, 0.75)
    for contact in stance.contacts:
        sole, column = round(contact.row) - person.top - 2, round(contact.x) - person.left
        assert dark[sole, column].mean() < 0.8 * person.colour[sole, column].mean()
    above = round(min(contact.row for contact in stance.contacts) - 0.04 * stance.height) - person.top
    assert np.array_equal(dark[:above], person.colour[:above])
