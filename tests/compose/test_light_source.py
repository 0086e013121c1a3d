"""Where the light comes from, and where shadows fall."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from compose.scenery.horizon import Ground
from compose.scenery.light_source import Light, find_light
from tests.support.drawn_scenes import LINE, SCENES, SIZE, draw_scene, outdoors, with_sun

GROUND = Ground(LINE, 1.0)
MIDDLE = (0.5 * SIZE[1], 0.96 * SIZE[0])
BEHIND = {
    "low sun left": (0.2, 0.54),
    "low sun in the middle": (0.5, 0.52),
    "high sun left": (0.25, 0.12),
    "high sun right": (0.8, 0.15),
    "orange sun": (0.7, 0.5),
    "dark room with a window": (0.756, 0.333),
    "room with a lamp": (0.3, 0.25),
}


@pytest.mark.parametrize("name", sorted(BEHIND))
def test_a_source_in_the_picture_is_found_where_it_is_and_the_shadow_comes_towards_the_viewer(name) -> None:
    light = find_light(draw_scene(name), GROUND)
    assert light.x is not None and light.y is not None
    assert np.hypot(light.x - BEHIND[name][0], light.y - BEHIND[name][1]) < 0.04
    across, away = light.shadow_at(MIDDLE, SIZE)
    assert away <= -0.2
    if abs(BEHIND[name][0] - 0.5) > 0.1:
        assert np.sign(across) == np.sign(0.5 - BEHIND[name][0])


@pytest.mark.parametrize("y", [0.1, 0.35, 0.53])
@pytest.mark.parametrize("x", [0.12, 0.4, 0.88])
def test_the_sun_is_found_anywhere_in_a_sky_warm_or_blue_and_at_any_size(x, y) -> None:
    skies = (((90, 130, 190), (245, 205, 150), (255, 225, 170)), ((90, 150, 225), (190, 215, 240), (255, 255, 250)))
    for zenith, low, halo in skies:
        drawn = with_sun(outdoors(zenith, low, (120, 110, 90)), x, y, halo=halo)
        for scale in (1.0, 2.7):
            picture = cv2.resize(np.clip(drawn, 0, 255).astype(np.uint8), None, fx=scale, fy=scale)
            light = find_light(picture, GROUND)
            assert light.x == pytest.approx(x, abs=0.04) and light.y == pytest.approx(y, abs=0.05)


@pytest.mark.parametrize("name", sorted(SCENES.keys() - BEHIND.keys()))
def test_white_things_clouds_and_many_lamps_are_no_source(name) -> None:
    light = find_light(draw_scene(name), GROUND)
    assert not light.behind
    assert light.shadow_at(MIDDLE, SIZE)[1] > 0


def test_the_lower_the_sun_the_longer_the_shadow_but_never_without_end() -> None:
    lengths = [-Light(0.5, 0.5, elevation_deg=degrees).shadow_at(MIDDLE, SIZE)[1] for degrees in (60, 35, 20, 12, 1, 0)]
    assert lengths == sorted(lengths) and lengths[0] < 0.3 and lengths[-1] <= 0.9


def test_a_person_below_the_sun_has_the_shadow_straight_in_front_and_beside_it_leaning_away() -> None:
    light = Light(0.5, 0.5, elevation_deg=5, horizon=LINE)
    places = [light.shadow_at((share * SIZE[1], MIDDLE[1]), SIZE)[0] for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    assert places == sorted(places) and places[2] == pytest.approx(0) and places[0] == pytest.approx(-places[-1])
    assert all(abs(across) < 1.6 for across in places)


def test_under_an_overcast_sky_the_shadow_is_shorter_and_the_light_softer_than_on_a_clear_day() -> None:
    overcast, clear = (find_light(draw_scene(name), GROUND) for name in ("overcast", "noon"))
    assert overcast.hardness < clear.hardness
    assert np.hypot(*overcast.shadow_at(MIDDLE, SIZE)) < np.hypot(*clear.shadow_at(MIDDLE, SIZE))


def test_the_shadow_falls_away_from_the_bright_side() -> None:
    bright_left = np.tile(np.linspace(255, 40, 400).astype(np.uint8)[None, :, None], (300, 1, 3))
    left, right = (find_light(np.ascontiguousarray(each), Ground()) for each in (bright_left, bright_left[:, ::-1]))
    assert left.shadow_at((200, 290), (300, 400))[0] > 0.15
    assert right.shadow_at((200, 290), (300, 400))[0] < -0.15


@pytest.mark.parametrize("size", [(16, 16), (16, 400), (400, 16), (33, 41)])
@pytest.mark.parametrize("shade", [0, 128, 255])
def test_tiny_and_empty_pictures_have_ordinary_light(size, shade) -> None:
    light = find_light(np.full((*size, 3), shade, np.uint8), Ground())
    assert not light.behind and np.isfinite(light.shadow_at((8, 8), size)).all()
