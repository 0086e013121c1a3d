"""Several people in one picture: one body size, no half bodies in mid-air, everybody beside each other."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_places import drawn_place
from readings import ground_of, surfaces_of

from compose.arrangement import SceneInputs, arrange
from compose.body import CutoutBody, measure_body
from compose.group import Member, place_group
from compose.guests import DressedCutout
from compose.painter import Figure
from compose.placement import Placement
from compose.scenery.free_space import find_free_space
from compose.scenery.horizon import Ground
from compose.standing import Stage
from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag
from pipeline.core.inputs.placement_file import Spot, read_placement_file
from pipeline.core.items import Background, Garment, Pair, Person, Scene
from pipeline.core.keypoints import Keypoints, keypoints_from_json
from pipeline.core.labels import BodyPart, Joint

SCENE = Scene(Pair(Person("ann", ""), Garment("tee", ""), "preview"), Background("park", ""))
LAWN = np.kron(drawn_place("lawn"), np.ones((3, 3, 1), np.uint8))
RENDERED = ("m1_street", "m1_half", "m2_turned", "w1_full", "w1_half")


def joints(head: float = 721 / 7.5, crown: float = 40.0) -> Keypoints:
    """Neck, hips, shoulders and nose of somebody upright who is 7.5 heads tall."""
    tall = 7.5 * head
    points = np.zeros((25, 3), np.float32)
    places = {
        Joint.NECK: (300, crown + 0.195 * tall),
        Joint.NOSE: (300, crown + 0.0805 * tall),
        Joint.MID_HIP: (300, crown + 0.47 * tall),
        Joint.LEFT_SHOULDER: (300 + 0.0905 * tall, crown + 0.2 * tall),
        Joint.RIGHT_SHOULDER: (300 - 0.0905 * tall, crown + 0.2 * tall),
    }
    for joint, place in places.items():
        points[joint] = (*place, 1)
    return Keypoints(points)


def arranged(cutout, own: str, guests: dict[str, str], toml: str, picture: np.ndarray = LAWN) -> list[Figure]:
    """The figures of a group of drawn poses; a bust's head is as large as a standing person's."""
    inputs = SceneInputs(
        SCENE,
        picture,
        (),
        cutout(own),
        None,
        read_placement_file(toml, "park.toml"),
        guests={name: DressedCutout(cutout(pose), body(cutout, pose)) for name, pose in guests.items()},
    )
    return arrange(inputs, body(cutout, own), 0)[1]


def body(cutout, pose: str) -> CutoutBody:
    found = measure_body(cutout(pose)[..., 3], joints())
    assert found is not None
    return found


def joining(*names: str, **said: str) -> str:
    lines = "".join(f"{key} = {value}\n" for key, value in said.items())
    return "".join(f'[[placements]]\npeople = ["{name}"]\nwears = "tee"\n{lines}' for name in names)


def flags(figures: list[Figure]) -> list[Flag]:
    return [notice.flag for figure in figures for notice in figure.notices]


@pytest.mark.samples
def test_heads_of_rendered_people_agree_within_a_tenth_whatever_their_photos_show(samples: Path) -> None:
    people = {name: _rendered(samples / "rendered", name) for name in RENDERED}
    size = (800, 1200)
    stage = Stage(size, Ground(0.6, 1.0), find_free_space(np.full((*size, 3), 128, np.uint8)), surfaces_of(LAWN, Ground()))
    for one, other in itertools.combinations(RENDERED, 2):
        members = [Member(name, people[name][0], Spot()) for name in (one, other)]
        placed, framed = place_group(members, stage, "park")
        heads = [spot.scale(people[name][0]) * people[name][1] for name, spot in zip((one, other), placed, strict=True)]
        assert 0.9 < heads[0] / heads[1] < 1.1, (one, other, heads)
        assert framed == ("half" in one + other)


def _rendered(folder: Path, name: str) -> tuple[CutoutBody, int]:
    """The body and the height of the head, photo pixels, from the truths of a rendered person."""
    joints_text = (folder / f"{name}-pose.json").read_text("utf-8")
    found = measure_body(images.read_grey(folder / f"{name}-matte.png"), keypoints_from_json(joints_text))
    assert found is not None
    head = np.isin(images.read_grey(folder / f"{name}-parts.png"), [BodyPart.HEAD_LEFT, BodyPart.HEAD_RIGHT]).any(1)
    return found, int(head.sum())


def test_a_half_body_guest_makes_the_picture_s_edge_cut_everybody_alike(cutout) -> None:
    own, guest = arranged(cutout, "standing", {"bob__tee": "bust"}, joining("bob"))
    scales = [figure.placement.scale(figure.body) for figure in (own, guest)]
    assert scales[0] == pytest.approx(scales[1], rel=0.02), "drawn with heads of one size"
    heads = [figure.placement.y - figure.placement.height for figure in (own, guest)]
    assert heads[0] == pytest.approx(heads[1], abs=6)
    assert all(figure.placement.y > len(LAWN) for figure in (own, guest))
    assert own.shadow == 0 and flags([own, guest]) == []


def test_a_full_body_guest_joins_half_bodies_in_the_same_way(cutout) -> None:
    own, guest = arranged(cutout, "bust", {"bob__tee": "standing"}, joining("bob"))
    assert own.placement.scale(own.body) == pytest.approx(guest.placement.scale(guest.body), rel=0.02)
    assert guest.placement.y > len(LAWN)


@pytest.mark.parametrize(
    ("own", "guest", "toml"),
    [
        ("standing", "bust", "[[placements]]\npeople = ['ann']\nfoot = [0.3, 0.95]\n" + joining("bob", foot="[0.7, 0.95]")),
        ("bust", "standing", joining("bob", foot="[0.7, 0.95]")),
    ],
)
def test_a_half_body_is_refused_beside_feet_that_the_file_puts_into_the_picture(cutout, own: str, guest: str, toml: str) -> None:
    with pytest.raises(InputError, match="ends above the feet") as caught:
        arranged(cutout, own, {"bob__tee": guest}, toml)
    assert {"ann__tee", "bob__tee", "park.toml"} <= set((caught.value.message + caught.value.remedy).replace(",", " ").split())


def test_sizes_follow_the_body_and_not_the_visible_height(cutout) -> None:
    own, guest = arranged(cutout, "standing", {"bob__tee": "seated"}, joining("bob"))
    assert own.placement.scale(own.body) == pytest.approx(guest.placement.scale(guest.body), rel=0.02)
    assert guest.placement.height < own.placement.height
    assert own.placement.y == guest.placement.y < len(LAWN)


def test_somebody_seated_is_cut_with_the_others_and_refused_beside_feet_in_the_picture(cutout) -> None:
    seat = replace(body(cutout, "seated"), seated=True)
    stage = Stage(LAWN.shape[:2], Ground(0.55, 1.0), find_free_space(LAWN), surfaces_of(LAWN, Ground(0.55, 1.0)))
    others = Member("bob__tee", seat, Spot())
    placed, framed = place_group([Member("ann__tee", body(cutout, "standing"), Spot()), others], stage, "park")
    assert framed and all(spot.y > len(LAWN) for spot in placed)
    with pytest.raises(InputError, match="nothing to sit on"):
        place_group([Member("ann__tee", body(cutout, "standing"), Spot(foot=[0.3, 0.9])), others], stage, "park")


def test_who_stands_farther_away_is_smaller_by_perspective(cutout) -> None:
    toml = "[[placements]]\npeople = ['ann']\nfoot = [0.3, 0.95]\n" + joining("bob", foot="[0.7, 0.8]")
    own, guest = arranged(cutout, "standing", {"bob__tee": "striding"}, toml)
    line = ground_of(LAWN).line
    ratio = guest.placement.scale(guest.body) / own.placement.scale(own.body)
    assert ratio == pytest.approx((0.8 - line) / (0.95 - line), rel=0.03)
    assert flags([own, guest]) == []


def test_a_given_height_sets_the_size_of_all_and_two_that_differ_are_flagged(cutout) -> None:
    own, guest = arranged(cutout, "standing", {"bob__tee": "striding"}, joining("bob", height="0.5"))
    assert own.placement.scale(own.body) == pytest.approx(guest.placement.scale(guest.body), rel=0.02)
    toml = "[[placements]]\npeople = ['ann']\nheight = 0.8\n" + joining("bob", height="0.5")
    figures = arranged(cutout, "standing", {"bob__tee": "striding"}, toml)
    assert [figure.placement.height for figure in figures] == [0.8 * len(LAWN), 0.5 * len(LAWN)], "the file's own heights hold"
    assert flags(figures) == [Flag.GROUP_UNEVEN]


@pytest.mark.parametrize("poses", [["standing"] * 3, ["bust"] * 3, ["standing", "bust", "seated"], ["standing"] * 6])
def test_everybody_is_in_the_picture_beside_the_others(cutout, poses: list[str]) -> None:
    names = [f"guest{number}" for number in range(len(poses) - 1)]
    guests = {f"{name}__tee": pose for name, pose in zip(names, poses[1:], strict=True)}
    figures = arranged(cutout, poses[0], guests, joining(*names))
    columns = sorted(figure.placement.x for figure in figures)
    assert columns[0] > 0 and columns[-1] < LAWN.shape[1]
    assert min(np.diff(columns)) > 0.1 * LAWN.shape[1] / len(poses) * 5


def test_where_nobody_can_stand_the_edge_cuts_the_group_and_one_flag_says_why(cutout) -> None:
    sea = np.kron(drawn_place("sea"), np.ones((3, 3, 1), np.uint8))
    figures = arranged(cutout, "standing", {"bob__tee": "striding"}, joining("bob"), sea)
    assert all(figure.placement.y > len(sea) and figure.shadow == 0 for figure in figures)
    assert flags(figures) == [Flag.NO_GROUND]


def test_a_group_finds_the_pier(cutout) -> None:
    pier = np.kron(drawn_place("pier"), np.ones((3, 3, 1), np.uint8))
    two = arranged(cutout, "standing", {"bob__tee": "standing"}, joining("bob"), pier)
    assert all(figure.placement.y < len(pier) and 0.48 < figure.placement.x / 1440 < 0.89 for figure in two) and flags(two) == []
    many = arranged(
        cutout, "standing", dict.fromkeys(("bob__tee", "cat__tee", "dan__tee"), "standing"), joining("bob", "cat", "dan"), pier
    )
    assert all(figure.placement.y > len(pier) for figure in many) and flags(many) == [Flag.NO_GROUND], "too narrow for four"


def test_a_guest_without_a_head_is_flagged_by_name(cutout) -> None:
    headless = measure_body(cutout()[120:, :, 3], joints(crown=-80.0))
    assert headless is not None and headless.cuts.top
    inputs = SceneInputs(
        SCENE,
        LAWN,
        (),
        cutout(),
        None,
        read_placement_file(joining("bob"), "park.toml"),
        guests={"bob__tee": DressedCutout(cutout()[120:], headless)},
    )
    _, figures = arrange(inputs, body(cutout, "standing"), 0)
    own, guest = figures
    assert own.placement.scale(own.body) == pytest.approx(guest.placement.scale(guest.body), rel=0.05)
    assert [notice.flag for notice in guest.notices] == [Flag.CUT_SHOWS] and guest.notices[0].detail.startswith("bob__tee")


@pytest.mark.parametrize("flip", ["false", "true"])
def test_a_guest_cut_at_a_side_stays_at_the_picture_s_edge(cutout, flip: str) -> None:
    own, guest = arranged(cutout, "bust", {"bob__tee": "elbow"}, joining("bob", flip=flip))
    assert flags([own, guest]) == []
    beyond = guest.placement.x < own.placement.x
    assert beyond == (flip == "false")


def test_feet_dragged_below_the_picture_keep_the_group_together(cutout) -> None:
    """What the placement editor saves when somebody whom the edge cuts is moved sideways."""
    before = arranged(cutout, "standing", {"bob__tee": "bust"}, joining("bob"))
    spot: Placement = before[0].placement
    own = f"[[placements]]\npeople = ['ann']\nfoot = [{spot.x + 30}, {spot.y}]\nheight = {spot.height}\n"
    after = arranged(cutout, "standing", {"bob__tee": "bust"}, own + joining("bob"))
    assert after[0].placement == replace(spot, x=spot.x + 30)
    assert after[1].placement.height == pytest.approx(before[1].placement.height, rel=0.01)
