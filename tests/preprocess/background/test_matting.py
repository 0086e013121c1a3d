"""From a probability to a soft matte, on drawn pictures whose true matte is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.core import masks
from preprocess.background.edge_band import EdgeConfig, refine_band, sure_inside
from preprocess.background.grabcut import MattingConfig, bone_mask, segment
from preprocess.background.guided_matte import GuidedConfig, colour_coefficients, soften

SIZE = (256, 192)


@pytest.fixture
def scene() -> tuple[np.ndarray, np.ndarray]:
    """A noisy red figure before a noisy grey wall: (photo, true mask)."""
    truth = np.zeros(SIZE, np.uint8)
    cv2.ellipse(truth, (96, 60), (28, 36), 0, 0, 360, 1, -1)
    cv2.rectangle(truth, (50, 96), (142, 255), 1, -1)
    photo = np.where(truth[..., None] > 0, np.uint8([180, 50, 40]), np.uint8([150, 155, 160]))
    noise = np.random.default_rng(5).normal(0, 6, photo.shape)
    return np.clip(photo + noise, 0, 255).astype(np.uint8), truth > 0


def _blurred(truth: np.ndarray, shift: int = 0) -> np.ndarray:
    return cv2.GaussianBlur(np.roll(truth, shift, 1).astype(np.float32), (0, 0), 4)


NOBODY = np.zeros(SIZE, np.float32)
NO_BONES = np.zeros(SIZE, bool)


def test_grabcut_finds_the_outline_a_blurred_probability_only_suggests(scene):
    photo, truth = scene
    found = segment(photo, _blurred(truth, 3), NO_BONES, NOBODY, 1, MattingConfig())
    assert masks.iou(found, truth) > 0.97


def test_the_same_seed_gives_the_same_mask(scene):
    photo, truth = scene
    once, again = (segment(photo, _blurred(truth), NO_BONES, NOBODY, 7, MattingConfig()) for _ in range(2))
    assert np.array_equal(once, again)


def test_another_person_in_the_same_colour_stays_outside(scene):
    photo, truth = scene
    wide = np.hstack([photo, photo])
    probability = np.hstack([_blurred(truth), 0 * _blurred(truth)])
    others = probability[:, ::-1]
    found = segment(wide, probability, np.zeros(wide.shape[:2], bool), np.ascontiguousarray(others), 1, MattingConfig())
    assert not found[:, 200:].any()


def test_a_flag_of_the_same_colour_is_vetoed_by_the_probability(scene):
    photo, truth = scene
    photo = photo.copy()
    photo[120:200, 143:160] = 180, 50, 40
    found = segment(photo, _blurred(truth), NO_BONES, NOBODY, 1, MattingConfig())
    assert found[120:200, 150:160].mean() < 0.05


def test_a_badge_in_the_walls_colour_is_no_hole(scene):
    photo, truth = scene
    photo = photo.copy()
    photo[140:160, 90:110] = 150, 155, 160
    assert segment(photo, _blurred(truth), NO_BONES, NOBODY, 1, MattingConfig())[140:160, 90:110].all()


def test_an_unlikely_picture_gives_an_empty_mask(scene):
    assert not segment(scene[0], NOBODY, NO_BONES, NOBODY, 1, MattingConfig()).any()


def test_bones_are_drawn_only_between_visible_joints():
    body = np.zeros((33, 4), np.float32)
    body[[11, 12], :2], body[[11, 12, 13], 3] = [(40, 30), (10, 30)], [1, 1, 0.2]
    drawn = bone_mask(body, (60, 60), 3)
    assert drawn[30, 25] and drawn.sum() < 30 * 6


def test_softening_keeps_a_sharp_edge_sharp_and_follows_the_photo(scene):
    photo, truth = scene
    rough = masks.dilate(truth, 3).astype(np.float32)
    alpha = soften(photo, rough, photo, GuidedConfig())
    assert np.abs(alpha / 255 - truth).mean() < np.abs(rough - truth).mean() * 0.85


def test_a_large_photo_is_softened_at_its_own_resolution(scene):
    photo, truth = scene
    large = cv2.resize(photo, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC)
    alpha = soften(photo, truth.astype(np.float32), large, GuidedConfig())
    big_truth = cv2.resize(truth.astype(np.uint8), None, fx=5, fy=5, interpolation=cv2.INTER_NEAREST)
    assert alpha.shape == large.shape[:2]
    assert np.abs(alpha / 255 - big_truth).mean() < 0.01


def test_where_nothing_is_mixed_the_filter_returns_the_mask(scene):
    slopes, offset = colour_coefficients(scene[0], np.ones(SIZE, np.float32), 6, 36.0)
    assert not slopes.any()
    assert np.allclose(offset, 1)


@pytest.mark.parametrize("spoil", [masks.dilate, masks.erode])
def test_an_edge_a_few_pixels_off_moves_to_where_the_colours_change(scene, spoil):
    photo, truth = scene
    wrong = spoil(truth, 4)
    refined = refine_band(photo, wrong, EdgeConfig(band_px=20))
    assert np.abs(refined - truth).mean() < 0.3 * np.abs(wrong.astype(float) - truth).mean()


def test_a_white_shirt_before_a_white_wall_keeps_the_mask():
    photo = np.full((*SIZE, 3), 245, np.uint8)
    mask = np.zeros(SIZE, bool)
    mask[60:, 50:140] = True
    assert np.array_equal(refine_band(photo, mask, EdgeConfig()), mask.astype(np.float32))


def test_a_shine_in_the_walls_colour_along_a_neck_is_no_wall_but_hair_lets_it_through(scene):
    """The face of the drawn figure ends in row 96; above the mouth there may be hair."""
    photo, truth = scene
    large, mask = (
        cv2.resize(each, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST) for each in (photo, truth.astype(np.uint8))
    )
    shine = np.zeros(mask.shape, bool)
    shine[500:900, 206:212] = shine[170:300, 290:296] = True
    large[shine] = (150, 155, 160)
    mask = mask > 0
    taken = refine_band(large, mask, EdgeConfig())
    kept = np.maximum(taken, sure_inside(mask, np.ones(mask.shape, np.float32), 340.0, EdgeConfig()))
    assert taken[500:900, 207:211].mean() < 0.3
    assert kept[500:900, 207:211].mean() > 0.9
    assert np.array_equal(kept[:330], taken[:330])


def test_where_the_networks_are_unsure_the_colours_decide(scene):
    mask = np.asarray(scene[1], bool)
    assert not sure_inside(mask, np.full(SIZE, 0.9, np.float32), 0.0, EdgeConfig()).any()
    inside = sure_inside(mask, np.ones(SIZE, np.float32), -50.0, EdgeConfig())
    assert inside[masks.erode(mask, 6)].all() and not inside[~mask].any()
    assert not sure_inside(mask, np.ones(SIZE, np.float32), 1e6, EdgeConfig()).any()
