"""Where people stand, as the placement file says: fractions and pixels, who, how tall."""

from __future__ import annotations

import pytest

from compose.arrangement import resolve_spot
from compose.backdrop import ground_of
from compose.body import measure_body
from compose.guests import places
from compose.placement import Placement
from compose.scenery.horizon import Ground
from pipeline.core.inputs.placement_file import PlacementSettings, read_placement_file

SIZE = (600, 900)
AUTOMATIC = Placement(450, 570, 480)


def _resolve(
    placement_settings: PlacementSettings, person, pose: str = "standing", number: int = 0, ground: Ground | None = None
) -> Placement:
    body = measure_body(person(pose))
    assert body is not None
    return resolve_spot(placement_settings.spots[number], body, AUTOMATIC, placement_settings, ground or Ground(0.6, 1.0), SIZE)


def test_an_empty_file_means_automatic(person) -> None:
    assert _resolve(read_placement_file("", "a.toml"), person) == AUTOMATIC


def test_fractions_and_pixels_say_the_same(person) -> None:
    fractions = read_placement_file("foot = [0.25, 0.9]\nheight = 0.5", "a.toml")
    pixels = read_placement_file("foot = [225, 540]\nheight = 300", "a.toml")
    assert _resolve(fractions, person) == _resolve(pixels, person) == Placement(225, 540, 300)


def test_globs_choose_the_person() -> None:
    text = '[[placements]]\npeople = ["ann*"]\nfoot = [0.3, 0.9]\n[[placements]]\npeople = ["BOB"]\nfoot = [0.7, 0.9]'
    placement_settings = read_placement_file(text, "a.toml")
    assert [each.spot.foot for each in places(placement_settings, "Anna")] == [[0.3, 0.9]]
    assert [each.spot.foot for each in places(placement_settings, "bob")] == [[0.7, 0.9]]
    assert [each.spot.foot for each in places(placement_settings, "carl")] == [None]


def test_who_joins_stands_in_everybody_else_s_pictures_and_once_in_their_own() -> None:
    placement_settings = read_placement_file(
        '[[placements]]\npeople = ["ann"]\n[[placements]]\npeople = ["bob"]\nwears = "tee"\nz = 1', "sea.toml"
    )
    assert [(each.number, each.guest) for each in places(placement_settings, "ann")] == [(0, ""), (1, "bob__tee")]
    assert [(each.number, each.guest) for each in places(placement_settings, "bob")] == [(1, "")]
    assert [(each.number, each.guest) for each in places(placement_settings, "carl")] == [(-1, ""), (1, "bob__tee")]
    for_all = read_placement_file('[[placements]]\nflip = true\n[[placements]]\npeople = ["bob"]\nwears = "tee"', "sea.toml")
    assert [each.number for each in places(for_all, "ann")] == [0, 1] and [each.number for each in places(for_all, "bob")] == [1]


def test_people_shrink_towards_the_horizon(person) -> None:
    text = "horizon = 0.5\n[[placements]]\nfoot = [0.3, 0.9]\nheight = 0.6\n[[placements]]\nfoot = [0.6, 0.7]"
    placement_settings = read_placement_file(text, "a.toml")
    ground = ground_of(placement_settings, Ground(), SIZE)
    assert ground.line == 0.5
    near, far = (_resolve(placement_settings, person, "standing", number, ground) for number in (0, 1))
    assert far.height == pytest.approx(near.height * (0.7 - 0.5) / (0.9 - 0.5))


def test_a_cut_body_is_anchored_wherever_it_was_asked_to_stand(person) -> None:
    placement_settings = read_placement_file("foot = [0.5, 0.6]\nheight = 0.5", "a.toml")
    assert _resolve(placement_settings, person, "bust").y >= SIZE[0]
    assert _resolve(placement_settings, person, "standing").y == 360
