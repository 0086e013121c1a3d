"""Rectangles: sides by name, windows that stay in the picture."""

from __future__ import annotations

import numpy as np

from pipeline.core.masks import box_of
from pipeline.core.rect import Rect


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
