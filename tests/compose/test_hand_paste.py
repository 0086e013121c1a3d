"""The photo's hand copied back: all of it, none of the garment, and only where it belongs."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from ruined_hands import Hand, doubled, drawn_anew, fused, rendered_hands

from compose.dressed_matte.before_after import BeforeAfter
from compose.gate.garment_colour import palette
from compose.gate.hands import HandEvidence, judge_hands
from compose.gate.scores import GateConfig
from compose.hand_paste import paste_hands
from pipeline.core.frame import whole_photo
from pipeline.core.hands.facts import Fate
from pipeline.core.hands.shape import BEYOND_WRIST, half_finger, hand_area
from pipeline.core.hands.signs import skin_like
from pipeline.core.hands.views import HandPlace, read_hand
from pipeline.core.masks import dilate, erode
from pipeline.core.pixels.colour import to_lab

LEAST = GateConfig().least_hand_likeness
GREEN = (20, 150, 60)
NAMES = ("m2_turned_left", "m1_street_right", "w1_half_right")
COLOURS = palette(np.full((64, 64, 3), GREEN, np.uint8), np.ones((64, 64), bool))


def hand_named(name: str) -> Hand:
    return next(each for each in rendered_hands() if each.name == name)


def sleeve(hand: Hand, share: float) -> np.ndarray:
    """(h, w) bool: everything from the arm's side up to this share of the palm."""
    return ~hand_area(hand.picture.shape[:2], hand.points, 1e3 if share < 0 else 40, share) & dilate(
        hand_area(hand.picture.shape[:2], hand.points, 14, -1.5), 4
    )


def pasted(hand: Hand, after: np.ndarray, **known):
    alpha = np.full(after.shape[:2], 255, np.uint8)
    photos = BeforeAfter(hand.picture, after, alpha, (after != hand.picture).any(2))
    size = hand.picture.shape[:2]
    evidence = HandEvidence(
        whole_photo(size, size), {"left": HandPlace(hand.wrist, hand.elbow, hand.points)}, **{"garment": COLOURS} | known
    )
    hands = judge_hands(evidence, photos, LEAST, read_hand)
    assert hands["left"].fact.fate is Fate.DIFFERS
    photos, hands = paste_hands(photos, hands, evidence, LEAST, read_hand)
    return photos.dressed, hands["left"]


def own_pixels(hand: Hand) -> np.ndarray:
    """The hand's pixels, surely."""
    unit, lab = half_finger(hand.points), to_lab(hand.picture)
    near = hand_area(lab.shape[:2], hand.points, unit, BEYOND_WRIST + 0.05)
    return erode(skin_like(lab, hand.points, unit) & near, 1)


@pytest.mark.parametrize("name", NAMES)
def test_every_pixel_of_an_uncovered_hand_is_the_photos_and_none_of_the_garment_is_overwritten(name, failures):
    hand = hand_named(name)
    after = drawn_anew(hand, fused)
    cuff = sleeve(hand, 0.0)
    after[cuff] = GREEN
    made, found = pasted(hand, after)
    if found.fact.fate is not Fate.PASTED:
        cv2.imwrite(str(failures / f"not pasted {name}.png"), np.hstack([hand.picture, after, made])[..., ::-1])
    assert found.fact.fate is Fate.PASTED, found
    own = own_pixels(hand) & ~cuff
    assert own.sum() > 500 and (made[own] == hand.picture[own]).all()
    assert cuff.sum() > 100 and (made[cuff] == np.array(GREEN, np.uint8)).all()


@pytest.mark.parametrize("name", ["m2_turned_left", "m1_street_right"])
def test_a_finger_too_many_goes_away_as_a_whole(name, failures):
    hand = hand_named(name)
    after = drawn_anew(hand, doubled)
    made, found = pasted(hand, after)
    differs = np.abs(made.astype(int) - hand.picture).max(2) > 25
    if found.fact.fate is not Fate.PASTED or differs.sum() > half_finger(hand.points) ** 2:
        cv2.imwrite(str(failures / f"a finger too many {name}.png"), np.hstack([hand.picture, after, made])[..., ::-1])
    assert found.fact.fate is Fate.PASTED, found
    assert differs.sum() <= half_finger(hand.points) ** 2


def test_the_old_garment_round_the_hand_is_not_brought_back():
    hand = hand_named("w1_half_right")
    after = drawn_anew(hand, fused)
    worn = hand.picture.astype(int) @ (0, 1, -1) > 45
    after[worn & ~hand_area(worn.shape, hand.points, 0.5 * half_finger(hand.points))] = (90, 90, 160)
    made, found = pasted(hand, after, worn=worn)
    changed = (made != after).any(2)
    assert worn.mean() > 0.2 and not (changed & worn).any()
    assert changed.any() == (found.fact.fate is Fate.PASTED)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda hand, after: np.where(sleeve(hand, 0.5)[..., None], np.array(GREEN, np.uint8), after), "garment lies over it"),
        (lambda hand, after: np.roll(after, (70, 90), (0, 1)), "the wrist is not where it was"),
    ],
)
def test_a_hand_stays_as_it_was_drawn_where_it_does_not_belong(spoil, reason):
    hand = hand_named("m2_turned_left")
    after = spoil(hand, drawn_anew(hand, fused))
    made, found = pasted(hand, after)
    assert found.fact.fate is Fate.DIFFERS and reason in found.words("left")
    assert (made == after).all()


def test_without_the_garments_colours_nothing_is_pasted():
    hand = hand_named("m2_turned_left")
    _, found = pasted(hand, drawn_anew(hand, fused), garment=None)
    assert "colours are not known" in found.words("left")


def test_a_photo_twice_as_large_gets_its_own_pixels():
    small = hand_named("m2_turned_left")
    large = cv2.resize(small.picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    hand = replace(small, picture=large, wrist=2 * small.wrist, elbow=2 * small.elbow, points=2 * small.points)
    made, found = pasted(hand, drawn_anew(hand, fused))
    own = own_pixels(hand)
    assert found.fact.fate is Fate.PASTED and (made[own] == hand.picture[own]).all()
