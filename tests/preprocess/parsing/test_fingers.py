"""A hand on clothes: its label follows the fingers, and what is between them belongs to the garment."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from pipeline.core.labels import SIDE_LABELS, Parse
from preprocess.parsing.embedded.fingers import with_fingers
from preprocess.person.body import Joints

ARM = SIDE_LABELS["right"].arm
SKIN, SHIRT, WALL = (205, 150, 125), (215, 190, 60), (200, 200, 205)
SIZE = (200, 200)
PALM = 50.0


@dataclass(frozen=True)
class DrawnHand:
    """A spread hand: picture, what the parser makes of it (an oval), the truth, key-points."""

    image: np.ndarray
    labels: np.ndarray
    truth: np.ndarray
    points: np.ndarray

    def likeness(self, labels: np.ndarray) -> float:
        """Intersection over union of the hand with the truth."""
        found = labels == ARM
        return float(np.count_nonzero(found & self.truth) / np.count_nonzero(found | self.truth))

    def cut(self, points: np.ndarray | None = None) -> np.ndarray:
        """The labels with the hand cut anew."""
        joints = Joints(np.zeros((25, 2), np.float32), np.zeros(25, np.float32), np.zeros(25, np.float32))
        joints = Joints(joints.xy, joints.seen, joints.depth, right_hand=self.points if points is None else points)
        return with_fingers(self.labels, self.image, joints)


def hand(cloth: tuple[int, int, int] = SHIRT, below: int = Parse.UPPER_CLOTHES) -> DrawnHand:
    """Five fingers that point away from a palm at (60, 100), over cloth or a wall."""
    points = np.ones((21, 3), np.float32)
    points[0, :2] = (45, 100)
    truth = np.zeros(SIZE, np.uint8)
    cv2.ellipse(truth, (70, 100), (28, 24), 0, 0, 360, 1, -1)
    cv2.line(truth, (0, 100), (50, 100), 1, 30)
    for number, angle in enumerate(np.radians([-60, -28, 0, 26, 52])):
        away = np.array([np.cos(angle), np.sin(angle)])
        start = np.array([70, 100]) + away * 25
        for joint in range(4):
            points[1 + 4 * number + joint, :2] = start + away * 12 * joint
        cv2.line(truth, *(tuple(np.round(end).astype(int).tolist()) for end in (start - 8 * away, start + 36 * away)), 1, 9)
    image = np.where(truth[..., None] > 0, SKIN, cloth).astype(np.float32)
    image = np.clip(image + np.random.default_rng(3).normal(0, 4, image.shape), 0, 255).astype(np.uint8)
    oval = np.zeros(SIZE, np.uint8)
    cv2.ellipse(oval, (85, 100), (48, 42), 0, 0, 360, 1, -1)
    cv2.line(oval, (0, 100), (50, 100), 1, 30)
    return DrawnHand(image, np.where(oval > 0, ARM, below).astype(np.uint8), truth > 0, points)


def test_fingers_are_cut_out_and_the_cloth_between_them_is_the_garments() -> None:
    drawn = hand()
    cut = drawn.cut()
    assert drawn.likeness(drawn.labels) < 0.75
    assert drawn.likeness(cut) > 0.88
    assert set(np.unique(cut)) == {int(ARM), int(Parse.UPPER_CLOTHES)}


def test_two_garments_below_a_hand_each_get_their_own_part_back() -> None:
    drawn = hand()
    drawn.labels[100:][drawn.labels[100:] == Parse.UPPER_CLOTHES] = Parse.PANTS
    cut = drawn.cut()
    freed = (drawn.labels == ARM) & (cut != ARM)
    assert (cut[:90][freed[:90]] == Parse.UPPER_CLOTHES).all()
    assert (cut[115:][freed[115:]] == Parse.PANTS).all()


@pytest.mark.parametrize(
    "drawn",
    [hand(WALL, Parse.BACKGROUND), hand((209, 154, 128))],
    ids=["before a wall", "on cloth of skin's colour"],
)
def test_a_hand_that_colours_do_not_part_from_cloth_stays(drawn: DrawnHand) -> None:
    assert np.array_equal(drawn.cut(), drawn.labels)


@pytest.mark.parametrize("away", [(90, 0), (-30, 80), (0, 400)])
def test_key_points_beside_the_hand_change_little(away: tuple[int, int]) -> None:
    drawn = hand()
    points = drawn.points.copy()
    points[:, :2] += away
    assert np.count_nonzero(drawn.cut(points) != drawn.labels) < 0.12 * np.count_nonzero(drawn.labels == ARM)


def test_a_hand_without_all_key_points_stays() -> None:
    drawn = hand()
    points = drawn.points.copy()
    points[7] = 0
    assert np.array_equal(drawn.cut(points), drawn.labels)
