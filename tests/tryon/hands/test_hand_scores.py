"""The repair judges as the gate does, by the hand network itself: on rendered hands, drawn well and ruined by code."""

import cv2
import numpy as np
import pytest
from ruined_hands import Hand as Rendered
from ruined_hands import drawn_anew, fused, removed, rendered_hands, soft

from pipeline.core.hands.views import HandPlace, read_hand
from pipeline.core.people_networks.door import runtime_here
from tryon.hands.config import RepairConfig
from tryon.hands.score import judge_by
from tryon.hands.visible import Hand

pytestmark = pytest.mark.skipif(runtime_here() is None, reason="needs mediapipe or ai-edge-litert")
NAMES = ("m1_half_left", "w1_full_right", "m2_turned_left")


@pytest.fixture(scope="module")
def hands() -> list[Rendered]:
    return [hand for hand in rendered_hands() if hand.name in NAMES]


def likeness(hand: Rendered, drawn: np.ndarray) -> float:
    places = {"left": HandPlace(hand.wrist, hand.elbow, hand.points)}
    sure = Hand("left", np.column_stack([hand.points, np.ones(21)]).astype(np.float32))
    judged = judge_by(hand.picture, places, read_hand)(sure)
    assert judged is not None
    return judged(drawn)


def test_well_drawn_hands_are_left_alone_and_smeared_ones_are_not(hands):
    below = RepairConfig().below
    well = {hand.name: likeness(hand, drawn_anew(hand, soft)) for hand in hands}
    smeared = {hand.name: likeness(hand, cv2.GaussianBlur(hand.picture, (0, 0), 12)) for hand in hands[:2]}
    assert min(well.values()) >= below > max(smeared.values()), (well, smeared)


def test_hands_in_which_the_network_sees_five_fingers_all_the_same_are_not_called_good(hands):
    judged = [likeness(hand, drawn_anew(hand, way)) for hand, way in zip(hands, (removed, fused, removed), strict=True)]
    assert max(judged) < RepairConfig().below, judged


def test_a_hand_whose_place_is_not_known_or_that_the_photo_does_not_show_is_not_judged(hands):
    hand, sure = hands[0], Hand("left", np.column_stack([hands[0].points, np.ones(21)]).astype(np.float32))
    places = {"left": HandPlace(hand.wrist, hand.elbow, hand.points)}
    nothing_bare = np.zeros(hand.picture.shape[:2], bool)
    assert judge_by(hand.picture, {}, read_hand)(sure) is None
    assert judge_by(hand.picture, places, read_hand, bare=~nothing_bare)(sure) is not None
    assert judge_by(hand.picture, places, read_hand, bare=nothing_bare)(sure) is None
    wall = np.full_like(hand.picture, 200)
    assert judge_by(wall, places, read_hand)(sure) is None
