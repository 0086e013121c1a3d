"""What every rule promises on a drawn person, and what the table says about them."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_person import JOINTS, SIZE, draw, keypoints

from pipeline.core import masks
from pipeline.core.errors import InputError, UsageError
from pipeline.core.keypoints import Keypoints
from pipeline.core.labels import BodyPart, Category, Joint, Parse
from preprocess.agnostic.rules.catvton import hull_of_parts
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.hr_viton import hr_viton
from preprocess.agnostic.rules.table import AUTO, RULES, agnostic_mask, name_for, rule_for, rule_named
from preprocess.person.body import joints_from_keypoints

ARMS = (Parse.LEFT_ARM, Parse.RIGHT_ARM)
COATS = ("catvton-inner", "catvton-outer")
"""Rules for one of two layers; the drawn person wears a single one."""
WITH_HANDS = ("viton-hd", "viton-hd-exact", "dci-vton-v1")
"""Rules whose networks always draw hands anew."""
KINDS = ("hands", "hair", "bags", "scarf")
SAFE = [name for name in RULES if not name.endswith("compat")]
KNOWN = [(name, category) for name, rule in RULES.items() for category in Category if category in rule.categories]
KNOWN_SAFE = [(name, category) for name, category in KNOWN if name in SAFE]


def body_parts(labels: np.ndarray) -> np.ndarray:
    """A plain DensePose index of the drawn person: torso, arms, thighs, head; hands beyond the wrists."""
    parts = np.zeros(SIZE, np.uint8)
    corners = [JOINTS[joint] for joint in (Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER, Joint.LEFT_HIP, Joint.RIGHT_HIP)]
    for side, arm, thigh, hand in (("RIGHT", 16, 9, 3), ("LEFT", 15, 10, 4)):
        shoulder, elbow, wrist, hip, knee, ankle = (
            JOINTS[Joint[f"{side}_{name}"]] for name in ("SHOULDER", "ELBOW", "WRIST", "HIP", "KNEE", "ANKLE")
        )
        for start, end, part, width in (
            (hip, knee, thigh, 90),
            (knee, ankle, thigh + 4, 60),
            (shoulder, elbow, arm, 55),
            (elbow, wrist, arm + 4, 45),
        ):
            cv2.line(parts, start, end, part, width)
        cv2.ellipse(parts, (wrist[0], wrist[1] + 40), (26, 46), 0, 0, 360, hand, -1)
    cv2.fillPoly(parts, [np.array(corners, np.int32)], int(BodyPart.TORSO_FRONT))
    parts[labels == Parse.FACE] = BodyPart.HEAD_LEFT
    return parts


def conditions(drawing=None, body=None, labels=None, person=None) -> Conditions:
    drawing = drawing or draw()
    labels = drawing.labels if labels is None else labels
    return Conditions(labels, body or drawing.body, body_parts(labels), person)


def mask_of(name, category=Category.UPPER, given=None, keep=()):
    return agnostic_mask(rule_for(category, name), category, given or conditions(), keep)


@pytest.mark.parametrize("name, category", [each for each in KNOWN if each[0] not in COATS])
def test_the_garment_is_covered_and_the_face_is_not(name, category):
    labels = draw().labels
    mask = mask_of(name, category)
    worn = {
        Category.UPPER: (Parse.UPPER_CLOTHES,),
        Category.LOWER: (Parse.PANTS,),
        Category.DRESS: (Parse.UPPER_CLOTHES, Parse.PANTS),
    }
    assert mask[np.isin(labels, worn[category])].mean() > 0.97
    assert mask[labels == Parse.FACE].mean() < 0.02
    assert 0.08 < mask.mean() < 0.65


@pytest.mark.parametrize("name", [name for name in RULES if name not in WITH_HANDS])
def test_hands_are_given_back(name):
    labels = draw().labels
    hands = np.isin(labels, ARMS) & (np.indices(SIZE)[0] > JOINTS[Joint.LEFT_WRIST][1] + 62)
    assert hands.any() and mask_of(name)[hands].mean() < 0.15


@pytest.mark.parametrize("name", WITH_HANDS)
def test_some_rules_repaint_hands_unless_they_are_kept(name):
    labels = draw().labels
    hands = np.isin(labels, ARMS) & (np.abs(np.indices(SIZE)[0] - JOINTS[Joint.LEFT_WRIST][1] - 76) < 6)
    assert mask_of(name)[hands].mean() > 0.9
    assert not mask_of(name, keep=("hands",))[hands].any()


@pytest.mark.parametrize("name", [name for name in RULES if name not in {"viton-hd", "ootd-hd-compat", "ootd-dc-compat"}])
def test_trousers_stay_below_an_upper_garment(name):
    trousers = (draw().labels == Parse.PANTS) & (np.indices(SIZE)[0] > 670 + 0.03 * draw().body.scale + 12)
    assert mask_of(name)[trousers].mean() < 0.05


@pytest.mark.parametrize("name, category", KNOWN_SAFE)
@pytest.mark.parametrize("missing", [
    (Joint.MID_HIP, Joint.RIGHT_HIP, Joint.LEFT_HIP), (Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST),
    (Joint.RIGHT_SHOULDER,), (Joint.NECK,),
])  # fmt: skip
@pytest.mark.slow
def test_a_missing_joint_never_pulls_a_mask_into_the_corner(name, category, missing):
    mask = mask_of(name, category, conditions(body=joints_from_keypoints(keypoints(without=missing))))
    assert not mask[:150, :150].any()
    assert masks.iou(mask, mask_of(name, category)) > 0.55


@pytest.mark.slow
@pytest.mark.parametrize("name, category", KNOWN_SAFE)
def test_an_arm_that_leaves_the_picture_on_the_left_draws_nothing_on_the_right(name, category):
    body = draw().body
    xy = body.xy.copy()
    xy[Joint.RIGHT_ELBOW], xy[Joint.RIGHT_WRIST] = (-60, 430), (-140, 560)
    mask = mask_of(name, category, conditions(body=replace(body, xy=xy)))
    assert not mask[:, 700:].any()


@pytest.mark.parametrize("name", [name for name, category in KNOWN if category is Category.LOWER])
def test_nothing_above_the_waist_is_repainted_for_lower_garments(name):
    assert mask_of(name, Category.LOWER)[:560].mean() < 0.001


@pytest.mark.parametrize("name", ["ootd-hd", "ootd-dc"])
def test_an_empty_parse_map_gives_no_arms(name):
    assert not mask_of(name, given=conditions(labels=np.zeros(SIZE, np.uint8))).any()


@pytest.mark.parametrize("name", ["ootd-hd", "ootd-dc"])
def test_both_legs_of_separated_trousers_stay(name):
    labels = draw().labels.copy()
    labels[(labels == Parse.PANTS) & (np.indices(SIZE)[0] < 860)] = Parse.UPPER_CLOTHES
    mask = mask_of(name, Category.LOWER, conditions(labels=labels))
    assert mask[940, 320] and mask[940, 448]
    compat = mask_of(f"{name}-compat", Category.LOWER, conditions(labels=labels))
    assert compat[940, 320] != compat[940, 448]


@pytest.mark.parametrize("name", ["ootd-hd", "ootd-dc"])
def test_without_its_bugs_the_rule_agrees_with_the_published_one_on_an_ordinary_person(name):
    for category in Category:
        assert masks.iou(mask_of(name, category), mask_of(f"{name}-compat", category)) > 0.93


def test_the_full_body_models_arms_are_narrower():
    assert mask_of("ootd-dc").sum() < mask_of("ootd-hd").sum()


@pytest.mark.parametrize("size", [(1024, 768), (1023, 767), (509, 381)])
def test_catvton_works_on_sizes_that_nothing_divides(size):
    drawing = draw()
    labels = cv2.resize(drawing.labels, size[::-1], interpolation=cv2.INTER_NEAREST)
    parts = cv2.resize(body_parts(drawing.labels), size[::-1], interpolation=cv2.INTER_NEAREST)
    body = drawing.body.resized(size[0] / SIZE[0])
    mask = mask_of("catvton", given=Conditions(labels, body, parts))
    assert mask.shape == size and mask[labels == Parse.UPPER_CLOTHES].mean() > 0.99


def test_hulls_are_made_part_by_part():
    area = np.zeros((60, 100), bool)
    area[10:50, 10:14] = area[46:50, 10:40] = True
    area[10:20, 80:90] = True
    hull = hull_of_parts(area)
    assert hull[40, 20] and hull[15, 85] and not hull[:, 50:75].any()


def test_the_default_rule_needs_the_parse_map_and_the_joints_alone():
    drawing = draw()
    for category in Category:
        expected = hr_viton(category, Conditions(drawing.labels, drawing.body))
        assert np.array_equal(mask_of(name_for(AUTO), category), expected)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name, category", KNOWN)
def test_every_rule_leaves_out_what_is_to_be_kept(name, category, kind):
    drawing = draw()
    labels = drawing.labels.copy()
    places = {"hair": np.s_[300:420, 300:340], "scarf": np.s_[330:380, 400:460], "bags": np.s_[640:800, 330:430]}
    labels[places["hair"]], labels[places["scarf"]], labels[places["bags"]] = Parse.HAIR, Parse.SCARF, Parse.BACKGROUND
    given = conditions(labels=labels, person=drawing.labels > 0)
    rows = np.indices(SIZE)[0]
    area = np.isin(labels, ARMS) & (rows > JOINTS[Joint.LEFT_WRIST][1] + 70) if kind == "hands" else np.zeros(SIZE, bool)
    if kind != "hands":
        area[places[kind]] = drawing.labels[places[kind]] > 0
    assert area.any() and not mask_of(name, category, given, (kind,))[area].any()
    everything = mask_of(name, category, given, KINDS)
    assert not (everything & ~mask_of(name, category, given)).any()


def layered():
    """A coat worn open over a shirt, as LIP sees it, and as ATR does: upper clothes all of it, and a bag on the hip."""
    drawing = draw(long_sleeves=True)
    by_lip, by_atr = drawing.labels.copy(), drawing.labels.copy()
    torso = drawing.labels == Parse.UPPER_CLOTHES
    front = torso & (np.abs(np.indices(SIZE)[1] - 384) < 50)
    by_lip[torso & ~front] = Parse.COAT
    by_atr[torso & ~front] = Parse.COAT  # `ParseLists.opinions` has LIP's coats in both
    bag = np.zeros(SIZE, bool)
    bag[560:640, 500:560] = True
    by_atr[bag] = by_lip[bag] = Parse.BACKGROUND
    given = Conditions(by_atr, drawing.body, body_parts(drawing.labels), None, opinions=(by_lip, by_atr), bag=bag)
    return given, front & ~bag, torso & ~front & ~bag


def inside(area, px=14):
    """Away from the edge, where a margin may reach over."""
    return masks.erode(area, px)


def test_the_inner_class_repaints_the_shirt_and_leaves_the_coat():
    given, shirt, coat = layered()
    mask = mask_of("catvton-inner", given=given)
    assert mask[shirt].mean() > 0.97 and mask[inside(coat)].mean() < 0.02


def test_the_outer_class_repaints_the_coat_and_leaves_the_shirt():
    given, shirt, coat = layered()
    mask = mask_of("catvton-outer", given=given)
    assert mask[coat].mean() > 0.97 and mask[inside(shirt)].mean() < 0.02


def test_both_layers_are_repainted_for_an_upper_garment_and_the_bag_is_not():
    given, shirt, coat = layered()
    mask = mask_of("catvton", given=given)
    assert mask[shirt | coat].mean() > 0.97
    assert mask[inside(given.bag, 20)].mean() < 0.05
    assert not mask_of("catvton", given=given, keep=("bags",))[given.bag].any()


def test_what_one_of_two_networks_calls_a_garment_is_repainted():
    drawing = draw()
    by_lip, by_atr = drawing.labels.copy(), drawing.labels.copy()
    low, high = np.s_[560:670, 300:460], np.s_[330:440, 300:460]
    by_lip[low], by_atr[high] = Parse.SCARF, Parse.SCARF
    given = Conditions(by_atr, drawing.body, body_parts(drawing.labels), opinions=(by_lip, by_atr))
    mask = mask_of("catvton", given=given)
    assert mask[low].all() and mask[high].all()


def test_hair_and_scarf_are_kept_on_request():
    labels = draw().labels.copy()
    hair, scarf = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    hair[300:420, 300:340] = True
    scarf[330:380, 400:460] = True
    labels[hair], labels[scarf] = Parse.HAIR, Parse.SCARF
    given = conditions(labels=labels)
    assert mask_of("hr-viton", given=given)[hair].mean() > 0.9
    kept = mask_of("hr-viton", given=given, keep=("hair",))
    assert not kept[hair].any() and kept[scarf].mean() > 0.9
    assert not mask_of("hr-viton", given=given, keep=("hair", "scarf"))[scarf].any()


def test_a_bag_is_what_the_matte_shows_and_no_label_names():
    drawing = draw()
    bag = np.zeros(SIZE, bool)
    bag[520:600, 330:430] = True
    labels = np.where(bag, np.uint8(Parse.BACKGROUND), drawing.labels)
    given = conditions(labels=labels, person=drawing.labels > 0)
    assert mask_of("hr-viton", given=given)[bag].mean() > 0.9
    assert not mask_of("hr-viton", given=given, keep=("bags",))[bag].any()


def test_a_hand_that_was_found_is_kept_even_on_the_wrist():
    drawing = draw()
    fingers = np.zeros((21, 3), np.float32)
    fingers[:, 0], fingers[:, 1], fingers[:, 2] = np.linspace(545, 590, 21), 600 + 20 * (np.arange(21) % 2), 0.9
    body = joints_from_keypoints(Keypoints(keypoints().body, fingers))
    wrist = np.zeros(SIZE, bool)
    wrist[605:615, 560:575] = True
    given = conditions(drawing, body)
    assert wrist[drawing.labels == Parse.LEFT_ARM].any() and mask_of("hr-viton", given=given)[wrist].all()
    assert not mask_of("hr-viton", given=given, keep=("hands",))[wrist].any()


def test_what_is_kept_leaves_no_specks():
    labels = draw().labels.copy()
    labels[400:600:24, 300:460] = Parse.HAIR
    _, areas = masks.components(mask_of("hr-viton", given=conditions(labels=labels), keep=("hair",)))
    assert (areas[1:] >= 0.002 * labels.size).all()


def test_auto_takes_the_engines_rule_and_otherwise_the_default():
    assert name_for(AUTO, "catvton") == "catvton"
    assert name_for(AUTO) == "hr-viton"
    assert name_for("viton-hd", "catvton") == "viton-hd"


def test_a_rule_that_does_not_cover_the_category_names_those_that_do():
    with pytest.raises(InputError, match="viton-hd does not cover dress garments") as caught:
        rule_for(Category.DRESS, "viton-hd")
    assert "ootd-dc" in caught.value.remedy and "viton-hd" not in caught.value.remedy


def test_an_unknown_rule_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        rule_named("hrviton")
    assert "hr-viton" in caught.value.remedy
