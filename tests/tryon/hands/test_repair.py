"""The hand repair on drawn hands: which hands it touches, what it takes, what it refuses, and that nothing else changes."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.core.hands.facts import Fate
from pipeline.core.hands.shape import skin_area
from tryon.hands.config import RepairConfig
from tryon.hands.crops import SIDE, square_around
from tryon.hands.repair import Drawing, match_colours, repair_hands
from tryon.hands.score import stillness
from tryon.hands.visible import Hand

SIZE = (512, 384)
SKIN, SHIRT, GROUND = (205, 165, 140), (40, 60, 190), (225, 225, 225)
CONFIG = RepairConfig(on=True, candidates=3)
SEEDS = (1, 2, 3)


def fingers(x: float = 190, y: float = 330, length: float = 90) -> np.ndarray:
    rows = [(x, y, 0.9)]
    for finger in range(5):
        across = (finger - 2) * length * 0.22
        rows += [(x + across, y - length * (0.4 + 0.15 * joint), 0.9) for joint in range(1, 5)]
    return np.asarray(rows, np.float32)


HAND = Hand("left", fingers())
SQUARE = square_around(HAND.seen, SIZE, CONFIG.factor)


def drawn(points: np.ndarray, shown: int = 5, colour=SKIN) -> np.ndarray:
    """A photo of one hand with so many fingers."""
    picture = np.full((*SIZE, 3), GROUND, np.uint8)
    cv2.circle(picture, tuple(int(v) for v in points[0, :2] - (0, 15)), 34, colour, -1)
    for finger in range(shown):
        ends = points[1 + 4 * finger], points[4 + 4 * finger]
        cv2.line(picture, *(tuple(int(v) for v in end[:2]) for end in ends), colour, 13)
    cv2.line(picture, tuple(int(v) for v in points[0, :2]), (int(points[0, 0]), SIZE[0]), colour, 40)
    return picture


PHOTO = drawn(HAND.points)
RUINED = drawn(HAND.points, shown=1)
EVERYWHERE = np.ones(SIZE, bool)


def on_crop(points: np.ndarray) -> np.ndarray:
    moved = points.copy()
    moved[:, :2] = (moved[:, :2] - (SQUARE.left, SQUARE.top)) * SIDE / SQUARE.height
    return moved


def by_fingers(hand: Hand):
    """Stands in for the judgement: the share of fingers that are seen where the photo's end."""

    def likeness(picture: np.ndarray) -> float:
        ends = hand.points[4::4, :2].astype(int)
        return float(np.mean([np.abs(picture[y + 3, x].astype(int) - SKIN).max() < 30 for x, y in ends]))

    return likeness


