"""Hands that no mask covers, on a drawn person whose every pixel is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_person import JOINTS, draw

from pipeline.core import images, masks
from pipeline.core.hands.shape import BEYOND_WRIST, beyond_wrist, hand_area
from pipeline.core.keypoints import keypoints_from_json
from pipeline.core.labels import BodyPart, Category, Joint, Parse
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.hands import WORN, hand, source
from preprocess.agnostic.rules.table import RULES, agnostic_mask
from preprocess.person.body import joints_from_keypoints

WRIST = {"left": Joint.LEFT_WRIST, "right": Joint.RIGHT_WRIST}
ARM = {"left": Parse.LEFT_ARM, "right": Parse.RIGHT_ARM}


def points(wrist: tuple[int, int], size: float = 1.0, score: float = 0.9) -> np.ndarray:
    """A hand that hangs straight down from a wrist, (21, 3)."""
    across = np.repeat([-20, -12, -4, 4, 12], 4)
    down = np.tile([28, 48, 62, 74], 5)
    down[:4] = [10, 20, 30, 38]
    xy = np.vstack([[0, 0], np.column_stack([across, down])]) * size + wrist
    return np.column_stack([xy, np.full(21, score)]).astype(np.float32)


def person(across_torso: bool = False, with_points: bool = True, **drawn) -> Conditions:
    """The drawn person; with the left hand before the belly when asked for."""
    made = draw(**drawn)
    labels, hands = made.labels.copy(), {side: points(JOINTS[joint]) for side, joint in WRIST.items()}
    if across_torso:
        hands["left"] = points((400, 480))
        labels[hand_area(labels.shape, hands["left"][:, :2], 2, wrist=-0.2)] = Parse.LEFT_ARM
    body = made.body
    if with_points:
        body = replace(body, left_hand=hands["left"], right_hand=hands["right"])
    return Conditions(labels, body)


def uncovered(given: Conditions, side: str) -> np.ndarray:
    """The hand's own pixels, beyond the wrist."""
    xy = given.body.hand(side)[:, :2]
    own = hand_area(given.size, xy, 3) & (given.parse == ARM[side])
    assert own.sum() > 500
    return own


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("rule", [name for name, each in RULES.items() if not each.needs_parts])
def test_no_pixel_of_an_uncovered_hand_is_repainted_whatever_the_rule(rule, side):
    given = person(across_torso=True)
    mask = agnostic_mask(RULES[rule], Category.UPPER, given, ("hands",))
    assert not (mask & uncovered(given, side)).any()


def test_without_being_asked_a_hand_before_the_torso_is_repainted():
    given = person(across_torso=True)
    assert (agnostic_mask(RULES["viton-hd"], Category.UPPER, given) & uncovered(given, "left")).sum() > 500


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_garment_round_a_hand_is_repainted_up_to_its_last_pixel(side):
    given = person(across_torso=True)
    without = agnostic_mask(RULES["viton-hd"], Category.UPPER, given)
    mask = agnostic_mask(RULES["viton-hd"], Category.UPPER, given, ("hands",))
    worn = given.parse == Parse.UPPER_CLOTHES
    assert ((without & worn) == (mask & worn)).all()


def test_a_sleeve_over_the_hand_is_no_hand():
    given = person(long_sleeves=True)
    area = hand_area(given.size, given.body.left_hand[:, :2], 5)
    labels = given.parse.copy()
    labels[area] = Parse.UPPER_CLOTHES
    given = replace(given, parse=labels)
    assert not (hand(given, "left") & area).any()


def test_a_hand_in_a_pocket_is_no_hand():
    given = person()
    labels = given.parse.copy()
    labels[labels == Parse.LEFT_ARM] = Parse.PANTS
    assert not hand(replace(given, parse=labels), "left").any()


def test_the_wrist_is_left_to_the_new_sleeve():
    given = person()
    wrist = ~beyond_wrist(given.size, given.body.left_hand[:, :2], BEYOND_WRIST)
    assert not (hand(given, "left") & wrist).any()


def test_hands_in_the_photo_stay_also_under_masks_of_trousers():
    given = person()
    labels = given.parse.copy()
    mask = agnostic_mask(RULES["hr-viton"], Category.LOWER, replace(given, parse=labels), ("hands",))
    assert not (mask & uncovered(given, "left")).any()


def test_densepose_says_where_a_hand_is_that_has_no_key_points():
    given = person(across_torso=True, with_points=False)
    parts = np.zeros(given.size, np.uint8)
    parts[(given.parse == Parse.LEFT_ARM) & (np.indices(given.size)[1] < 480)] = BodyPart.LEFT_HAND
    body = replace(given.body, xy=given.body.xy.copy())
    body.xy[Joint.LEFT_ELBOW], body.xy[Joint.LEFT_WRIST] = (460, 380), (400, 480)
    with_parts = replace(given, parts=parts, body=body)
    assert source(with_parts, "left") == "parts" and source(given, "left") == "labels"
    xy = points((400, 480))[:, :2]
    own = hand_area(given.size, xy, 3, 0.4) & (given.parse == Parse.LEFT_ARM)
    assert (hand(with_parts, "left") & own).sum() > 0.9 * own.sum()


def test_without_key_points_and_parts_the_arm_beyond_the_wrist_is_the_hand():
    given = person(with_points=False)
    kept = hand(given, "left")
    assert kept.any() and (given.parse[kept] == Parse.LEFT_ARM).all()
    assert np.nonzero(kept)[0].min() > JOINTS[Joint.LEFT_WRIST][1]


def test_a_hand_with_few_points_counts_as_not_found():
    few = points(JOINTS[Joint.LEFT_WRIST])
    few[10:] = 0
    given = person()
    assert source(replace(given, body=replace(given.body, left_hand=few)), "left") == "labels"


def test_missing_points_do_not_pull_the_hand_to_the_corner():
    some = points(JOINTS[Joint.LEFT_WRIST])
    some[[3, 7, 11]] = 0
    given = person()
    given = replace(given, body=replace(given.body, left_hand=some))
    assert not hand(given, "left")[:300, :300].any()


def test_a_hand_beyond_the_frame_is_no_error():
    given = person()
    outside = replace(given, body=replace(given.body, left_hand=points((900, 1100))))
    assert hand(outside, "left").shape == given.size


PART = {"left": BodyPart.LEFT_HAND, "right": BodyPart.RIGHT_HAND}


@pytest.mark.samples
@pytest.mark.slow
def test_every_uncovered_pixel_of_rendered_hands_is_kept_and_no_garment(samples):
    """Rendered people, whose body parts, labels and key-points are exactly known."""
    hands = 0
    for file in sorted((samples / "rendered").glob("*-pose.json")):
        name = file.name.removesuffix("-pose.json")
        parse, parts = (images.read_labels(file.with_name(f"{name}-{kind}.png")) for kind in ("parse", "parts"))
        given = Conditions(parse, joints_from_keypoints(keypoints_from_json(file.read_text())))
        without, mask = (agnostic_mask(RULES["viton-hd"], Category.UPPER, given, keep) for keep in ((), ("hands",)))
        assert np.count_nonzero(without & ~mask & masks.labelled(parse, WORN)) <= 4, name
        for side in ("left", "right"):
            xy = given.body.hand(side)
            if not (xy[:, 2] > 0).all():
                continue  # cut off by the frame: the line across its palm is not known exactly
            own = (parts == PART[side]) & (parse == ARM[side]) & beyond_wrist(given.size, xy[:, :2])
            assert (without & own).sum() > 0.5 * own.sum() and not (mask & own).any(), f"{name} {side}"
            hands += 1
    assert hands >= 16
