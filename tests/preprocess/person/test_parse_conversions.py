"""LIP, FASHN and CIHP meet; sides and necks are put in where a list has none."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import Atr, Fashn, Joint, Lip, Parse
from preprocess.parsing.neck import derive_neck, no_neck_above_mouth
from preprocess.parsing.schp_frames import hybrid
from preprocess.person.body import Joints, joints_from_keypoints
from preprocess.person.label_tables import (
    CIHP_FROM_FASHN,
    CIHP_FROM_LIP,
    FASHN_FROM_CIHP,
    LIP_FROM_CIHP,
    converted,
)
from preprocess.person.sides import with_sides, with_worn_sides

SIZE = (200, 150)


def standing(oval=True) -> Joints:
    """A frontal person: nose (75, 30), shoulders at 70, hips at 130, ankles at 190."""
    points = np.zeros((25, 3), np.float32)
    places = {
        Joint.NOSE: (75, 30), Joint.NECK: (75, 70), Joint.MID_HIP: (75, 130),
        Joint.RIGHT_SHOULDER: (50, 70), Joint.RIGHT_ELBOW: (42, 100), Joint.RIGHT_WRIST: (38, 130),
        Joint.LEFT_SHOULDER: (100, 70), Joint.LEFT_ELBOW: (108, 100), Joint.LEFT_WRIST: (112, 130),
        Joint.RIGHT_HIP: (62, 130), Joint.RIGHT_KNEE: (60, 160), Joint.RIGHT_ANKLE: (60, 190),
        Joint.LEFT_HIP: (88, 130), Joint.LEFT_KNEE: (90, 160), Joint.LEFT_ANKLE: (90, 190),
    }  # fmt: skip
    for joint, place in places.items():
        points[joint] = (*place, 0.9)
    body = joints_from_keypoints(Keypoints(points))
    if not oval:
        return body
    angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    face = np.stack([75 + 15 * np.cos(angle), 30 + 20 * np.sin(angle)], 1).astype(np.float32)
    return Joints(body.xy, body.seen, body.depth, face, body.left_hand, body.right_hand)


# --- tables ----------------------------------------------------------------------------------------------------------


def test_every_label_has_a_place_in_both_directions():
    assert [len(table) for table in (CIHP_FROM_LIP, LIP_FROM_CIHP, CIHP_FROM_FASHN, FASHN_FROM_CIHP)] == [20, 20, 18, 20]


def test_lip_differs_from_cihp_only_at_ten():
    assert [int(label) for label in CIHP_FROM_LIP if int(label) != CIHP_FROM_LIP.index(label)] == []
    there = converted(np.arange(20, dtype=np.uint8)[None], CIHP_FROM_LIP)[0]
    assert there[10] == Parse.DRESS and np.delete(there, 10).tolist() == np.delete(np.arange(20), 10).tolist()
    back = converted(np.arange(20, dtype=np.uint8)[None], LIP_FROM_CIHP)[0]
    assert back[10] == Lip.BACKGROUND and np.delete(back, 10).tolist() == np.delete(np.arange(20), 10).tolist()


@pytest.mark.parametrize(
    ("fashn", "cihp"),
    [
        (Fashn.FACE, Parse.FACE), (Fashn.HAIR, Parse.HAIR), (Fashn.TOP, Parse.UPPER_CLOTHES), (Fashn.DRESS, Parse.DRESS),
        (Fashn.SKIRT, Parse.SKIRT), (Fashn.PANTS, Parse.PANTS), (Fashn.HAT, Parse.HAT), (Fashn.SCARF, Parse.SCARF),
        (Fashn.GLASSES, Parse.SUNGLASSES), (Fashn.TORSO, Parse.NECK), (Fashn.BAG, Parse.BACKGROUND), (Fashn.BELT, Parse.PANTS),
    ],
)  # fmt: skip
def test_fashn_labels_have_their_cihp_names(fashn, cihp):
    assert CIHP_FROM_FASHN[fashn] == cihp
    if fashn not in {Fashn.BAG, Fashn.BELT}:
        assert FASHN_FROM_CIHP[cihp] == fashn


# --- sides -----------------------------------------------------------------------------------------------------------


def test_limbs_without_sides_go_to_the_nearer_limb_of_the_body():
    labels = np.zeros(SIZE, np.uint8)
    labels[90:125, 34:50] = Parse.LEFT_ARM  # the viewer's left: the subject's right arm
    labels[90:125, 100:116] = Parse.LEFT_ARM
    labels[140:185, 52:70] = Parse.LEFT_LEG
    labels[140:185, 82:98] = Parse.LEFT_LEG
    labels[100:120, 70:80] = Parse.UPPER_CLOTHES
    sided = with_sides(labels, standing())
    assert (sided[90:125, 34:50] == Parse.RIGHT_ARM).all() and (sided[90:125, 100:116] == Parse.LEFT_ARM).all()
    assert (sided[140:185, 52:70] == Parse.RIGHT_LEG).all() and (sided[140:185, 82:98] == Parse.LEFT_LEG).all()
    assert (sided[100:120, 70:80] == Parse.UPPER_CLOTHES).all() and (labels[90:125, 34:50] == Parse.LEFT_ARM).all()


def test_a_limb_outside_the_picture_takes_nothing():
    body = standing()
    far = body.xy.copy()
    far[[Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, Joint.LEFT_WRIST]] += 900
    labels = np.full(SIZE, Parse.LEFT_ARM, np.uint8)
    assert (with_sides(labels, Joints(far, body.seen, body.depth)) == Parse.RIGHT_ARM).all()


def test_gloves_and_socks_take_the_side_of_the_limb_they_are_worn_on():
    labels = np.zeros(SIZE, np.uint8)
    labels[90:120, 34:50], labels[90:120, 100:116] = Parse.RIGHT_ARM, Parse.LEFT_ARM
    labels[120:135, 34:50] = labels[120:135, 100:116] = Parse.GLOVE
    labels[180:190, 55:65], labels[185:195, 85:95] = Parse.SOCKS, Parse.SOCKS
    labels[190:198, 55:70], labels[195:200, 85:95] = Parse.RIGHT_SHOE, Parse.LEFT_SHOE
    sided = with_worn_sides(labels)
    assert (sided[120:135, 34:50] == Parse.RIGHT_ARM).all() and (sided[120:135, 100:116] == Parse.LEFT_ARM).all()
    assert (sided[180:190, 55:65] == Parse.RIGHT_LEG).all() and (sided[185:195, 85:95] == Parse.LEFT_LEG).all()


def test_a_glove_without_any_arm_in_sight_stays_a_glove():
    labels = np.zeros(SIZE, np.uint8)
    labels[120:135, 34:50] = Parse.GLOVE
    np.testing.assert_array_equal(with_worn_sides(labels), labels)


# --- neck ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("oval", [True, False])
def test_face_below_the_jaw_becomes_neck_and_the_face_stays(oval):
    labels = np.zeros(SIZE, np.uint8)
    labels[12:68, 62:88] = Parse.FACE  # ATR: face and neck in one
    found = derive_neck(labels, standing(oval), labels > 0)
    assert (found[15:45, 68:82] == Parse.FACE).all()
    assert (found[56:66, 64:86] == Parse.NECK).all()
    assert set(np.unique(found)) == {0, Parse.FACE, Parse.NECK}


def test_ears_and_temples_beside_the_face_outline_stay_face():
    labels = np.zeros(SIZE, np.uint8)
    labels[20:35, 56:94] = Parse.FACE
    np.testing.assert_array_equal(derive_neck(labels, standing(), labels > 0), labels)


def test_an_unlabelled_neck_is_filled_in_and_unlabelled_background_is_not():
    labels, person = np.zeros(SIZE, np.uint8), np.zeros(SIZE, bool)
    labels[12:48, 62:88] = Parse.FACE
    person[12:70, 62:88] = True
    found = derive_neck(labels, standing(), person)
    assert (found[54:61, 73:78] == Parse.NECK).all()
    assert not found[~person].any()


def test_a_rim_of_neck_round_the_forehead_goes_back_to_the_face():
    labels = np.zeros(SIZE, np.uint8)
    labels[10:48, 60:90] = Parse.NECK
    labels[12:46, 62:88] = Parse.FACE
    labels[48:66, 68:82] = Parse.NECK
    found = no_neck_above_mouth(labels, standing())
    assert (found[10:36, 60:90] == Parse.FACE).all() and (found[50:66, 68:82] == Parse.NECK).all()


# --- the hybrid ------------------------------------------------------------------------------------------------------


def test_the_hybrids_neck_is_what_lip_does_not_call_face():
    atr, lip = np.zeros((64, 48), np.uint8), np.zeros((64, 48), np.uint8)
    atr[5:30, 10:30], lip[5:20, 10:30] = Atr.FACE, Lip.FACE
    found = hybrid(atr, lip)
    assert (found[5:20, 10:30] == Atr.FACE).all() and (found[20:30, 10:30] == Atr.NECK).all()


@pytest.mark.parametrize(("side", "filled"), [(40, True), (50, False)])
def test_holes_in_the_top_are_filled_up_to_two_thousand_pixels_of_a_512_high_frame(side, filled):
    atr = np.zeros((512, 384), np.uint8)
    atr[100:400, 100:300] = Atr.UPPER_CLOTHES
    atr[200:300, 100:130] = Atr.LEFT_ARM
    atr[150 : 150 + side, 180 : 180 + side] = Atr.BAG
    found = hybrid(atr, np.zeros_like(atr))
    assert (found[150 : 150 + side, 180 : 180 + side] == (Atr.UPPER_CLOTHES if filled else Atr.BAG)).all()
    assert (found[200:300, 100:130] == Atr.LEFT_ARM).all()


def with_hole(*boxes):
    """A top with a bag in front, in the boxes (top, bottom, left, right); inner boxes, if any, are the top again."""
    atr = np.zeros((512, 384), np.uint8)
    atr[100:400, 100:300] = Atr.UPPER_CLOTHES
    for number, (top, bottom, left, right) in enumerate(boxes):
        atr[top:bottom, left:right] = Atr.BAG if number % 2 == 0 else Atr.UPPER_CLOTHES
    return atr


@pytest.mark.parametrize(("size", "filled"), [((44, 44), True), ((45, 45), False), ((96, 20), True), ((105, 20), False)])
def test_a_hole_is_measured_by_its_outer_outline(size, filled):
    atr = with_hole((150, 150 + size[0], 150, 150 + size[1]))
    found = hybrid(atr, np.zeros_like(atr))
    assert np.count_nonzero(found == Atr.BAG) == (0 if filled else size[0] * size[1])


def test_an_island_counts_as_part_of_its_hole():
    atr = with_hole((150, 210, 150, 210), (155, 205, 155, 205))  # a ring of 1,100 pixels round 2,500
    np.testing.assert_array_equal(hybrid(atr, np.zeros_like(atr)), atr)


def test_what_lies_inside_a_large_hole_keeps_its_label():
    atr = with_hole((150, 230, 150, 230), (160, 220, 160, 220), (180, 190, 180, 190))
    np.testing.assert_array_equal(hybrid(atr, np.zeros_like(atr)), atr)


def test_a_hole_that_opens_across_a_corner_only_is_still_a_hole():
    atr = with_hole((100, 101, 150, 151), (0, 0, 0, 0), (101, 120, 151, 170))
    assert (hybrid(atr, np.zeros_like(atr))[101:120, 151:170] == Atr.UPPER_CLOTHES).all()
    atr[100, 151] = Atr.BACKGROUND  # now it opens across an edge
    assert (hybrid(atr, np.zeros_like(atr))[101:120, 151:170] == Atr.BAG).all()


def test_a_face_in_a_small_hole_is_filled_before_the_neck_is_looked_for():
    atr = with_hole()
    atr[150:160, 150:160] = Atr.FACE
    assert (hybrid(atr, np.zeros_like(atr))[150:160, 150:160] == Atr.UPPER_CLOTHES).all()
