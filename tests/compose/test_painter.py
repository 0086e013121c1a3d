"""Several people in one background."""

from __future__ import annotations

import numpy as np

from compose.body import measure_body
from compose.compose_step import ComposeConfig
from compose.painter import PLAIN, Figure, compose_scene
from compose.placement import Placement
from compose.scenery.horizon import Ground

SIZE = (600, 900)


def _figure(cutout, x: float, y: float, colour, z: int = 0, pose: str = "standing") -> Figure:
    rgba = cutout(pose, colour)
    body = measure_body(rgba[..., 3])
    assert body is not None
    return Figure(rgba, body, Placement(x, y, 400, z=z), (0.3, 0.17))


def test_nearer_people_hide_farther_ones_in_any_order_given(cutout, background) -> None:
    far, near = _figure(cutout, 400, 540, (250, 0, 0)), _figure(cutout, 420, 580, (0, 0, 250))
    one, two = (compose_scene(background(SIZE), order, Ground(), PLAIN).rgb for order in ([far, near], [near, far]))
    assert np.array_equal(one, two)
    assert tuple(one[340, 420]) == (0, 0, 250)


def test_the_order_can_be_forced(cutout, background) -> None:
    far, near = _figure(cutout, 400, 540, (250, 0, 0), z=1), _figure(cutout, 420, 580, (0, 0, 250))
    rgb = compose_scene(background(SIZE), [far, near], Ground(), PLAIN).rgb
    assert tuple(rgb[340, 410]) == (250, 0, 0)


def test_layers_are_kept_apart_and_the_background_is_not_changed(cutout, background) -> None:
    picture = background(SIZE)
    before = picture.copy()
    composite = compose_scene(
        picture, [_figure(cutout, 300, 560, (90, 90, 90)), _figure(cutout, 600, 560, (9, 9, 9))], Ground(), ComposeConfig().look()
    )
    assert np.array_equal(picture, before)
    assert len(composite.people) == len(composite.shadows) == 2


def test_nobody_leaves_the_background_as_it_is(background) -> None:
    picture = background(SIZE)
    assert np.array_equal(compose_scene(picture, [], Ground(), ComposeConfig().look()).rgb, picture)


def test_a_person_mostly_outside_is_painted_as_far_as_seen(cutout, background) -> None:
    for x, y in ((-20, 560), (890, 560), (450, 900), (450, 30)):
        picture = background(SIZE)
        rgb = compose_scene(picture, [_figure(cutout, x, y, (250, 0, 0))], Ground(), ComposeConfig().look()).rgb
        assert rgb.shape == picture.shape
        assert not np.array_equal(rgb, picture)
