"""Closed-form matting of the unsure band."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from preprocess.background.closed_form import ClosedFormConfig, refine, trimap


def hairs():
    """A dark head with thin hairs on a bright wall: photo, the true alpha, and a matte that shows no hairs."""
    truth = np.zeros((160, 160), np.float32)
    cv2.ellipse(truth, (80, 110), (45, 60), 0, 0, 360, 1.0, -1)
    matte = truth.copy()
    for column in range(45, 120, 12):
        cv2.line(truth, (column, 80), (column - 6, 38), 0.8, 2, cv2.LINE_AA)
    matte = cv2.GaussianBlur(matte, (0, 0), 1)
    soft = cv2.dilate(matte, np.ones((45, 45)))  # the network suspects something round the head
    matte = np.maximum(matte, 0.12 * soft)
    photo = truth[..., None] * np.array([40, 25, 20]) + (1 - truth[..., None]) * np.array([215, 220, 225])
    return photo.round().astype(np.uint8), truth, (255 * matte).round().astype(np.uint8)


def test_the_trimap_is_sure_inside_and_outside_and_open_where_the_matte_is_soft():
    alpha = np.zeros((100, 100), np.uint8)
    alpha[20:80, 20:80] = 255
    alpha[20:80, 80:90] = 100
    known = trimap(alpha, ClosedFormConfig(band_share=0.03))
    assert set(np.unique(known)) == {0.0, 0.5, 1.0}
    assert known[50, 50] == 1 and known[50, 5] == 0 and (known[50, 79:90] == 0.5).all()


@pytest.mark.slow  # the first call compiles the solver: a minute in a fresh environment
def test_hairs_that_the_matte_missed_are_found():
    photo, truth, matte = hairs()
    refined = refine(photo, matte, ClosedFormConfig(work_side_px=160))
    hair = (truth > 0.5) & (matte < 60)
    assert hair.sum() > 300
    assert refined[hair].mean() > 2.5 * matte[hair].mean()
    assert np.abs(refined / 255 - truth).mean() < 0.5 * np.abs(matte / 255 - truth).mean()


@pytest.mark.slow
def test_sure_pixels_and_the_inputs_stay_as_they_are():
    photo, _, matte = hairs()
    before = photo.copy(), matte.copy()
    refined = refine(photo, matte)
    sure = trimap(matte, ClosedFormConfig()) != 0.5
    assert (refined[sure] == matte[sure]).all()
    assert (photo == before[0]).all() and (matte == before[1]).all()


def test_a_matte_without_edges_is_returned_unchanged():
    photo = np.full((40, 40, 3), 90, np.uint8)
    for level in (0, 255):
        assert (refine(photo, np.full((40, 40), level, np.uint8)) == level).all()