def painter_of(fingers_by_seed: dict[int, int], shift: int = 0):
    """Paints so many fingers for a seed."""
    asked = []

    def paint(canvas, seeds):
        asked.append(canvas)
        made = []
        for seed in seeds:
            picture = drawn(HAND.points, fingers_by_seed[seed])[SQUARE.window(SIZE)].astype(int) + shift
            made.append(cv2.resize(np.clip(picture, 0, 255).astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
        return made

    paint.asked = asked
    return paint


def repaired(dressed=RUINED, photo=PHOTO, allowed=EVERYWHERE, hands=(HAND,), paint=None, judge=by_fingers, config=CONFIG):
    drawing = Drawing(SEEDS, paint or painter_of({1: 2, 2: 5, 3: 3}), judge, config)
    return repair_hands(dressed, photo, allowed, hands, drawing)


def nothing(*_):
    raise AssertionError("no hand was to be drawn")


def test_the_best_of_several_hands_is_taken_and_the_picture_shows_it(failures):
    done = repaired()
    assert done.seeds == {"left": 2} and done.hands["left"].fate is Fate.REPAIRED
    assert done.lines["left"] == "repaired (1.00 after 0.20)"
    inside = skin_area(SIZE, HAND.seen, grow=0)
    difference = np.abs(done.picture.astype(int) - PHOTO)[inside]
    if difference.mean() >= 6:
        cv2.imwrite(str(failures / "repaired-hand.png"), np.hstack([PHOTO, RUINED, done.picture])[..., ::-1])
    assert difference.mean() < 6 < np.abs(RUINED.astype(int) - PHOTO)[inside].mean()


def test_outside_the_hand_every_pixel_stays_bit_identical():
    done = repaired(paint=painter_of({1: 2, 2: 5, 3: 3}, shift=9))
    outside = ~skin_area(SIZE, HAND.seen)
    assert np.array_equal(done.picture[outside], RUINED[outside])
    assert not np.array_equal(done.picture, RUINED)


def test_what_may_not_be_painted_stays_although_the_hand_reaches_there():
    allowed = np.zeros(SIZE, bool)
    allowed[:, :190] = True
    done = repaired(allowed=allowed, config=CONFIG.model_copy(update={"gain": 0.0}))
    assert np.array_equal(done.picture[:, 190:], RUINED[:, 190:])


def test_a_cast_of_colours_is_taken_out_before_the_hand_is_put_back():
    plain, tinted = (repaired(paint=painter_of({1: 2, 2: 5, 3: 3}, shift)).picture.astype(int) for shift in (0, 12))
    assert np.abs(plain - tinted).max() <= 2


def test_a_larger_shift_than_a_cast_is_not_followed_all_the_way():
    mask = skin_area((SIDE, SIDE), on_crop(HAND.points)[:, :2])
    grey = np.full((SIDE, SIDE, 3), 100, np.uint8)
    assert (match_colours(grey, grey + 60, mask) == 140).all()


def test_no_better_hand_leaves_the_picture_as_it_was_and_says_so():
    done = repaired(paint=painter_of({1: 1, 2: 1, 3: 0}))
    assert np.array_equal(done.picture, RUINED)
    assert done.hands["left"].fate is Fate.NOT_REPAIRED and "not better" in done.lines["left"]


def test_a_better_hand_in_another_picture_is_refused():
    def repainted_whole(canvas, seeds):
        crops = painter_of(dict.fromkeys(SEEDS, 5))(canvas, seeds)
        return [np.where(canvas.mask[..., None], crop, 255 - crop) for crop in crops]

    done = repaired(paint=repainted_whole)
    assert np.array_equal(done.picture, RUINED) and done.hands["left"].fate is Fate.NOT_REPAIRED


def test_a_repaired_hands_figure_is_its_likeness_whatever_else_changed_a_little():
    def tinted(canvas, seeds):
        crops = painter_of(dict.fromkeys(SEEDS, 5))(canvas, seeds)
        return [np.where(canvas.mask[..., None], crop, np.clip(crop.astype(int) + 5, 0, 255)).astype(np.uint8) for crop in crops]

    done = repaired(paint=tinted)
    assert done.hands["left"].fate is Fate.REPAIRED and done.hands["left"].score == 1


def test_a_candidate_that_overflowed_counts_for_nothing():
    good = painter_of({1: 2, 2: 5, 3: 3})
    done = repaired(paint=lambda canvas, seeds: [good(canvas, seeds)[0], None, None])
    assert done.seeds == {"left": 1}
    assert repaired(paint=lambda canvas, seeds: [None] * 3).hands["left"].fate is Fate.NOT_REPAIRED


def test_a_hand_that_is_good_already_is_left_alone():
    done = repaired(dressed=np.clip(PHOTO.astype(int) - 6, 0, 255).astype(np.uint8), paint=nothing)
    assert done.lines["left"].startswith("good already") and not done.hands


def test_a_hand_that_is_the_photos_own_is_not_looked_at():
    assert repaired(dressed=PHOTO, paint=nothing, judge=nothing).lines == {"left": "untouched"}


def test_a_hand_outside_the_painted_area_is_not_looked_at():
    assert repaired(allowed=np.zeros(SIZE, bool), paint=nothing, judge=nothing).lines == {"left": "untouched"}


def test_no_hand_is_drawn_over_the_new_garment():
    covered = PHOTO.copy()
    covered[skin_area(SIZE, HAND.seen)] = SHIRT
    assert repaired(dressed=covered, paint=nothing, judge=nothing).lines == {"left": "under the garment"}


def test_a_hand_cut_off_by_the_frame_is_left_alone():
    cut = Hand("left", fingers(y=SIZE[0] + 20))
    assert repaired(hands=(cut,), paint=nothing, judge=nothing).lines == {"left": "cut off by the frame"}


def test_people_without_hands_are_handed_through():
    done = repaired(hands=(), paint=nothing, judge=nothing)
    assert np.array_equal(done.picture, RUINED) and not done.lines


def test_the_network_sees_a_square_of_the_dressed_picture_and_the_hand_in_its_middle():
    paint = painter_of({1: 2, 2: 5, 3: 3})
    repaired(paint=paint)
    (canvas,) = paint.asked
    assert canvas.picture.shape == (SIDE, SIDE, 3) and 0.1 < canvas.mask.mean() < 0.5
    rows, columns = np.nonzero(canvas.mask)
    assert abs(rows.mean() - SIDE / 2) < 40 and abs(columns.mean() - SIDE / 2) < 40


def test_a_hand_that_the_network_does_not_see_in_the_photo_cannot_be_judged_and_is_left_alone():
    done = repaired(paint=nothing, judge=lambda hand: None)
    assert np.array_equal(done.picture, RUINED) and done.lines == {"left": "not seen in the photo"} and not done.hands


def test_a_still_picture_loses_nothing():
    mask = np.zeros((8, 8), bool)
    assert stillness(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8), mask) == 1
    assert stillness(np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 12, np.uint8), mask) == pytest.approx(np.exp(-1))


def test_both_hands_are_repaired_each_by_itself():
    other = Hand("right", fingers(y=330))
    done = repaired(hands=(HAND, replace(other, points=np.zeros((21, 3), np.float32))))
    assert done.lines["right"] == "no hand" and done.hands.keys() == {"left"}
