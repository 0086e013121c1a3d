"""Whether a hand is still the photo's: ruined ones are flagged, good ones not, and what cannot be judged is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from ruined_hands import BAD, GOOD, Hand, cut_off, doubled, drawn_anew, rendered_hands, variants

from compose.dressed_matte.before_after import BeforeAfter
from compose.gate.garment_colour import palette
from compose.gate.hands import HandEvidence, JudgedHand, judge_hands
from compose.gate.scores import GateConfig
from pipeline.core import images, masks
from pipeline.core.frame import Frame, whole_photo
from pipeline.core.hands.facts import Fate
from pipeline.core.hands.signs import HandPair, best_match, creases_gone, measure_hand
from pipeline.core.hands.views import HandPlace, find_hand, places, read_hand
from pipeline.core.keypoints import Keypoints, keypoints_from_json
from pipeline.core.labels import ARM_LABELS, UPPER_LABELS, Joint
from tryon.evaluation.intervals import wilson

LEAST = GateConfig().least_hand_likeness


def photos(hand: Hand, after: np.ndarray) -> BeforeAfter:
    alpha = np.full(after.shape[:2], 255, np.uint8)
    return BeforeAfter(hand.picture, after, alpha, (after != hand.picture).any(2))


def frame_of(hand: Hand) -> Frame:
    return whole_photo(hand.picture.shape[:2], hand.picture.shape[:2])


def judged(hand: Hand, after: np.ndarray, read=read_hand, **known) -> JudgedHand | None:
    evidence = HandEvidence(frame_of(hand), {"left": HandPlace(hand.wrist, hand.elbow, hand.points)}, **known)
    return judge_hands(evidence, photos(hand, after), LEAST, read).get("left")


def differs(hand: Hand, after: np.ndarray) -> bool | None:
    found = judged(hand, after)
    return None if found is None else found.fact.fate is Fate.DIFFERS


def told(flags: list[bool]) -> str:
    low, high = wilson(sum(flags), len(flags))
    return f"{sum(flags)} of {len(flags)} flagged, {low:.0%} to {high:.0%}"


@pytest.fixture(scope="module")
def hands() -> list[Hand]:
    return rendered_hands()


@pytest.fixture(scope="module")
def all_hands(hands) -> list[Hand]:
    """Eleven hands, four pictures of each: 44 that are no 44 people."""
    return [variant for hand in hands for variant in variants(hand)]


SAMPLE = slice(None, None, 5)
"""Nine of the 44 pictures, of nine hands, with every variant; the proofs take all."""


def flags_of(hands: list[Hand], drawn: Callable[[int, Hand], np.ndarray | None], wanted: bool, failures: Path) -> list[bool]:
    """Which hands are flagged once they are drawn anew; what is not as wanted is left as a picture."""
    flags = []
    for number, hand in enumerate(hands):
        after = drawn(number, hand)
        flag = None if after is None else differs(hand, after)
        if flag is None:
            continue
        flags.append(flag)
        if flag is not wanted:
            cv2.imwrite(str(failures / f"{number} {hand.name}.png"), np.hstack([hand.picture, after])[..., ::-1])
    return flags


def ruined(number: int, hand: Hand) -> np.ndarray | None:
    """Fused or removed fingers, in turns; the other way where a defect would hardly be seen."""
    ways = BAD if number % 2 else BAD[::-1]
    return next((made for made in (drawn_anew(hand, way, number) for way in ways) if made is not None), None)


def drawn_well(number: int, hand: Hand) -> np.ndarray | None:
    return drawn_anew(hand, GOOD[(number + number // 4) % len(GOOD)], number)


def with_six_fingers(number: int, hand: Hand) -> np.ndarray | None:
    return drawn_anew(hand, doubled, number)


def test_fused_or_removed_fingers_are_flagged_in_four_of_five_hands(all_hands, failures):
    flags = flags_of(all_hands[SAMPLE], ruined, True, failures)
    assert len(flags) == 9 and np.mean(flags) >= 0.8, told(flags)


def test_good_hands_are_hardly_flagged(all_hands, failures):
    flags = flags_of(all_hands[SAMPLE], drawn_well, False, failures)
    assert len(flags) == 9 and sum(flags) <= 1, told(flags)


def test_a_sixth_finger_is_flagged_more_often_than_not(all_hands, failures):
    flags = flags_of(all_hands[SAMPLE][::2], with_six_fingers, True, failures)
    assert len(flags) >= 4 and np.mean(flags) >= 0.6, told(flags)


@pytest.mark.proof
def test_of_all_good_hands_one_in_twenty_is_flagged_at_most_at_the_upper_end_of_the_interval(all_hands, failures):
    flags = [
        flag
        for way in GOOD
        for flag in flags_of(all_hands, lambda number, hand, way=way: drawn_anew(hand, way, number), False, failures)
    ]
    assert len(flags) == 176 and wilson(sum(flags), len(flags))[1] <= 0.05, told(flags)


@pytest.mark.proof
@pytest.mark.parametrize("way", [*BAD, doubled])
def test_of_all_ruined_hands_four_in_five_are_flagged(all_hands, failures, way):
    flags = flags_of(all_hands, lambda number, hand: drawn_anew(hand, way, number), True, failures)
    assert len(flags) >= 35 and np.mean(flags) >= 0.8, told(flags)


def test_a_hand_of_which_no_pixel_changed_is_untouched_and_no_network_is_asked(hands):
    def nobody(crop):
        raise AssertionError("asked")

    after = hands[0].picture.copy()
    after[:20, :20] = 0
    assert judged(hands[0], after, nobody).fact.fate is Fate.UNTOUCHED


def test_a_hand_that_the_photo_cuts_off_is_not_judged(hands):
    hand = cut_off(hands[4])
    assert judged(hand, np.zeros_like(hand.picture)) is None
    unseen = replace(hand, points=None)
    assert judged(unseen, np.zeros_like(hand.picture)) is None


def test_a_photo_without_a_hand_there_is_not_judged(hands):
    wall = np.full_like(hands[0].picture, 200)
    bare = replace(hands[0], picture=wall, points=None)
    assert judged(bare, wall // 2) is None


def test_folds_that_the_network_takes_for_a_hand_are_none_where_the_parse_map_says_cloth(hands):
    after = drawn_anew(hands[4], BAD[0])
    nothing_bare = np.zeros(hands[4].picture.shape[:2], bool)
    assert judged(hands[4], after, bare=nothing_bare) is None
    assert judged(hands[4], after, bare=~nothing_bare).fact.fate is Fate.DIFFERS


def test_a_hand_that_is_painted_over_is_flagged_as_gone(hands):
    hand = hands[4]
    after = np.full_like(hand.picture, 90)
    found = judged(hand, after)
    assert found.fact.fate is Fate.DIFFERS and found.likeness == 0
    assert found.words("left") == "left: no hand is seen there any more (0.00)"


@pytest.mark.samples
@pytest.mark.slow
@pytest.mark.parametrize("name", ["w1_half", "w1_full", "m1_half"])
def test_the_true_answer_of_a_try_on_has_the_same_hands(samples, name):
    """The same person rendered in another garment, on whose hip a hand lies: what is behind the fingers is exchanged."""
    folder = samples / "rendered"
    before, after = (images.read_rgb(folder / f"{each}.jpg") for each in (name, f"{name}__tee_print"))
    parse, size = images.read_labels(folder / f"{name}-parse.png"), before.shape[:2]
    colours = palette(images.read_rgb(folder / "tee_print.jpg"), images.read_grey(folder / "tee_print-mask.png") > 127)
    frame, alpha = whole_photo(size, size), np.full(size, 255, np.uint8)
    points = keypoints_from_json((folder / f"{name}-pose.json").read_text())
    arms = {side: replace(place, points=None) for side, place in places(points, frame).items()}
    bare, worn = (masks.labelled(parse, labels) for labels in (ARM_LABELS, UPPER_LABELS))
    evidence = HandEvidence(frame, arms, bare, worn, colours)
    found = judge_hands(evidence, BeforeAfter(before, after, alpha, alpha > 0), LEAST, read_hand)
    assert found and all(hand.fact.fate is Fate.KEPT for hand in found.values()), found


def test_hands_without_key_points_are_looked_for_beyond_the_wrist(hands):
    hand = hands[4]
    found = find_hand(hand.picture, HandPlace(hand.wrist, hand.elbow), read_hand)
    assert np.hypot(*(found.points - hand.points).T).mean() < 12


def test_only_sides_with_an_arm_or_a_hand_have_a_place():
    body = np.zeros((25, 3), np.float32)
    assert places(Keypoints(body), whole_photo((1024, 768))) == {}
    body[Joint.LEFT_ELBOW], body[Joint.LEFT_WRIST] = (500, 400, 0.9), (520, 500, 0.9)
    hand = np.column_stack([np.linspace(100, 140, 21), np.linspace(500, 560, 21), np.ones(21)]).astype(np.float32)
    found = places(Keypoints(body, right_hand=hand), whole_photo((1024, 768)))
    assert found["left"].points is None and found["right"].points.shape == (21, 2)


def test_a_missing_fingertip_is_lost_area_and_a_finger_too_many_is_added_area(hands):
    square = np.full((160, 160, 3), 210, np.uint8)
    points = hands[1].points.copy()
    points = 40 + 80 * (points - points.min(0)) / np.ptp(points, axis=0).max()
    drawn = square.copy()
    for a, b in ((0, 5), (5, 8), (0, 9), (9, 12), (0, 17), (17, 20), (0, 4), (13, 16), (0, 13)):
        cv2.line(drawn, *(tuple(int(v) for v in points[i]) for i in (a, b)), (190, 140, 115), 9)
    same = HandPair(drawn, drawn, points, points)
    assert measure_hand(same).worst()[1] == pytest.approx(1.0, abs=0.02)
    gone = drawn.copy()
    cv2.circle(gone, tuple(int(v) for v in points[12]), 11, (210, 210, 210), -1)
    assert measure_hand(replace(same, after=gone)).lost > measure_hand(replace(same, after=gone)).added
    assert measure_hand(replace(same, before=gone, after=drawn)).added > 0


def test_patches_match_where_they_moved_a_little_and_not_where_they_are_gone():
    random = np.random.default_rng(0)
    lab = cv2.GaussianBlur(random.normal(50, 40, (80, 80, 3)).astype(np.float32), (0, 0), 3)
    moved = cv2.warpAffine(lab, np.float32([[1, 0, 3], [0, 1, 0]]), (80, 80), borderMode=cv2.BORDER_REPLICATE)
    inside = np.zeros((80, 80), bool)
    inside[20:60, 20:60] = True
    assert best_match(lab, moved, inside, 8)[inside].mean() > 0.8
    assert best_match(lab, np.full_like(lab, 50), inside, 8)[inside].mean() < 0.6


def test_lines_that_are_painted_over_are_creases_gone():
    lab = np.zeros((100, 100, 3), np.float32)
    lab[..., 0] = 60
    lab[:, 50:52, 0] = 30
    fingers = np.ones((100, 100), bool)
    flat = np.full_like(lab, 60)
    assert creases_gone(lab, lab, fingers, 10) == 0
    assert creases_gone(lab, flat, fingers, 10) > 0.95
    assert creases_gone(flat, lab, fingers, 10) == 0
