"""Windows in which models look closer."""

from __future__ import annotations

from pipeline.core.rect import Rect
from preprocess.background.windows import enlarged_window, ramp, thirds


def test_a_ramp_falls_inside_the_picture_but_not_at_its_edge():
    weight = ramp((slice(0, 40), slice(30, 70)), (100, 100))
    assert weight.shape == (40, 40)
    assert weight[0, 20] == 1, "the window begins at the picture's edge"
    assert weight[39, 20] < 0.1 and weight[20, 0] < 0.1 and weight[20, 39] < 0.1
    assert weight[20, 20] == 1


def test_an_enlarged_window_is_cut_at_the_picture_s_edges():
    assert enlarged_window(Rect(10, 10, 20, 20), 0.5, (35, 100)) == (slice(0, 35), slice(0, 40))


def test_thirds_cover_the_long_side_with_overlap():
    windows = thirds((100, 300))
    assert [columns for _, columns in windows] == [slice(0, 150), slice(75, 225), slice(150, 300)]
    assert all(rows == slice(0, 100) for rows, _ in windows)
