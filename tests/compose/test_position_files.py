"""The older position files: three, four or six bare numbers."""

from __future__ import annotations

import logging

import pytest

from compose.placement_files import PlacementFiles
from compose.position_files import list_entries, read_positions
from pipeline.core.errors import InputError
from pipeline.core.items import Background
from pipeline.core.layout import Layout


@pytest.mark.parametrize(
    ("text", "foot", "height"),
    [
        ("540 450 400", [540, 450], 400),
        ("0.5, 0.9, 0.7  # by hand", [0.5, 0.9], 0.7),
        ("540\n450\n400\n", [540, 450], 400),
        ("960 2100 1500", [960, 2100], 1500),
        ("100 50 200 450", [200, 500], 450),
        ("300 560 300 160 420 500", [300, 560], 400),
    ],
)
def test_position_files_of_three_four_and_six_numbers(text, foot, height) -> None:
    placement_settings, reading = read_positions(text, "pos.txt")
    assert placement_settings.spots[0].foot == foot and placement_settings.spots[0].height == height
    assert reading


@pytest.mark.parametrize("text", ["216 972 480", "216, 972, 480  # top, bottom, middle", "216\n972\n480"])
def test_three_whole_numbers_with_a_smaller_first_are_rows_and_a_column_of_a_background_of_1920_by_1080(text) -> None:
    settings, reading = read_positions(text, "pos.txt")
    spot = settings.spots[0]
    assert spot.foot_px((1080, 1920)) == pytest.approx((480, 972))
    assert spot.height_px((1080, 1920)) == pytest.approx(756)
    assert spot.foot_px((540, 640)) == pytest.approx((160, 486))  # shares, whatever the background's size
    assert "y_min y_max x" in reading


def test_a_file_whose_meaning_changed_is_warned_about_once_with_what_it_meant(tmp_path, caplog) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (inputs / "backgrounds.txt").write_text("sea.jpg pos.txt\nroom.jpg foot.txt\n")
    (inputs / "pos.txt").write_text("216 972 480\n")
    (inputs / "foot.txt").write_text("972 216 480\n")
    files = PlacementFiles(Layout(inputs))
    with caplog.at_level(logging.INFO, "lookbook"):
        for name in ("sea", "room", "sea"):
            files.read(Background(name, f"inputs:background/{name}.jpg"))
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == 1 and "foot = [216, 972], height = 480" in warned[0] and "sea.toml" in warned[0]
    assert sum("read as" in record.getMessage() and record.levelno == logging.INFO for record in caplog.records) == 2


def test_the_sixth_number_gives_the_shadow() -> None:
    placement_settings, _ = read_positions("300 560 300 160 420 500", "pos.txt")
    assert placement_settings.spots[0].shade.direction == pytest.approx([0.3, 0.15])


@pytest.mark.parametrize("text", ["", "1 2", "1 2 3 4 5", "left right up", "# nothing"])
def test_other_numbers_are_refused_with_the_readings(text) -> None:
    with pytest.raises(InputError) as caught:
        read_positions(text, "pos.txt")
    assert "three numbers" in caught.value.remedy


def test_the_list_of_backgrounds_is_found_by_file_name() -> None:
    assert list_entries("bg_images/Sea.jpg bg_images/sea.txt\n# no\n\nroom.png, room.txt") == {
        "sea.jpg": "bg_images/sea.txt",
        "room.png": "room.txt",
    }
