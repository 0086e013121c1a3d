"""From DensePose's small maps per box to the canvas: borders, several people, nothing, extreme sizes."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.labels import DENSEPOSE_COLOURS
from preprocess.densepose.charts import Charts, index_of, parts_of
from preprocess.densepose.renderings import Rendering, render_as
from preprocess.person.body_parts import BodyParts


def charts(*boxes, part=2, side=112, coarse_channels=2):
    """Boxes filled by one part each (`part` may be a list), U = 0.25, V = 0.75."""
    count, parts = len(boxes), np.broadcast_to(part, len(boxes))
    coarse = np.zeros((count, coarse_channels, side, side), np.float32)
    coarse[:, 1] = 1
    fine = np.zeros((count, 25, side, side), np.float32)
    for number, each in enumerate(parts):
        fine[number, each] = 1
    u, v = np.full_like(fine, 0.25), np.full_like(fine, 0.75)
    return Charts(np.asarray(boxes, np.float32).reshape(-1, 4), coarse, fine, u, v)


def everywhere(size):
    return np.ones(size, bool)


def test_a_box_is_painted_where_it_lies_and_nowhere_else():
    parts = parts_of(charts((10, 20, 40, 80)), everywhere((100, 60)))
    expected = np.zeros((100, 60), np.uint8)
    expected[20:80, 10:40] = 2
    np.testing.assert_array_equal(parts.index, expected)
    np.testing.assert_array_equal(parts.u, np.where(expected > 0, 63, 0))
    np.testing.assert_array_equal(parts.v, np.where(expected > 0, 191, 0))
    np.testing.assert_array_equal(parts.boxes, [[10, 20, 40, 80]])


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((-20, -30, 30, 40), slice(0, 40), slice(0, 30)),
        ((40, 70, 90, 160), slice(70, 100), slice(40, 60)),
        ((-50, -50, 500, 500), slice(0, 100), slice(0, 60)),
        ((5.9, 7.9, 15.4, 17.2), slice(7, 16), slice(5, 14)),  # whole pixels by truncation, as DensePose's own tools do
    ],
)
def test_boxes_over_the_border_are_cut_there(box, rows, columns):
    expected = np.zeros((100, 60), np.uint8)
    expected[rows, columns] = 2
    np.testing.assert_array_equal(parts_of(charts(box), everywhere((100, 60))).index, expected)


def test_what_a_box_shows_is_not_shifted_when_its_start_is_off_the_canvas():
    answer = charts((-50, 0, 50, 100))
    answer.fine[0, 2, :, 56:] = 0
    answer.fine[0, 9, :, 56:] = 1  # the right half of the box, which begins at column 0 of the canvas
    index = parts_of(answer, everywhere((100, 60))).index
    assert (index[:, 1:49] == 9).all() and (index[:, 50:] == 0).all()


@pytest.mark.parametrize("box", [(70, 0, 90, 50), (-30, 0, -1, 50), (0, 200, 30, 300), (np.nan, 0, 9, 9), (0, 0, np.inf, 9)])
def test_a_box_that_is_not_on_the_canvas_is_no_result(box):
    assert parts_of(charts(box), everywhere((100, 60))) is None


def test_no_boxes_and_boxes_without_foreground_are_no_result():
    assert parts_of(charts(), everywhere((50, 50))) is None
    empty = charts((0, 0, 50, 50))
    empty.coarse[:, 0] = 2
    assert parts_of(empty, everywhere((50, 50))) is None


def test_a_person_elsewhere_is_no_result():
    person = np.zeros((100, 100), bool)
    person[:30, 70:] = True
    assert parts_of(charts((0, 50, 40, 100)), person) is None


def test_of_two_people_the_matte_decides():
    person = np.zeros((100, 100), bool)
    person[10:90, 55:95] = True
    parts = parts_of(charts((5, 5, 45, 95), (52, 8, 96, 92), part=[1, 2]), person)
    assert set(np.unique(parts.index)) == {0, 2}
    np.testing.assert_array_equal(parts.boxes, [[52, 8, 96, 92]])


def test_a_box_round_the_whole_couple_is_worse_than_the_persons_own():
    person = np.zeros((100, 100), bool)
    person[10:90, 55:95] = True
    parts = parts_of(charts((0, 0, 100, 100), (54, 9, 96, 91), part=[1, 2]), person)
    assert (parts.index[20:80, 60:90] == 2).all()


def test_the_neighbours_pixels_in_the_persons_box_are_left_out():
    person = np.zeros((100, 100), bool)
    person[:, 50:] = True
    parts = parts_of(charts((20, 0, 100, 100), (0, 0, 48, 100), part=[2, 1]), person)
    assert (parts.index[:, 20:48] == 0).all() and (parts.index[:, 50:] == 2).all()


def test_without_a_matte_the_largest_box_is_taken():
    parts = parts_of(charts((0, 0, 20, 20), (30, 30, 90, 90), part=[1, 2]), np.zeros((100, 100), bool))
    assert set(np.unique(parts.index)) == {0, 2}


@pytest.mark.parametrize("channels", [2, 15])
def test_coarse_background_wins_over_any_part(channels):
    answer = charts((0, 0, 56, 112), coarse_channels=channels)
    answer.coarse[0, 0, :56] = 5
    index = index_of(answer, 0, (112, 56))
    assert not index[:55].any() and (index[57:] == 2).all()


def test_maps_are_enlarged_bilinearly_before_the_argmax():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    shapes = {"coarse": (1, 15, 14, 14), "fine": (1, 25, 14, 14), "u": (1, 25, 14, 14), "v": (1, 25, 14, 14)}
    raw = {name: rng.normal(0.4, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    answer = Charts(np.array([[3, 5, 93, 130]], np.float32), **raw)
    large = {
        name: torch.nn.functional.interpolate(torch.from_numpy(value), (125, 90), mode="bilinear", align_corners=False)[0]
        for name, value in raw.items()
    }
    index = (large["fine"].argmax(0) * (large["coarse"].argmax(0) > 0)).numpy()
    chosen = large["u"].gather(0, torch.from_numpy(index)[None])[0].clamp(0, 1).numpy() * 255
    parts = parts_of(answer, everywhere((140, 100)))
    same = parts.index[5:130, 3:93] == index
    assert same.mean() > 0.999
    ours = parts.u[5:130, 3:93].astype(float)
    assert np.abs(ours - np.where(index > 0, np.floor(chosen), 0))[same].max() <= 1


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (10, 10, 10.2, 10.1), (-4e6, -4e6, 4e6, 4e6), (0, 0, 3, 90000)])
def test_tiny_and_giant_boxes_cost_no_more_than_the_canvas(box):
    parts = parts_of(charts(box), everywhere((64, 48)))
    assert parts.index.any()


def test_coordinates_beyond_the_chart_are_clipped():
    answer = charts((0, 0, 10, 10))
    answer.u[:] = 1.7
    answer.v[:] = -0.3
    parts = parts_of(answer, everywhere((10, 10)))
    assert (parts.u == 255).all() and (parts.v == 0).all()


def test_shapes_that_do_not_belong_together_are_refused():
    good = charts((0, 0, 5, 5))
    with pytest.raises(ValueError, match="25"):
        Charts(good.boxes, good.coarse, good.fine[:, :24], good.u, good.v)


# --- renderings ------------------------------------------------------------------------------------------------------


def parts_0_to_24():
    index = np.arange(25, dtype=np.uint8).reshape(5, 5)
    return BodyParts(index, index * 10, index * 5)


def test_each_rendering_shows_what_its_readers_expect():
    parts = parts_0_to_24()
    np.testing.assert_array_equal(render_as(parts, Rendering.VITON_HD).reshape(-1, 3), DENSEPOSE_COLOURS)
    np.testing.assert_array_equal(render_as(parts, Rendering.RAW)[..., 1], parts.index)
    np.testing.assert_array_equal(render_as(parts, Rendering.IUV)[2, 3], [13, 130, 65])
    viridis = render_as(parts, Rendering.VIRIDIS)
    assert tuple(viridis[0, 0]) == (68, 1, 84)  # the map's own zero
    assert tuple(viridis[4, 4]) == (253, 231, 37) or np.abs(viridis[4, 4].astype(int) - [253, 231, 37]).max() <= 4


def test_coordinates_nobody_knows_cannot_be_drawn():
    with pytest.raises(InputError, match="torchscript"):
        render_as(BodyParts(np.zeros((2, 2), np.uint8)), Rendering.IUV)
