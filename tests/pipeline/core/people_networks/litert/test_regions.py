"""A region is cut out of a picture, and what is found in it is brought back to the picture."""

import math

import numpy as np
import pytest

from pipeline.core.people_networks.litert.regions import UP, Region, crop, put_back, turn

RNG = np.random.default_rng(1)


@pytest.fixture
def noise():
    return RNG.integers(0, 256, (64, 64, 3), np.uint8)


def test_a_square_picture_seen_whole_at_its_own_size_is_itself(noise):
    assert np.array_equal(crop(noise, Region.whole(noise), 64, black_outside=True), noise)
    assert Region.around(noise) == Region.whole(noise)


def test_a_wide_picture_stands_in_the_middle_of_a_black_square():
    seen = crop(np.full((32, 64, 3), 200, np.uint8), Region.around(np.zeros((32, 64, 3), np.uint8)), 64, black_outside=True)
    rows = seen[:, 10, 0]
    assert (rows[:16] == 0).all() and (rows[16:48] == 200).all() and (rows[48:] == 0).all()


def test_beyond_the_edge_its_outermost_pixels_go_on():
    seen = crop(np.full((32, 64, 3), 200, np.uint8), Region(0, 0, 64, 64), 64, black_outside=False)
    assert (seen == 200).all()


def test_pixels_are_mixed_to_a_32nd():
    ramp = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    shifted = crop(ramp, Region(32 + 0.51, 32, 64, 64), 64, black_outside=False)
    assert (shifted[:, :60, 0] == ramp[:, :60, 0] + 2).all()  # 0.51 counts as 16/32, half of a step of 4


@pytest.mark.parametrize("angle", [0.0, 0.4, -2.1, math.pi / 2])
def test_a_spot_is_brought_back_to_where_it_is(angle):
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[118:123, 138:143] = 255
    region = Region(150, 110, 120, 120, angle)
    seen = crop(picture, region, 240, black_outside=True)[..., 0]
    down, across = np.argwhere(seen > 128).mean(axis=0)
    back = region.to_picture(np.array([[across / 240, down / 240]], np.float32))
    assert back[0] == pytest.approx((140, 120), abs=0.6)


def test_a_turned_region_sees_its_axis_upright():
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[95:105, 100:180] = 255  # from the middle to the right
    seen = crop(
        picture, Region(100, 100, 200, 200, turn(np.array([100, 100]), np.array([180, 100]), UP)), 200, black_outside=True
    )
    assert seen[30:90, 100].min() == 255
    assert seen[110:].max() == 0


@pytest.mark.parametrize(
    ("end", "expected"),
    [((5, 0), 0), ((10, 5), math.pi / 2), ((0, 5), -math.pi / 2), ((5, 10), -math.pi)],
    ids=["up", "right", "left", "down"],
)
def test_an_upright_axis_needs_no_turn(end, expected):
    assert turn(np.array([5, 5]), np.array(end), UP) == pytest.approx(expected)


def test_eyes_side_by_side_need_no_turn():
    assert turn(np.array([10, 50]), np.array([40, 50]), 0) == pytest.approx(0)


def test_a_region_moves_along_its_own_axis():
    up, lying = Region(50, 50, 10, 20).moved_down(-0.5), Region(50, 50, 10, 20, math.pi / 2).moved_down(-0.5)
    assert (up.x, up.y) == pytest.approx((50, 40))
    assert (lying.x, lying.y) == pytest.approx((60, 50))


def test_a_square_has_the_longer_side():
    assert Region(1, 2, 10, 20, 0.3).square(1.5) == Region(1, 2, 30, 30, 0.3)


def test_a_region_without_an_area_can_still_be_cut_out(noise):
    assert crop(noise, Region(5, 5, 0, 0).square(2), 8, black_outside=False).shape == (8, 8, 3)


def test_a_map_is_laid_over_its_region_and_nothing_else():
    laid = put_back(np.ones((64, 64), np.float32), Region(50, 40, 40, 20), (100, 120, 3))
    assert laid.shape == (100, 120) and laid.dtype == np.float32
    assert (laid[31:49, 31:68] == 1).all()
    assert laid[:29].max() == laid[51:].max() == laid[:, :29].max() == laid[:, 71:].max() == 0


def test_cutting_out_and_laying_back_gives_the_picture_again():
    smooth = (127 + 100 * np.sin(np.linspace(0, 6, 128)))[:, None] * np.ones(128)
    picture = np.repeat(smooth.astype(np.uint8)[..., None], 3, 2)
    region = Region(64, 64, 90, 90, 0.7)
    back = put_back(crop(picture, region, 256, black_outside=False)[..., 0].astype(np.float32), region, picture.shape)
    assert np.abs(back - picture[..., 0])[44:84, 44:84].max() < 4
