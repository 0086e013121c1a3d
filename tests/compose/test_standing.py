"""Who stands on what: ground is looked for, and without it the picture's lower edge cuts the body at mid-thigh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_places import GROUND, SEA_ONLY, SKIES, UPRIGHT, drawn_place

from compose.arrangement import SceneInputs, arrange
from compose.body import measure_body
from compose.painter import PLAIN, Figure, compose_scene
from compose.placement import MOST_ENLARGED
from compose.scenery.horizon import Ground
from compose.standing import cut_at
from pipeline.core.flags import Flag
from pipeline.core.inputs.placement_file import read_placement_file
from pipeline.core.items import Background, Garment, Pair, Person, Scene
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Joint

GROUND_LINE = Ground(150 / 320, 1.0)
SCENE = Scene(Pair(Person("ann", ""), Garment("tee", ""), "preview"), Background("sea", ""))


def upright_joints() -> Keypoints:
    """Neck, hips and shoulders of the drawn standing person."""
    points = np.zeros((25, 3), np.float32)
    places = {
        Joint.NECK: (300, 180),
        Joint.MID_HIP: (300, 380),
        Joint.LEFT_SHOULDER: (365, 180),
        Joint.RIGHT_SHOULDER: (235, 180),
    }
    for joint, place in places.items():
        points[joint] = (*place, 1)
    return Keypoints(points)


def arranged(cutout, picture: np.ndarray, toml: str = "", keypoints: Keypoints | None = None) -> Figure:
    """The one figure of a scene."""
    body = measure_body(cutout[..., 3], keypoints)
    assert body is not None
    inputs = SceneInputs(SCENE, picture, (), cutout, keypoints, read_placement_file(toml, "sea.toml"))
    _, (figure,) = arrange(inputs, body, 0)
    return figure


def shown_share(figure: Figure, tall: int) -> float:
    """How much of the body is above the picture's lower edge."""
    return (tall - (figure.placement.y - figure.placement.height)) / figure.placement.height


def flags(figure: Figure) -> list[Flag]:
    return [notice.flag for notice in figure.notices]


@pytest.mark.parametrize("name", [*SEA_ONLY, *UPRIGHT, *SKIES])
def test_nobody_stands_on_the_sea_a_wall_or_the_sky(cutout, name: str) -> None:
    picture = drawn_place(name)
    figure = arranged(cutout(), picture)
    assert 0.55 < shown_share(figure, len(picture)) < 0.7, "cut at mid-thigh"
    assert figure.placement.y - figure.placement.height > 0, "the head is in the picture"
    assert flags(figure) == [Flag.NO_GROUND]
    assert figure.shadow == 0 and figure.reflection == 0


@pytest.mark.parametrize("name", GROUND)
def test_everybody_stands_on_floors_streets_lawns_snow_and_paper(cutout, name: str) -> None:
    picture = drawn_place(name)
    figure = arranged(cutout(), picture)
    assert figure.placement.y < len(picture)
    assert figure.shadow == 1 and figure.notices == ()


@pytest.mark.parametrize(("name", "low", "high"), [("beach", 0.3, 0.7), ("beach at the left", 0.1, 0.4), ("pier", 0.52, 0.85)])
def test_at_a_shore_people_stand_on_the_part_that_bears(cutout, name: str, low: float, high: float) -> None:
    picture = drawn_place(name)
    figure = arranged(cutout(), picture)
    assert low < figure.placement.x / picture.shape[1] < high and figure.placement.y < len(picture)
    assert figure.notices == ()


def test_no_shadow_is_painted_where_nobody_stands(cutout) -> None:
    picture = drawn_place("sea")
    figure = arranged(cutout(), picture)
    look = replace(PLAIN, contact_shadow=0.75, cast_shadow=0.4)
    (person,) = compose_scene(picture, [figure], GROUND_LINE, look).people
    made = compose_scene(picture, [figure], GROUND_LINE, look).rgb
    beside = np.ones(picture.shape[:2], bool)
    beside[person.window] = person.alpha == 0
    assert (made[beside] == picture[beside]).all()


def test_a_framed_person_is_not_enlarged_beyond_what_the_photo_gives(cutout) -> None:
    picture = np.kron(drawn_place("sea"), np.ones((2, 2, 1), np.uint8))
    figure = arranged(cutout(), picture)
    assert figure.placement.scale(figure.body) == pytest.approx(MOST_ENLARGED)
    assert 0.55 < shown_share(figure, 640) < 0.7, "the picture shows more sky instead"


def test_a_foot_point_of_the_user_s_own_holds_and_is_flagged_on_water(cutout) -> None:
    picture = drawn_place("sea")
    figure = arranged(cutout(), picture, "foot = [0.5, 0.9]\nheight = 0.6")
    assert (figure.placement.x, figure.placement.y, figure.placement.height) == (240, 288, 192)
    assert flags(figure) == [Flag.NO_GROUND] and "water" in figure.notices[0].detail
    assert flags(arranged(cutout(), drawn_place("beach"), "foot = [0.5, 0.9]\nheight = 0.6")) == []


def test_a_foot_point_on_the_wall_or_in_the_sky_is_flagged_by_its_name(cutout) -> None:
    on_wall = arranged(cutout(), drawn_place("boards"), "foot = [0.5, 0.5]\nheight = 0.4")
    in_sky = arranged(cutout(), drawn_place("lawn"), "foot = [0.5, 0.4]\nheight = 0.3")
    assert ["wall" in on_wall.notices[0].detail, "sky" in in_sky.notices[0].detail] == [True, True]


