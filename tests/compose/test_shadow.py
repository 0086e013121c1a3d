"""The shadow touches the feet."""

from __future__ import annotations

import numpy as np
import pytest

from compose.body import measure_body
from compose.compose_step import ComposeConfig
from compose.horizon import Ground
from compose.layer import warp_layer
from compose.painter import Figure, compose_scene, stand
from compose.placement import Placement
from compose.shadow import ShadowLook, draw_shadow

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
