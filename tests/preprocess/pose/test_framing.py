"""The 3:4 window round a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.frame import Frame, whole_photo
from pipeline.core.rect import Rect
from preprocess.pose.framing import person_frame


def _edges(frame: Frame) -> tuple[float, float, float, float]:
    return frame.top, frame.left, frame.top + frame.height, frame.left + frame.width


def test_a_photo_of_the_canvas_shape_is_kept_whole():
    assert person_frame(Rect(100, 200, 900, 300), (1024, 768)) == whole_photo((1024, 768))


def test_a_small_person_in_a_portrait_photo_is_cropped():
    frame = person_frame(Rect(400, 300, 300, 120), (1024, 768))
    assert frame.height == pytest.approx(330)


def test_a_landscape_photo_gives_a_window_inside_it():
    top, left, bottom, right = _edges(person_frame(Rect(80, 300, 380, 150), (480, 852)))
    assert top >= 0 and left >= 0 and bottom <= 480 and right <= 852
    assert left < 300 and right > 450


def test_a_person_cut_at_the_bottom_is_not_padded_below():
    frame = person_frame(Rect(10, 20, 502, 460), (512, 512))
    assert frame.top + frame.height == pytest.approx(512)


def test_a_person_at_the_side_is_framed_by_a_shifted_window_not_by_padding():
    frame = person_frame(Rect(50, 0, 400, 150), (480, 852))
    assert frame.left == 0


def test_room_is_given_up_before_padding_is_added():
    tight = person_frame(Rect(30, 150, 950, 380), (1024, 667))
    assert tight.height == pytest.approx(1.02 * 950)


@given(st.integers(80, 3000), st.integers(80, 3000), st.floats(0, 0.6), st.floats(0, 0.6), st.floats(0.1, 1), st.floats(0.1, 1))
def test_the_person_is_always_inside_the_window(height, width, top, left, tall, wide):
    box = Rect(top * height, left * width, min(tall, 1 - top) * height, min(wide, 1 - left) * width)
    start_y, start_x, end_y, end_x = _edges(person_frame(box, (height, width)))
    assert start_y <= box.top + 1e-6 and end_y >= box.bottom - 1e-6
    assert start_x <= box.left + 1e-6 and end_x >= box.right - 1e-6
    assert (end_x - start_x) / (end_y - start_y) == pytest.approx(0.75)
