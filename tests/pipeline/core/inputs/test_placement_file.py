"""The placement file of a background: what can be said, what is refused."""

from __future__ import annotations

import pytest

from pipeline.core.errors import InputError
from pipeline.core.inputs.placement_file import read_placement_file


def test_flip_and_order_and_shadow_are_read() -> None:
    spot = read_placement_file("flip = true\nz = 3\nshadow = { opacity = 0.5, direction = [-0.3, 0.2] }", "a.toml").spots[0]
    assert spot.flip and spot.z == 3
    assert spot.shade.opacity == 0.5 and spot.shade.direction == [-0.3, 0.2] and spot.shade.on


def test_shadow_can_be_switched_off() -> None:
    assert not read_placement_file("shadow = false", "a.toml").spots[0].shade.on


def test_several_placements_take_what_is_missing_from_the_top() -> None:
    text = "height = 0.7\n[[placements]]\nfoot = [0.3, 0.9]\n[[placements]]\nfoot = [0.7, 0.9]\nheight = 0.6\nflip = true"
    first, second = read_placement_file(text, "a.toml").spots
    assert (first.height, first.flip) == (0.7, False)
    assert (second.height, second.flip) == (0.6, True)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("hieght = 0.5", "height"),
        ("[[placement]]\nfoot = [0.5, 0.5]", "placements"),
        ("[[placements]]\nfeet = [0.5, 0.5]", "foot"),
        ("shadow = { opasity = 1 }", "shadow.opacity"),
    ],
)
def test_an_unknown_key_names_the_nearest(text, named) -> None:
    with pytest.raises(InputError) as caught:
        read_placement_file(text, "sea.toml")
    assert "sea.toml" in caught.value.message and named in caught.value.remedy


def test_whether_anybody_can_stand_is_said_once_for_the_background() -> None:
    assert read_placement_file("", "a.toml").ground is None
    said = read_placement_file('ground = "none"\n[[placements]]\nfoot = [0.3, 0.9]', "a.toml")
    assert said.ground == "none" and said.spots[0].foot == [0.3, 0.9]
    with pytest.raises(InputError, match="ground = 'sea'") as caught:
        read_placement_file('ground = "sea"', "a.toml")
    assert 'ground = "floor" or "none"' in caught.value.remedy


@pytest.mark.parametrize("line", ['ground = "none"', "horizon = 0.5"])
def test_what_holds_for_the_background_is_refused_within_a_placement(line: str) -> None:
    with pytest.raises(InputError, match="stands in") as caught:
        read_placement_file(f"[[placements]]\n{line}", "a.toml")
    assert "above the first" in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "foot = [0.5]",
        "ground = true",
        'ground = "none "',
        'height = "tall"',
        "height = -1",
        "foot = [nan, 0.5]",
        "flip = 1",
        'people = ["b*"]\nwears = "tee"',
        'wears = "tee"',
        "z = 1.5",
        "placements = 3",
        "height =",
    ],
)
def test_values_that_do_not_fit_are_refused(text) -> None:
    with pytest.raises(InputError, match=r"sea\.toml"):
        read_placement_file(text, "sea.toml")
