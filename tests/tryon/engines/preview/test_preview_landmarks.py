"""Landmarks of drawn garments, whose corners are known exactly."""

from __future__ import annotations

import cv2
import mannequin
import numpy as np
import pytest

from pipeline.core.errors import InputError
from tryon.engines.preview.fit.shape_notices import WIDE_SLEEVE
from tryon.engines.preview.garment.lower_landmarks import lower_landmarks
from tryon.engines.preview.garment.neckline import front_neckline
from tryon.engines.preview.garment.outline import trace
from tryon.engines.preview.garment.top_landmarks import TopLandmarks, top_landmarks
from tryon.engines.preview.garment.traits import top_traits


def marks(name: str) -> TopLandmarks:
    return top_landmarks(mannequin.garment_picture(name), mannequin.garment_mask(name))


def near(points: np.ndarray, expected: list[tuple[int, int]], tolerance_px: float = 10) -> bool:
    return bool(np.hypot(*(np.asarray(points, float) - np.asarray(expected, float)).T).max() <= tolerance_px)


def test_a_t_shirts_corners_are_found():
    tee = marks("tee")
    assert near(tee.armpits, [(122, 188), (262, 188)])
    assert near(tee.shoulders, [(122, 108), (262, 108)])
    assert near(tee.collar, [(160, 90), (224, 90)])
    assert near(tee.hem, [(122, 400), (262, 400)])


def test_short_sleeves_end_at_their_cuffs():
    sleeves = marks("tee").sleeves
    assert sleeves[0] is not None
    assert sleeves[1] is not None
    assert near(sleeves[0].outer[-1], (54, 190))
    assert near(sleeves[1].outer[-1], (330, 190))
    assert near(sleeves[0].inner[-1], (98, 218))


def test_long_sleeves_hanging_beside_the_body_are_told_from_it():
    shirt = marks("longsleeve")
    assert near(shirt.armpits, [(128, 190), (256, 190)])
    assert near(shirt.hem, [(126, 380), (258, 380)])
    assert shirt.sleeves[0] is not None
    assert near(shirt.sleeves[0].outer[-1], (78, 400))
    assert near(shirt.sleeves[0].inner[-1], (112, 404))


def test_a_sleeve_that_touches_the_hem_is_read_through_the_gap_above():
    mask = mannequin.garment_mask("longsleeve")
    mask[370:385, 100:135] = True
    touching = top_landmarks(mannequin.garment_picture("longsleeve"), mask)
    assert near(touching.armpits, [(128, 190), (256, 190)], 14)
    assert near(touching.hem, [(126, 380), (258, 380)], 14)


@pytest.mark.parametrize("hidden_to", [230, 250, 260])
def test_a_narrow_cuff_is_found_where_sleeves_hide_the_gaps_above(hidden_to: int):
    """Close to the body for a third of their length: the outline's armpits lie far below the real ones."""
    mask = mannequin.garment_mask("longsleeve")
    mask[185:hidden_to, 90:300] = True
    close = top_landmarks(mannequin.garment_picture("longsleeve"), mask)
    assert close.sleeves[0] is not None and close.sleeves[1] is not None
    assert near(close.sleeves[0].inner[-1], (112, 404), 12)
    assert near(close.sleeves[1].inner[-1], (272, 404), 12)
    assert top_traits(mask, close).sleeve_width < WIDE_SLEEVE


def test_a_hidden_gap_is_taken_from_the_other_side():
    mask = mannequin.garment_mask("longsleeve")
    mask[185:385, 258:300] = True
    half_hidden = top_landmarks(mannequin.garment_picture("longsleeve"), mask)
    assert half_hidden.sleeves[1] is not None
    assert abs(half_hidden.armpits[0, 1] - half_hidden.armpits[1, 1]) < 3


def test_a_strap_top_has_no_sleeves_and_a_deep_neckline():
    top = marks("strap")
    assert top.sleeves == (None, None)
    assert top.has_straps
    assert near(top.neckline_bottom, (192, 210))


@pytest.mark.parametrize("colour", [(60, 130, 135), (200, 60, 60), (225, 215, 190)])
def test_the_front_neckline_is_where_the_shaded_inside_ends_not_the_backs_own_band(colour: tuple[int, int, int]):
    cloth = np.full((300, 400, 3), colour, np.uint8)
    shaded = (np.array(colour) * 0.8).astype(int).tolist()
    cv2.ellipse(cloth, (200, 40), (75, 74), 0, 0, 180, shaded, -1)  # the inside of the back, down to row 114; above it its band
    cv2.ellipse(cloth, (200, 40), (75, 33), 0, 0, 180, colour, -1)
    mask = np.zeros((300, 400), bool)
    mask[40:, 60:340] = True
    collar = np.array([[125.0, 40.0], [275.0, 40.0]])
    bottom = front_neckline(cloth, mask, collar, np.array([200.0, 42.0]), 48.0)
    assert near(bottom, (200, 114), 9)


def test_a_dress_keeps_its_hem_below_a_waist():
    dress = marks("dress")
    assert dress.sleeves == (None, None)
    assert near(dress.hem, [(84, 460), (300, 460)], 14)
    assert dress.body_length > 2.5 * dress.chest_width


def test_trousers_have_a_crotch_and_a_skirt_has_none():
    trousers, skirt = lower_landmarks(mannequin.garment_mask("trousers")), lower_landmarks(mannequin.garment_mask("skirt"))
    assert trousers.crotch is not None
    assert near(trousers.crotch, (192, 180))
    assert near(trousers.waist, [(130, 60), (254, 60)])
    assert near(trousers.halves[0][0][-1], (122, 470))
    assert near(trousers.halves[0][1][-1], (174, 470))
    assert skirt.crotch is None
    assert near(skirt.waist, [(140, 120), (244, 120)])


def test_landmarks_do_not_depend_on_the_size_of_the_picture():
    small = marks("tee")
    picture, mask = mannequin.garment_picture("tee"), mannequin.garment_mask("tee")
    large = top_landmarks(picture.repeat(2, 0).repeat(2, 1), mask.repeat(2, 0).repeat(2, 1))
    assert near(large.armpits / 2, [tuple(p) for p in small.armpits], 4)
    assert near(large.collar / 2, [tuple(p) for p in small.collar], 4)


@pytest.mark.parametrize("mask", [np.zeros((512, 384), bool), np.eye(512, 384, dtype=bool)])
def test_an_empty_or_tiny_mask_is_an_input_error(mask: np.ndarray):
    with pytest.raises(InputError, match="cloth mask"):
        trace(mask)
