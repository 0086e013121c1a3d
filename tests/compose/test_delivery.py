"""The forms in which pictures are handed on: shapes, sizes, formats; what is cut and what never is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from compose.body import CutoutBody, Cuts, Foot
from compose.compose_step import ComposeConfig
from compose.crop import crop_scene, figure_box, people_box, step_back, view_around, window_shape
from compose.delivery import Delivery, PhotoDelivery, Size, read_size, size_notices
from compose.painter import Figure
from compose.placement import Placement
from compose.restore_step import RestoreConfig
from compose.scenery.horizon import Ground
from pipeline.core.config import load_settings, resolved, to_toml
from pipeline.core.errors import ConfigError
from pipeline.core.flags import Flag
from pipeline.core.rect import Rect

BODY = CutoutBody((800, 600), 100, 220, 700, 380, Cuts(), 300, 420, 600, (Foot(270, 700, 20), Foot(330, 695, 20)))
GROUND = Ground(0.55, 0.9)
SCHEMA = {"restore": RestoreConfig, "compose": ComposeConfig}


def figure(x: float, y: float, height: float, cuts: Cuts | None = None) -> Figure:
    body = BODY if cuts is None else replace(BODY, cuts=cuts, feet=())
    return Figure(np.zeros((800, 600, 4), np.uint8), body, Placement(x, y, height), (0.3, 0.17))


def picture(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1:1@1080", Size(1.0, 1080, "1x1-1080")),
        ("3:4", Size(0.75, 0, "3x4")),
        ("@2000", Size(None, 2000, "2000")),
    ],
)
def test_sizes_are_written_as_shape_at_long_side(text: str, size: Size) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("setting", ['sizes=["1:1", "1x1"]', "sizes=1:0", 'sizes=["1:1", "1:1"]', "sizes=@99999", "crop=square"])
def test_a_size_that_is_none_is_refused_with_the_form(setting: str) -> None:
    with pytest.raises(ConfigError):
        load_settings(SCHEMA, environment={}, overrides=[f"compose.{setting}"])


@pytest.mark.parametrize("section", ["compose", "restore"])
@pytest.mark.parametrize("setting", ["sizes=1:1,1:1", "crop=square", "quality=0"])
def test_a_refused_setting_is_named_once_and_as_it_was_written(section: str, setting: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(SCHEMA, environment={}, overrides=[f"{section}.{setting}"])
    key, _, value = setting.partition("=")
    assert caught.value.message.startswith((f"{section}.{key} = {value!r}:", f"{section}.{key} = {value}:"))


def test_a_shell_may_write_several_sizes_with_commas() -> None:
    config = load_settings(SCHEMA, environment={}, overrides=["compose.sizes=1:1@1080,3:4"])["compose"]
    assert [size.folder for size in config.wanted] == ["", "1x1-1080", "3x4"]
    assert config.refs("a__b__c", "preview")[1:] == ("sizes/preview/1x1-1080/a__b__c.png", "sizes/preview/3x4/a__b__c.png")


def test_the_picture_in_the_photo_follows_the_others_unless_it_is_told_apart() -> None:
    settings = load_settings(
        SCHEMA, environment={}, overrides=["compose.format=webp", "compose.crop=1:1", "restore.crop=original"]
    )
    photo = resolved(settings, "restore").delivery()
    assert (photo.format, photo.crop) == ("webp", "original")
    assert RestoreConfig().delivery() == Delivery()
    assert settings["restore"].format is None and "# format =" in to_toml(settings).partition("[compose]")[0]


def test_quality_ends_at_a_hundred() -> None:
    with pytest.raises(ValidationError):
        PhotoDelivery(quality=101)


@pytest.mark.parametrize("ratio", [1.0, 3 / 4, 16 / 9, 9 / 16])
@pytest.mark.parametrize("size", [(1024, 768), (768, 1024), (900, 900)])
def test_a_window_has_its_shape_and_touches_two_sides(size: tuple[int, int], ratio: float) -> None:
    height, width = window_shape(size, ratio)
    assert width / height == pytest.approx(ratio, rel=0.003)
    assert height == size[0] or width == size[1]


def test_people_come_to_the_middle_and_keep_their_proportion_of_headroom() -> None:
    view = view_around(Rect(top=200, left=700, height=600, width=100), (1000, 1600), Size(1.0))
    assert view.left + view.width / 2 == 750 and view.height == 1000
    view = view_around(Rect(top=200, left=100, height=200, width=200), (1000, 800), Size(800 / 500))
    above, below = 200 - view.top, view.top + view.height - 400
    assert above / below == pytest.approx(200 / 600, rel=0.02)


def test_who_leaves_the_picture_at_an_edge_leaves_the_view_there() -> None:
    assert view_around(Rect(top=200, left=-5, height=804, width=305), (1000, 1600), Size(1.0)).left == 0
    view = view_around(Rect(top=500, left=400, height=504, width=300), (1000, 1000), Size(16 / 9))
    assert view.top + view.height == 1000
    right = view_around(Rect(top=200, left=1300, height=700, width=301), (1000, 1600), Size(1.0))
    assert right.left + right.width == 1600


@pytest.mark.parametrize("ratio", [1.0, 16 / 9, 9 / 16])
def test_the_head_is_never_cut(ratio: float) -> None:
    size = (1024, 768)
    for box in (
        Rect(top=90, left=300, height=890, width=160),
        Rect(top=300, left=20, height=740, width=720),
        Rect(top=5, left=500, height=995, width=200),
    ):
        view = view_around(box, size, Size(ratio))
        assert view.top <= box.top and box.top + 0.15 * box.height <= view.top + view.height


def test_a_photo_s_feet_that_a_shape_cannot_hold_are_reported() -> None:
    box, size = Rect(top=60, left=300, height=920, width=160), (1024, 768)
    assert view_around(box, size, Size(1.0)).cuts_people(box, size)
    assert not view_around(box, size, Size(3 / 4)).cuts_people(box, size)
    cut_anyway = Rect(top=60, left=300, height=970, width=160)
    assert not view_around(cut_anyway, size, Size(1.0)).cuts_people(cut_anyway, size)
    notices = size_notices(Size(1.0, 1080, "1x1-1080"), cuts=True, short=True)
    assert [notice.flag for notice in notices] == [Flag.SIZE_CUTS_PERSON, Flag.SIZE_NOT_REACHED]


@pytest.mark.parametrize("ratio", [1.0, 16 / 9])
def test_standing_people_step_back_along_the_ground_until_head_and_feet_fit(ratio: float) -> None:
    size = (1024, 768)
    couple = [figure(300, 985, 840), figure(480, 900, 840 * (900 - 563.2) / (985 - 563.2))]
    shot = crop_scene(picture(size), couple, GROUND, Size(ratio))
    assert not shot.cuts
    tall, wide = shot.background.shape[:2]
    for before, after in zip(couple, shot.figures, strict=True):
        box = figure_box(after.placement, after.body)
        assert box.top > 0.02 * tall and box.bottom < tall and box.left >= 0 and box.right <= wide
        line = shot.ground.line * tall
        assert (after.placement.y - line) / after.placement.height == pytest.approx(
            (before.placement.y - 563.2) / before.placement.height
        )


def test_a_shape_that_just_holds_a_person_holds_head_and_feet() -> None:
    box, size = Rect(top=30, left=300, height=955, width=160), (1024, 768)
    view = view_around(box, size, Size(4 / 5))
    assert view.height == 960 and view.top <= 30 and view.top + view.height >= 985


def test_whom_the_photo_cuts_does_not_step_back() -> None:
    bust = figure(384, 1028, 760, Cuts(bottom=True))
    assert step_back([bust], GROUND, (1024, 768), 16 / 9) == [bust]
    shot = crop_scene(picture((1024, 768)), [bust], GROUND, Size(1.0))
    assert figure_box(shot.figures[0].placement, bust.body).bottom >= shot.background.shape[0]


def test_a_whole_picture_of_its_own_size_is_left_as_it_is() -> None:
    background, someone = picture((400, 300)), figure(150, 380, 300)
    shot = crop_scene(background, [someone], GROUND, Size())
    assert shot.background is background and shot.figures == [someone] and shot.ground == GROUND


def test_a_size_is_met_to_the_pixel_and_never_by_enlarging() -> None:
    background = picture((1000, 1400))
    shot = crop_scene(background, [figure(700, 950, 800)], GROUND, Size(1.0, 640))
    assert shot.background.shape == (640, 640, 3) and not shot.short
    assert people_box(shot.figures).height == pytest.approx(800 * 0.64)
    assert crop_scene(background, [figure(700, 950, 800)], GROUND, Size(None, 700)).background.shape == (500, 700, 3)
    large = crop_scene(background, [figure(700, 950, 800)], GROUND, Size(1.0, 2000))
    assert large.background.shape == (1000, 1000, 3) and large.short


def test_places_and_ground_stay_where_they_are_on_the_ground() -> None:
    background = np.zeros((1000, 1400, 3), np.uint8)
    background[550:] = 200
    background[900:910, 695:705] = 255
    shot = crop_scene(background, [figure(700, 905, 500)], GROUND, Size(1.0, 500))
    (spot,) = [one.placement for one in shot.figures]
    assert shot.background[round(spot.y), round(spot.x)].min() > 230
    row = round(shot.ground.line * 500)
    assert shot.background[row - 2].max() == 0 and shot.background[row + 1].max() >= 200
