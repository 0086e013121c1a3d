"""The older position files: three, four or six bare numbers."""

from __future__ import annotations

import pytest

from compose.position_files import list_entries, read_positions
from pipeline.core.errors import InputError


@pytest.mark.parametrize(
    ("text", "foot", "height"),
    [
        ("450 540 400", [450, 540], 400),
        ("0.5, 0.9, 0.7  # by hand", [0.5, 0.9], 0.7),
        ("450\n540\n400\n", [450, 540], 400),
        ("100 50 200 450", [200, 500], 450),
        ("300 560 300 160 420 500", [300, 560], 400),
    ],
)
def test_position_files_of_three_four_and_six_numbers(text, foot, height) -> None:
    placement_settings, reading = read_positions(text, "pos.txt")
    assert placement_settings.spots[0].foot == foot and placement_settings.spots[0].height == height
    assert reading


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
