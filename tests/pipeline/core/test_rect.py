"""Rectangles: sides by name, windows that stay in the picture."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.masks import box_of
from pipeline.core.rect import Rect, span


def test_bottom_and_right_are_the_first_row_and_column_outside():
    rect = Rect(top=3, left=5, height=10, width=20)
    assert (rect.bottom, rect.right, rect.longer_side) == (13, 25, 20)


def test_a_window_shows_what_the_mask_covers():
    mask = np.zeros((9, 12), bool)
    mask[2:5, 7:8] = True
    box = box_of(mask)
    assert box == Rect(top=2, left=7, height=3, width=1) and mask[box.window(mask.shape)].all()


def test_a_margin_ends_at_the_picture_s_edges():
    rect = Rect(top=2, left=0, height=4, width=3)
    assert rect.window((6, 10), margin_px=1) == (slice(1, 6), slice(0, 4))


def test_a_larger_picture_shows_the_same_part():
    assert Rect(top=2, left=4, height=6, width=8).scaled(0.5) == Rect(top=1, left=2, height=3, width=4)


def test_a_window_around_shows_the_surroundings_and_stays_in_the_picture():
    rect = Rect(top=-50.0, left=900.0, height=2000.0, width=500.0)
    assert rect.window_around((1000, 1200, 3), 400.0, 400.0) == (slice(0, 1000), slice(500, 1200))


def test_edges_between_pixels_are_rounded_down():
    assert Rect(top=10.0, left=20.0, height=5.5, width=5.0).window_around((90, 90), 1.3, 0.0) == (slice(8, 16), slice(20, 25))


@pytest.mark.parametrize(("start", "stop"), [(-50, -20), (100, 140), (99.5, 99.7), (-3, 0), (40.2, 40.7)])
def test_a_span_outside_the_picture_or_within_one_pixel_is_not_empty(start: float, stop: float):
    found = span(start, stop, 100)
    assert 0 <= found.start < found.stop <= 100