def test_feet_that_the_user_puts_below_the_picture_are_no_fault_and_cast_nothing_on_water(cutout) -> None:
    figure = arranged(cutout(), drawn_place("sea"), "foot = [240, 420]\nheight = 350")
    assert (figure.placement.y, figure.shadow, figure.notices) == (420, 0, ())
    assert arranged(cutout(), drawn_place("boards"), "foot = [240, 420]\nheight = 350").shadow == 1


def test_the_placement_file_says_whether_anybody_can_stand(cutout) -> None:
    sea, floor = drawn_place("sea"), drawn_place("boards")
    stands = arranged(cutout(), sea, 'ground = "floor"')
    framed = arranged(cutout(), floor, 'ground = "none"')
    assert stands.placement.y < len(sea) and stands.shadow == 1 and stands.notices == ()
    assert framed.placement.y > len(floor) and framed.shadow == 0 and framed.notices == (), "asked for, so no fault"


def test_a_given_height_holds_where_nobody_can_stand(cutout) -> None:
    figure = arranged(cutout(), drawn_place("sea"), "height = 0.9")
    assert figure.placement.height == 288 and 0.55 < shown_share(figure, 320) < 0.7


@pytest.mark.parametrize("pose", ["bust", "elbow"])
def test_who_shows_no_feet_is_placed_as_ever(cutout, pose: str) -> None:
    on_sea = arranged(cutout(pose), drawn_place("sea"))
    told = arranged(cutout(pose), drawn_place("sea"), 'ground = "floor"')
    assert on_sea.placement == told.placement and flags(on_sea) == []


def test_boots_that_the_photo_half_shows_do_not_hang_over_water(cutout) -> None:
    """A photo that ends at the ankles counts as showing feet where there is no ground, and is placed as ever where there is."""
    ankles = cutout()[:735]
    on_sea, on_lawn = (arranged(ankles, drawn_place(name), keypoints=upright_joints()) for name in ("sea", "lawn"))
    assert 0.55 < shown_share(on_sea, 320) < 0.75 and flags(on_sea) == [Flag.NO_GROUND]
    assert on_lawn.placement.y == pytest.approx(320, rel=0.01) and flags(on_lawn) == []


def seated_joints() -> Keypoints:
    """Of the drawn seated person: knees as high as the hips."""
    points = upright_joints().body.copy()
    for joint, place in {
        Joint.LEFT_HIP: (320, 425),
        Joint.LEFT_KNEE: (440, 468),
        Joint.RIGHT_HIP: (280, 425),
        Joint.RIGHT_KNEE: (430, 470),
    }.items():
        points[joint] = (*place, 1)
    return Keypoints(points)


@pytest.mark.parametrize(("name", "found"), [("lawn", []), ("boards", []), ("sea", [Flag.NO_GROUND])])
def test_nobody_sits_on_nothing(cutout, name: str, found: list[Flag]) -> None:
    figure = arranged(cutout("seated"), drawn_place(name), keypoints=seated_joints())
    assert figure.body.seated and figure.placement.y > 320 and figure.shadow == 0 and flags(figure) == found
    for said in ("foot = [0.5, 0.9]", 'ground = "floor"'):
        assert arranged(cutout("seated"), drawn_place("lawn"), said, seated_joints()).placement.y < 320, said


def test_who_runs_or_stands_is_not_taken_for_seated(person) -> None:
    for pose in ("standing", "striding"):
        found = measure_body(person(pose), seated_joints())
        assert found is not None and not found.seated, pose


def test_somebody_without_a_head_stays_at_the_upper_edge_where_nobody_can_stand(cutout) -> None:
    headless = cutout()[120:]
    figure = arranged(headless, np.kron(drawn_place("sea"), np.ones((2, 2, 1), np.uint8)))
    assert figure.placement.y - figure.placement.height <= 0
    assert figure.placement.y > 640 and Flag.CUT_SHOWS not in flags(figure)


def test_a_cut_that_the_placement_file_moves_into_the_picture_is_flagged(cutout) -> None:
    headless = arranged(cutout()[120:], drawn_place("lawn"), "foot = [0.5, 0.9]\nheight = 0.5")
    elbow = arranged(cutout("elbow"), drawn_place("lawn"), "foot = [0.7, 1.0]\nheight = 0.6")
    assert flags(headless) == [Flag.CUT_SHOWS] and "head" in headless.notices[0].detail
    assert flags(elbow) == [Flag.CUT_SHOWS] and "left" in elbow.notices[0].detail
    assert flags(arranged(cutout()[120:], drawn_place("lawn"), "foot = [0.5, 0.9]")) == [], "the head stays at the edge"


@pytest.mark.parametrize("toml", ["", "flip = true"])
def test_a_body_cut_at_a_side_touches_that_side_when_mirrored_too(cutout, toml: str) -> None:
    picture = drawn_place("lawn")
    figure = arranged(cutout("elbow"), picture, toml)
    (person,) = compose_scene(picture, [figure], GROUND_LINE, PLAIN).people
    touches = person.left == 0 if not toml else person.left + person.alpha.shape[1] == picture.shape[1]
    assert touches and flags(figure) == []


def test_a_body_cut_at_a_row_keeps_only_the_side_cuts_above_it(person) -> None:
    body = measure_body(person("elbow"))
    assert body is not None and body.cuts.left is not None
    assert cut_at(body, body.cuts.left - 1).cuts.left is None and cut_at(body, 700).cuts.left == body.cuts.left
    assert body.mirrored.cuts.right == body.cuts.left and body.mirrored.mirrored == body
