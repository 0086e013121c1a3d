"""FID, KID and the Inception Score on features, their intervals, and the entrances to Inception."""

from __future__ import annotations

import numpy as np
import pytest

from tryon.evaluation import entrances
from tryon.evaluation.distances import fid, inception_score, kid, kid_subsets
from tryon.evaluation.intervals import bootstrap_mean, bootstrap_over_people, half_sample_interval, paired_difference


def test_fid_and_kid_equal_the_recorded_values(recorded):
    x, y = recorded["features_x"], recorded["features_y"]
    assert fid(x, y) == pytest.approx(float(recorded["fid"]), rel=1e-8)
    assert kid(x, y) == pytest.approx(float(recorded["kid"]), rel=1e-8)
    assert kid(x[:55], y) == pytest.approx(float(recorded["kid_equal_n"]), rel=1e-8)
    np.testing.assert_allclose(kid_subsets(x, y, 40, 100), recorded["kid_subsets"], atol=1e-8)


def test_fid_of_fewer_pictures_than_dimensions_takes_the_exact_route(recorded):
    few = fid(recorded["features_few_x"], recorded["features_few_y"])
    assert few == pytest.approx(float(recorded["fid_few"]), rel=1e-6)
    assert few == pytest.approx(float(recorded["fid_few_eig"]), rel=1e-4)


def test_fid_of_independent_channels_is_the_closed_form():
    random = np.random.default_rng(0)
    x = random.normal(size=(20_000, 3)) * (1, 2, 3) + (0, 1, 5)
    y = random.normal(size=(20_000, 3)) * (2, 2, 1) + (1, 1, 3)
    assert fid(x, y) == pytest.approx((1 + 0 + 4) + (1 + 0 + 4), rel=0.03)


def test_a_set_is_no_way_from_itself_in_any_order():
    x = np.random.default_rng(1).normal(size=(80, 12))
    assert abs(fid(x, x[::-1])) < 1e-6
    assert fid(x, x * 1.1) == pytest.approx(fid(x * 1.1, x), rel=1e-9)


def test_kid_is_unbiased():
    random = np.random.default_rng(2)
    found = [kid(random.normal(size=(30, 8)), random.normal(size=(25, 8))) for _ in range(200)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(200)


def test_the_inception_score_is_the_number_of_classes_at_best_and_one_at_worst():
    sure = np.eye(5)[np.arange(100) % 5] * 50
    assert inception_score(sure) == pytest.approx(5, rel=1e-6)
    assert inception_score(np.zeros((40, 7))) == pytest.approx(1)
    assert inception_score(sure, splits=4) == pytest.approx(5, rel=1e-6)


# ---- intervals ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ssim_rgb_full", "ssim_grey"])
def test_the_bootstrap_of_a_mean_equals_the_recorded_one(recorded, name: str):
    np.testing.assert_allclose(bootstrap_mean(recorded[name]), recorded[f"interval_{name}"], atol=1e-9)


def test_pairs_of_one_person_are_no_independent_evidence():
    random = np.random.default_rng(0)
    values = np.repeat(random.normal(size=20), 5)
    people = [f"p{number}" for number in np.repeat(np.arange(20), 5)]
    low, high = bootstrap_over_people(values, people)
    alone_low, alone_high = bootstrap_mean(values)
    assert high - low > 1.7 * (alone_high - alone_low)


def test_values_that_are_not_finite_are_left_out_and_too_few_have_no_interval():
    assert bootstrap_mean(np.array([1.0, np.inf, np.nan, 1.0])) == (1.0, 1.0)
    assert np.isnan(bootstrap_mean(np.array([1.0]))).all()


def test_half_samples_hold_the_estimate_in_the_middle_where_duplicates_would_push_it_up():
    random = np.random.default_rng(5)
    x, y = random.normal(size=(120, 10)), random.normal(size=(120, 10)) + 0.3
    value = kid(x, y)
    low, high = half_sample_interval(kid, x, y, value)
    assert low < value < high and (low + high) / 2 == pytest.approx(value)


def test_a_paired_difference_says_which_is_larger_and_how_surely():
    random = np.random.default_rng(1)
    first = random.normal(size=60)
    better = paired_difference(first, first + 0.5 + 0.1 * random.normal(size=60))
    assert better.low > 0 and better.second_larger == 1 and better.n == 60
    same = paired_difference(first, first[::-1].copy())
    assert same.low < 0 < same.high


# ---- entrances ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "way"), [("clean", "clean"), ("pytorch_fid", "pytorch"), ("tf1", "tf1")])
def test_every_entrance_gives_the_recorded_pixels(recorded, name: str, way: str):
    row, column, channel = recorded["resize_positions"].T
    for picture, prefix in ((recorded["gt"][0], "resize"), (recorded["big"], "big")):
        found = getattr(entrances, way)(picture)
        assert found.shape == (299, 299, 3) and found.dtype == np.float32
        np.testing.assert_allclose(found[row, column, channel], recorded[f"{prefix}_{name}"], atol=1e-2)
