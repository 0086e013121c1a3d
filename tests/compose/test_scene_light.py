"""Exposure and colour of a scene's light, and what they do to a person."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from compose.compose_step import ComposeConfig
from compose.layer import Layer
from compose.painter import PLAIN, light_person
from compose.scenery.horizon import Ground
from compose.scenery.light_source import Light
from compose.shading.scene_light import STUDIO, SceneLight, find_scene_light, relight
from tests.support.drawn_scenes import LINE, SIZE, draw_scene

GROUND = Ground(LINE, 1.0)
LOOK = ComposeConfig(grain=0, softness=0).look()
SKINS = ((247, 219, 200), (229, 184, 156), (190, 133, 98), (160, 105, 74), (122, 77, 52), (62, 40, 31))
NEUTRAL = (
    "noon",
    "noon on a dark lawn",
    "overcast",
    "clouds",
    "white house",
    "white studio",
    "grey studio",
    "yellow studio",
    "bright room",
    "patch of sun",
)


def _person(*shades: tuple[int, int, int]) -> Layer:
    """Stripes of the shades, white and black, standing in the middle."""
    rows = np.repeat(np.array([*shades, (235, 235, 235), (25, 25, 25)], np.float32), 24, axis=0)
    colour = np.repeat(rows[:, None], 60, axis=1)
    alpha = cv2.GaussianBlur(np.pad(np.ones((len(rows) - 8, 52), np.float32), 4), (0, 0), 0.8)
    return Layer(SIZE[0] - len(rows) - 10, 190, colour, alpha)


def _flat(*shades: tuple[int, int, int]) -> Layer:
    """One row of 20 pixels for each shade, opaque."""
    return Layer(0, 0, np.repeat(np.array(shades, np.float32)[:, None], 20, axis=1), np.ones((len(shades), 20), np.float32))


def _lab(rgb) -> np.ndarray:
    return cv2.cvtColor((np.asarray(rgb) / 255).astype(np.float32), cv2.COLOR_RGB2LAB)


def _light(name: str) -> SceneLight:
    return find_scene_light(draw_scene(name), GROUND).reaching((SIZE[1] / 2, SIZE[0] / 2), SIZE)


def _change(name: str, person: Layer) -> np.ndarray:
    """(h, w, 3) float32: what `light_person` adds to each pixel, Lab."""
    lit = light_person(person, draw_scene(name), LOOK, 1, _light(name))
    return (_lab(lit.colour) - _lab(person.colour))[8:-8, 8:-8]


@pytest.mark.parametrize("name", NEUTRAL)
def test_neutral_light_leaves_a_studio_person_nearly_unchanged(name) -> None:
    assert np.linalg.norm(_change(name, _person(*SKINS)), axis=2).mean() <= 2


def test_dusk_is_darker_and_cooler_night_darker_still_sunset_warmer() -> None:
    person = _person(SKINS[1])
    dusk, night, sunset, orange = (
        _change(name, person).mean((0, 1)) for name in ("dusk", "night city", "low sun left", "orange sun")
    )
    assert -35 < night[0] < dusk[0] < -8
    assert -12 < dusk[2] < -1
    assert 3 < sunset[2] < 14 and -16 < sunset[0] < -3
    assert orange[2] > 0 and orange[0] < sunset[0]


@pytest.mark.parametrize(("name", "sign"), [("dusk", -1), ("low sun left", 1), ("room with a lamp", 1), ("orange sun", 1)])
def test_white_goes_towards_the_light(name, sign) -> None:
    person = _person((235, 235, 235))
    white = _change(name, person)[: 24 - 8].mean((0, 1))
    assert 2 < sign * white[2] < 16 and abs(white[1]) < 4


@pytest.mark.parametrize("strength", [0.35, 1.0])
@pytest.mark.parametrize("darkness", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("colour", [{"warmth": 1.0}, {"coolness": 1.0}, {"warmth": 0.5, "coolness": 0.5}])
@pytest.mark.parametrize("behind", [Light(), Light(0.5, 0.4, hardness=1.0)])
def test_skin_stays_skin_in_any_light(strength, darkness, colour, behind) -> None:
    layer = _flat(*SKINS)
    before, after = _lab(layer.colour), _lab(relight(layer, SceneLight(behind, darkness, **colour), strength))
    turn = np.degrees(np.arctan2(after[..., 2], after[..., 1]) - np.arctan2(before[..., 2], before[..., 1]))
    assert np.abs(turn).max() <= 15
    assert (after[..., 1] > 0).all() and (after[..., 2] > 0).all()


def test_skins_keep_their_order_and_dark_skin_is_not_lost_at_dusk() -> None:
    light = _light("dusk")
    layer = _flat(*SKINS)
    lit = _lab(relight(layer, light, 0.35))[:, 0, 0]
    assert (np.diff(lit) < -2).all()
    assert lit[-1] > 0.58 * _lab(layer.colour)[-1, 0, 0]


def test_people_lit_from_behind_are_darker_in_front_and_their_black_is_veiled() -> None:
    behind = SceneLight(Light(0.5, 0.4, hardness=1.0))
    layer = Layer(
        0, 0, np.repeat(np.array([[(200, 200, 200)], [(5, 5, 5)]], np.float32), 20, axis=1), np.ones((2, 20), np.float32)
    )
    bright, black = relight(layer, behind, 0.35)[:, 0, 0]
    assert bright < 190 and 7 < black < 25


def test_who_was_photographed_in_the_dark_is_not_darkened_as_much_again() -> None:
    dusk = SceneLight(darkness=0.6)
    ordinary, dark = (_flat((grey, grey, grey)) for grey in (200, 90))
    lost = [relight(layer, dusk, 0.35).mean() / layer.colour.mean() for layer in (ordinary, dark)]
    assert lost[0] < lost[1] < 1


@pytest.mark.parametrize("name", ["low sun left", "dusk", "night city", "white studio"])
def test_without_strength_nothing_changes_not_even_a_bit(name) -> None:
    person, scene, light = _person(*SKINS), draw_scene(name), _light(name)
    assert np.array_equal(light_person(person, scene, PLAIN, 1, light).colour, person.colour)
    assert relight(person, light, 0) is person.colour and relight(person, STUDIO, 1) is person.colour


def test_the_stronger_the_setting_the_darker_the_dusk() -> None:
    person, light = _person(SKINS[1]), _light("dusk")
    means = [relight(person, light, strength).mean() for strength in (0.0, 0.1, 0.35, 0.7, 1.0)]
    assert means == sorted(means, reverse=True)


def test_the_rim_is_bright_towards_the_sun_only_on_the_outline_and_absent_on_dark_ground() -> None:
    person, scene = _person((90, 60, 40), (90, 60, 40)), draw_scene("high sun left")
    light = _light("high sun left")
    assert light.bearing is not None and light.bearing[0] < 0
    look = ComposeConfig(colour=0, grain=0, softness=0).look()
    for picture, low, high in ((scene, 12, 140), (np.full_like(scene, 12), -40, 8)):
        gained = (light_person(person, picture, look, 1, light).colour - person.colour).mean(2)
        assert low < gained[16:40, 6].mean() < high
        assert gained[16:40, 6].mean() >= gained[16:40, -7].mean()
        assert np.abs(gained[20:-20, 20:-20]).max() < 3


def test_an_evening_sky_without_a_sun_is_a_little_warm_and_dim() -> None:
    evening, person = _light("soft evening"), _person(SKINS[1])
    assert not evening.source.behind and 0.1 < evening.warmth < 0.6 and 0 < evening.darkness < 0.15
    change = _change("soft evening", person).mean((0, 1))
    assert -8 < change[0] < -0.5 and 1 < change[2] < 8


def test_what_was_estimated_is_said_in_words() -> None:
    assert _light("white studio").words == "nowhere"
    assert _light("low sun left").words.startswith("behind 3° warm")
    assert _light("dusk").words.startswith("nowhere dark") and " cool " in _light("dusk").words


def test_the_same_scene_gives_the_same_light_every_time() -> None:
    assert _light("low sun left") == _light("low sun left")


@pytest.mark.parametrize("size", [(16, 16), (20, 300), (300, 20)])
def test_tiny_pictures_have_a_light(size) -> None:
    for shade in (0, 128, 255):
        light = find_scene_light(np.full((*size, 3), shade, np.uint8), Ground())
        assert np.isfinite(light.gain).all() and 0 <= light.evidence <= 1
