"""SSIM in three conventions, PSNR and colour differences, against recorded values and by their properties."""

from __future__ import annotations

import numpy as np
import pytest

from tryon.evaluation import similarity
from tryon.evaluation.similarity import delta_e_mean_colour, delta_e_pixels, psnr

THREE = ("ssim_rgb_full", "ssim_rgb_valid", "ssim_grey")


@pytest.mark.parametrize("name", THREE)
def test_ssim_equals_the_recorded_definition(recorded, name: str):
    measure = getattr(similarity, name)
    found = [measure(*pair) for pair in zip(recorded["gt"], recorded["pred"], strict=True)]
    np.testing.assert_allclose(found, recorded[name], rtol=0, atol=1e-10)


def test_psnr_and_colour_differences_equal_the_recorded_ones(recorded):
    pairs = list(zip(recorded["gt"], recorded["pred"], recorded["garment"], recorded["hole"], strict=True))
    np.testing.assert_allclose([psnr(a, b) for a, b, *_ in pairs], recorded["psnr_all"], atol=1e-9)
    np.testing.assert_allclose([psnr(a, b, ~hole) for a, b, _, hole in pairs], recorded["psnr_outside"], atol=1e-9)
    by_mean = [delta_e_mean_colour(a, b, garment) for a, b, garment, _ in pairs]
    by_pixel = [delta_e_pixels(a, b, garment) for a, b, garment, _ in pairs]
    np.testing.assert_allclose(by_mean, recorded["delta_e_mean_colour"], atol=1e-6)
    np.testing.assert_allclose(by_pixel, recorded["delta_e_pixels"], atol=1e-6)


@pytest.fixture
def two() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    return random.integers(0, 256, (40, 30, 3), np.uint8), random.integers(0, 256, (40, 30, 3), np.uint8)


@pytest.mark.parametrize("name", THREE)
def test_a_picture_is_most_like_itself_and_likeness_is_mutual(two, name: str):
    measure = getattr(similarity, name)
    assert measure(two[0], two[0]) == pytest.approx(1, abs=1e-12)
    assert measure(*two) == pytest.approx(measure(*two[::-1]), abs=1e-12) and measure(*two) < 0.2


def test_the_three_conventions_are_three_numbers(two):
    mixed = (two[0] // 2 + two[1] // 2).astype(np.uint8)
    found = {getattr(similarity, name)(two[0], mixed) for name in THREE}
    assert len({round(value, 4) for value in found}) == 3


def test_psnr_is_infinite_where_nothing_changed_and_unknown_where_there_is_nothing(two):
    assert psnr(two[0], two[0]) == float("inf")
    assert np.isnan(psnr(*two, np.zeros((40, 30), bool))) and np.isnan(delta_e_mean_colour(*two, np.zeros((40, 30), bool)))


def test_one_changed_pixel_outside_the_mask_is_seen(two):
    changed = two[0].copy()
    hole = np.zeros((40, 30), bool)
    hole[10:20, 10:20] = True
    changed[hole] = 255
    assert psnr(changed, two[0], ~hole) == float("inf")
    changed[0, 0, 0] ^= 1
    assert 60 < psnr(changed, two[0], ~hole) < 100
