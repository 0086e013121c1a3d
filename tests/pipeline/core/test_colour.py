"""Colours and their distances against an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from pipeline.core.pixels.colour import ciede2000, to_lab, to_lab_exactly


def test_the_colour_difference_of_2000_equals_the_published_pairs_and_an_independent_implementation():
    published = [((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425), ((50, 0, 0), (50, -1, 2), 2.3669)]
    for first, second, expected in published:
        assert float(ciede2000(np.array(first), np.array(second))) == pytest.approx(expected, abs=1e-4)
    random = np.random.default_rng(3)
    first, second = (random.uniform((0, -90, -90), (100, 90, 90), (400, 3)) for _ in range(2))
    for lightness in (1.0, 2.0):
        np.testing.assert_allclose(ciede2000(first, second, lightness), deltaE_ciede2000(first, second, kL=lightness), atol=1e-9)


def test_lab_is_the_independent_implementations_and_the_quick_one_is_near():
    colours = np.random.default_rng(0).integers(0, 256, (60, 70, 3), dtype=np.uint8)
    colours[0, :3] = [[0, 0, 0], [255, 255, 255], [10, 11, 10]]
    np.testing.assert_allclose(to_lab_exactly(colours), rgb2lab(colours), atol=1e-9)
    assert np.abs(to_lab(colours) - rgb2lab(colours)).max() < 0.4
    assert to_lab_exactly(colours[5, 7]) == pytest.approx(rgb2lab(colours)[5, 7])
