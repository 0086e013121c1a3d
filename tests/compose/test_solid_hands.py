"""Hands that nobody painted stay solid in the dressed matte."""

import numpy as np
import pytest

from compose.dressed_matte.before_after import BeforeAfter
from compose.dressed_matte.solid_hands import solid_hands

SIZE = (120, 120)
HAND = np.zeros(SIZE, bool)
HAND[30:90, 40:80] = True
PHOTO = np.where(HAND[..., None], (200, 150, 120), (90, 90, 90)).astype(np.uint8)


def photos(painted: np.ndarray | None = None, old: np.ndarray | None = None) -> BeforeAfter:
    """The photo, of which a part was painted green; everything counts as changed."""
    dressed = PHOTO if painted is None else np.where(painted[..., None], (20, 160, 60), PHOTO).astype(np.uint8)
    matte = HAND.astype(np.uint8) * 255 if old is None else old
    return BeforeAfter(PHOTO, dressed, matte, np.ones(SIZE, bool), unit=1.0)


def thin(level: int) -> np.ndarray:
    """A matte with a thin place in the middle of the hand."""
    alpha = HAND.astype(np.uint8) * 255
    alpha[50:60, 55:65] = level
    return alpha


@pytest.mark.parametrize("level", [100, 180, 240])
def test_a_thin_place_in_an_unpainted_hand_is_filled(level: int):
    before = thin(level)
    kept = before.copy()
    assert (solid_hands(before, photos(), HAND)[HAND] == 255).all()
    assert np.array_equal(before, kept), "the argument is left alone"


def test_what_was_painted_keeps_its_alpha():
    painted = np.zeros(SIZE, bool)
    painted[45:65, 50:70] = True
    assert np.array_equal(solid_hands(thin(120), photos(painted), HAND), thin(120))


def test_a_gap_that_the_parse_map_calls_arm_stays_a_gap():
    alpha = thin(0)
    alpha[49, 55:65] = 120
    assert np.array_equal(solid_hands(alpha, photos(), HAND), alpha)


def test_the_soft_edge_and_what_the_old_matte_left_out_stay():
    alpha = thin(255)
    alpha[30] = alpha[:, 40] = 140 * HAND[:, 40]
    assert np.array_equal(solid_hands(alpha, photos(), HAND), alpha)
    old = HAND.astype(np.uint8) * 255
    old[50:60, 55:65] = 100
    assert np.array_equal(solid_hands(thin(100), photos(old=old), HAND), thin(100))


def test_where_nothing_changed_the_matte_is_the_old_one():
    same = BeforeAfter(PHOTO, PHOTO, thin(100), np.zeros(SIZE, bool), unit=1.0)
    assert np.array_equal(solid_hands(thin(100), same, HAND), thin(100))
