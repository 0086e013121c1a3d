"""`<background>.toml` and the older position files."""

from __future__ import annotations

import pytest

from compose.body import measure_body
from compose.guests import places
from compose.horizon import Ground
from compose.placement import Placement
from compose.position_files import list_entries, read_positions
from compose.sidecar import Sidecar, read_sidecar, resolve_spot
from pipeline.core.errors import InputError

SIZE = (600, 900)
AUTOMATIC = Placement(450, 570, 480)


def _resolve(sidecar: Sidecar, person, pose: str = "standing", number: int = 0, ground: Ground | None = None) -> Placement:
    body = measure_body(person(pose))
    assert body is not None
    return resolve_spot(sidecar.spots[number], body, AUTOMATIC, sidecar, ground or Ground(0.6, 1.0), SIZE)


def test_an_empty_file_means_automatic(person) -> None:
    assert _resolve(read_sidecar("", "a.toml"), person) == AUTOMATIC


def test_fractions_and_pixels_say_the_same(person) -> None:
    fractions = read_sidecar("foot = [0.25, 0.9]\nheight = 0.5", "a.toml")
    pixels = read_sidecar("foot = [225, 540]\nheight = 300", "a.toml")
    assert _resolve(fractions, person) == _resolve(pixels, person) == Placement(225, 540, 300)


def test_flip_and_order_and_shadow_are_read() -> None:
    spot = read_sidecar("flip = true\nz = 3\nshadow = { opacity = 0.5, direction = [-0.3, 0.2] }", "a.toml").spots[0]
    assert spot.flip and spot.z == 3
    assert spot.shade.opacity == 0.5 and spot.shade.direction == [-0.3, 0.2] and spot.shade.on


def test_shadow_can_be_switched_off() -> None:
    assert not read_sidecar("shadow = false", "a.toml").spots[0].shade.on


def test_several_placements_take_what_is_missing_from_the_top() -> None:
    text = "height = 0.7\n[[placements]]\nfoot = [0.3, 0.9]\n[[placements]]\nfoot = [0.7, 0.9]\nheight = 0.6\nflip = true"
    first, second = read_sidecar(text, "a.toml").spots
    assert (first.height, first.flip) == (0.7, False)
    assert (second.height, second.flip) == (0.6, True)


def test_globs_choose_the_person() -> None:
    text = '[[placements]]\npeople = ["ann*"]\nfoot = [0.3, 0.9]\n[[placements]]\npeople = ["BOB"]\nfoot = [0.7, 0.9]'
    sidecar = read_sidecar(text, "a.toml")
    assert [each.spot.foot for each in places(sidecar, "Anna")] == [[0.3, 0.9]]
    assert [each.spot.foot for each in places(sidecar, "bob")] == [[0.7, 0.9]]
    assert [each.spot.foot for each in places(sidecar, "carl")] == [None]


def test_who_joins_stands_in_everybody_else_s_pictures_and_once_in_their_own() -> None:
    sidecar = read_sidecar('[[placements]]\npeople = ["ann"]\n[[placements]]\npeople = ["bob"]\nwears = "tee"\nz = 1', "sea.toml")
    assert [(each.number, each.guest) for each in places(sidecar, "ann")] == [(0, ""), (1, "bob__tee")]
    assert [(each.number, each.guest) for each in places(sidecar, "bob")] == [(1, "")]
    assert [(each.number, each.guest) for each in places(sidecar, "carl")] == [(-1, ""), (1, "bob__tee")]
    for_all = read_sidecar('[[placements]]\nflip = true\n[[placements]]\npeople = ["bob"]\nwears = "tee"', "sea.toml")
    assert [each.number for each in places(for_all, "ann")] == [0, 1] and [each.number for each in places(for_all, "bob")] == [1]


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
        read_sidecar(text, "sea.toml")
    assert "sea.toml" in caught.value.message and named in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "foot = [0.5]",
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
        read_sidecar(text, "sea.toml")


def test_people_shrink_towards_the_horizon(person) -> None:
    text = "horizon = 0.5\n[[placements]]\nfoot = [0.3, 0.9]\nheight = 0.6\n[[placements]]\nfoot = [0.6, 0.7]"
    sidecar = read_sidecar(text, "a.toml")
    ground = sidecar.ground(Ground(), SIZE)
    assert ground.line == 0.5
    near, far = (_resolve(sidecar, person, "standing", number, ground) for number in (0, 1))
    assert far.height == pytest.approx(near.height * (0.7 - 0.5) / (0.9 - 0.5))


def test_a_cut_body_is_anchored_wherever_it_was_asked_to_stand(person) -> None:
    sidecar = read_sidecar("foot = [0.5, 0.6]\nheight = 0.5", "a.toml")
    assert _resolve(sidecar, person, "bust").y >= SIZE[0]
    assert _resolve(sidecar, person, "standing").y == 360


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
    sidecar, reading = read_positions(text, "pos.txt")
    assert sidecar.spots[0].foot == foot and sidecar.spots[0].height == height
    assert reading


def test_the_sixth_number_gives_the_shadow() -> None:
    sidecar, _ = read_positions("300 560 300 160 420 500", "pos.txt")
    assert sidecar.spots[0].shade.direction == pytest.approx([0.3, 0.15])


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
