"""Colours, light, grain and softness."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from compose.layer import Layer
from compose.painter import PLAIN, light_person
from compose.shading.grain import edge_width, match_grain, match_softness, noise_level
from compose.shading.light import match_colour, wrap_light


def _layer(colour=(180, 140, 110), spread: float = 12.0, size=(300, 160)) -> Layer:
    alpha = np.zeros(size, np.float32)
    alpha[20:-20, 20:-20] = 1
    rgb = np.clip(np.random.default_rng(2).normal(0, spread, (*size, 3)) + np.array(colour), 0, 255)
    return Layer(100, 200, rgb.astype(np.float32), cv2.GaussianBlur(alpha, (0, 0), 1))


def _lab(rgb) -> np.ndarray:
    return cv2.cvtColor((rgb / 255).astype(np.float32), cv2.COLOR_RGB2LAB)


@pytest.mark.parametrize("scene", [(20, 40, 200), (0, 160, 40), (255, 255, 255), (0, 0, 0), (250, 120, 20)])
def test_colour_transfer_stays_within_its_clamps_in_any_surroundings(scene) -> None:
    layer = _layer()
    picture = np.full((600, 800, 3), scene, np.uint8)
    moved = _lab(match_colour(layer, picture, 0.35)).mean((0, 1)) - _lab(layer.colour).mean((0, 1))
    assert np.all(np.abs(moved) <= np.array([8, 6, 6]) * 0.35 + 1.0)


def test_skin_never_turns_blue() -> None:
    blue = np.full((600, 800, 3), (20, 40, 220), np.uint8)
    matched = match_colour(_layer(), blue, 1.0).mean((0, 1))
    assert matched[0] > matched[1] > matched[2]


def test_colour_moves_towards_the_surroundings() -> None:
    layer = _layer()
    dark = np.full((600, 800, 3), 40, np.uint8)
    assert match_colour(layer, dark, 0.35).mean() < layer.colour.mean() - 2


def test_light_wrap_touches_the_rim_only() -> None:
    layer = _layer(spread=0)
    wrapped = wrap_light(layer, np.full((1024, 800, 3), 255, np.uint8), 0.25)
    assert np.abs(wrapped - layer.colour)[60:-60, 60:-60].max() < 0.5
    edge = np.abs(wrapped - layer.colour)[150, 20]
    assert 5 < edge.max() <= 0.25 * 255


def test_noise_level_recovers_the_sigma_it_was_made_with() -> None:
    noisy = np.random.default_rng(5).normal(128, 4.0, (300, 300)).astype(np.float32)
    assert abs(noise_level(noisy) - 4.0) < 0.6


def test_texture_edges_do_not_count_as_noise() -> None:
    checks = ((np.indices((300, 300)) // 20).sum(0) % 2 * 200).astype(np.float32)
    assert noise_level(checks) < 0.5


def test_grain_is_added_up_to_the_backgrounds_and_is_the_same_for_the_same_seed(background) -> None:
    layer = _layer(spread=0)
    noisy = background((600, 800), noise=4.0)
    first, again, other = (match_grain(layer, noisy, 1.0, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert abs(float((first - layer.colour)[..., 0].std()) - 4.0) < 0.8
    assert np.array_equal(match_grain(layer, background((600, 800)), 1.0, 1), layer.colour)


def test_a_sharp_background_never_blurs_the_person(background) -> None:
    layer = _layer()
    assert match_softness(layer, background((600, 800)), 1.0) is layer


def test_soft_pictures_have_wider_edges(background) -> None:
    picture = background((600, 800))
    assert edge_width(cv2.GaussianBlur(picture, (0, 0), 2.5)) > edge_width(cv2.GaussianBlur(picture, (0, 0), 1.2))
    assert edge_width(np.full((100, 100, 3), 80, np.uint8)) == 0


def test_plain_changes_no_colour(background) -> None:
    layer = _layer()
    assert np.array_equal(light_person(layer, background((600, 800), noise=5), PLAIN, 1).colour, layer.colour)
