"""Sky, water, walls and ground of a background: told apart by evidence, in doubt for ground."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from drawn_places import GROUND, PLACES, SEA_ONLY, SHORES, SKIES, UPRIGHT, drawn_place
from readings import surfaces_of

from compose.scenery.horizon import Ground
from compose.scenery.surfaces import Surface, everywhere
from pipeline.core import images
from pipeline.demo.living_room import room
from pipeline.demo.seaside import seaside

FEET = (0.46, 0.54)


@pytest.mark.parametrize("name", SEA_ONLY)
def test_the_sea_is_water_from_its_horizon_to_the_lower_edge(name: str) -> None:
    surfaces = surfaces_of(drawn_place(name))
    assert surfaces.horizon is not None and 0.4 < surfaces.horizon < 0.53
    below = surfaces.kinds[round(surfaces.horizon * len(surfaces.kinds)) + 2 :]
    assert (below == Surface.WATER).mean() > 0.98
    assert surfaces.under(*FEET, 0.96) is Surface.WATER and surfaces.under(*FEET, 0.2) is Surface.SKY


@pytest.mark.parametrize("name", GROUND)
def test_no_street_room_lawn_snow_or_sweep_is_taken_for_water_or_sky(name: str) -> None:
    surfaces = surfaces_of(drawn_place(name))
    assert not (surfaces.kinds == Surface.WATER).any() and surfaces.horizon is None
    assert (surfaces.kinds[-40:] == Surface.FLOOR).all()


@pytest.mark.parametrize(
    ("name", "column", "kind"),
    [
        ("beach", 0.5, Surface.FLOOR),
        ("beach at the left", 0.2, Surface.FLOOR),
        ("beach at the left", 0.8, Surface.WATER),
        ("pier", 0.69, Surface.FLOOR),
        ("pier", 0.2, Surface.WATER),
    ],
)
def test_at_a_shore_both_are_known_and_the_sea_s_horizon(name: str, column: float, kind: Surface) -> None:
    surfaces = surfaces_of(drawn_place(name))
    assert surfaces.under(column - 0.03, column + 0.03, 0.97) is kind
    assert surfaces.horizon == pytest.approx(150 / 320, abs=0.01)
    assert surfaces.under(*FEET, 0.55) is Surface.WATER


@pytest.mark.parametrize("name", [*UPRIGHT, *SKIES])
def test_a_mere_wall_or_sky_is_no_ground_unless_the_file_gives_its_line(name: str) -> None:
    wanted = Surface.WALL if name in UPRIGHT else Surface.SKY
    assert surfaces_of(drawn_place(name)).under(*FEET, 0.96) is wanted
    said = surfaces_of(drawn_place(name), Ground(0.6, 1.0), line_given=True)
    assert said.under(*FEET, 0.96) is Surface.FLOOR and said.under(*FEET, 0.4) in (Surface.WALL, Surface.SKY)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "dark": lambda picture: (picture * 0.6).astype(np.uint8),
    "blurred": lambda picture: picture // 2 + np.roll(picture, 1, 0) // 4 + np.roll(picture, 1, 1) // 4,
    "narrow": lambda picture: np.ascontiguousarray(picture[:, 60:300]),
    "large": lambda picture: np.kron(picture, np.ones((3, 3, 1), np.uint8)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["sea", "grey sea", "street at dusk", "snow in shade", "blue room"])
def test_light_focus_shape_and_size_change_nothing(name: str, change: str) -> None:
    changed = CHANGES[change](drawn_place(name, seed=3))
    assert surfaces_of(changed).under(*FEET, 0.97) is (Surface.WATER if name in SEA_ONLY else Surface.FLOOR)


def test_in_a_room_what_is_above_the_floor_line_is_wall() -> None:
    surfaces = surfaces_of(drawn_place("boards"))
    assert surfaces.under(*FEET, 0.5) is Surface.WALL and surfaces.under(*FEET, 0.8) is Surface.FLOOR


@pytest.mark.parametrize("size", [(16, 16), (64, 900), (900, 64)])
def test_a_plain_picture_of_any_shape_is_ground(size: tuple[int, int]) -> None:
    assert (surfaces_of(np.full((*size, 3), 128, np.uint8)).kinds == Surface.FLOOR).all()


def test_feet_beyond_the_picture_count_as_at_its_edge() -> None:
    assert everywhere(Surface.WATER).under(-0.5, 1.5, 1.4) is Surface.WATER


@pytest.mark.proof
def test_of_four_hundred_and_forty_four_drawn_backgrounds_none_is_read_wrongly() -> None:
    wrong = []
    for name, seed in itertools.product(PLACES, range(12)):
        picture = CHANGES[list(CHANGES)[seed % 4]](drawn_place(name, seed))
        kinds = surfaces_of(picture).kinds
        water, floor = (kinds == Surface.WATER).mean(), (kinds[-40:] == Surface.FLOOR).mean()
        known = {
            "sea": name in SEA_ONLY and water > 0.3,
            "shore": name in SHORES and water > 0.08 and floor > 0.08,
            "ground": name in GROUND and floor > 0.9,
            "upright": name in (UPRIGHT | SKIES) and floor < 0.1,
        }
        if not any(known.values()):
            wrong.append((name, seed))
    assert wrong == []


@pytest.mark.proof
def test_the_demo_s_beach_and_room_bear_and_its_sea_does_not() -> None:
    beach = surfaces_of(seaside(np.random.default_rng(1)))
    assert beach.horizon == pytest.approx(520 / 1200, abs=0.03)
    assert all(beach.under(x, x + 0.1, 0.96) is Surface.FLOOR for x in (0.05, 0.3, 0.6, 0.85))
    assert beach.under(0.2, 0.3, 0.53) is Surface.WATER
    assert surfaces_of(room(np.random.default_rng(1))).under(*FEET, 0.96) is Surface.FLOOR


@pytest.mark.samples
def test_of_the_samples_only_the_sea_does_not_bear(samples) -> None:
    found = {}
    for name in ("b01_sea_horizon", "b02_generated_room", "b03_generated_city_dusk"):
        found[name[:3]] = surfaces_of(images.read_rgb(samples / "background" / f"{name}.jpg"))
    assert [found[name].under(*FEET, 0.96) for name in ("b01", "b02", "b03")] == [Surface.WATER, Surface.FLOOR, Surface.FLOOR]
    assert found["b01"].under(0.02, 0.2, 0.99) is Surface.FLOOR, "the rock at the left"
