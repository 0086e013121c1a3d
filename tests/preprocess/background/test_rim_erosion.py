"""GS-VITON's boundary correction, as its published program gives it."""

import io

import numpy as np
import pytest
from PIL import Image

from preprocess.background.rim_erosion import eroded_matte, largest_part, rim, without_foreign_rim


@pytest.fixture(scope="module")
def record(fixtures_root):
    return np.load(fixtures_root / "viton_hd/public/seed_steps.npz")


def unpacked(packed, shape):
    return np.unpackbits(packed)[: shape[0] * shape[1]].reshape(shape).astype(bool)


def test_the_same_pixels_are_removed_as_in_the_record(record):
    picture = np.asarray(Image.open(io.BytesIO(record["removal/image_bgr_png"].tobytes())))
    before = unpacked(record["removal/mask_packed"], picture.shape[:2])
    after = unpacked(record["removal/float_mask/mask_packed"], picture.shape[:2])
    assert before.sum() == 6250 and after.sum() == 5916
    assert np.array_equal(without_foreign_rim(picture, before), after)


def test_a_rim_in_the_persons_own_colour_stays():
    photo = np.full((60, 60, 3), (200, 40, 40), np.uint8)
    mask = np.zeros((60, 60), bool)
    mask[15:45, 15:45] = True
    assert np.array_equal(without_foreign_rim(photo, mask), mask)


def test_a_rim_of_the_old_wall_goes_and_what_lies_at_the_pictures_edge_stays():
    photo = np.full((60, 60, 3), 20, np.uint8)
    mask = np.zeros((60, 60), bool)
    mask[15:60, 15:45] = True
    photo[14:60, 14:16] = 240
    result = without_foreign_rim(photo, mask)
    assert not result[20:45, 15].any() and result[55:, 15].all(), "no whole window fits at the lower edge"


@pytest.mark.parametrize("shape", [(0, 0), (5, 5)])
def test_an_empty_mask_stays_empty(shape):
    mask = np.zeros((40, 40), bool)
    mask[: shape[0], : shape[1]] = True
    kept = without_foreign_rim(np.zeros((40, 40, 3), np.uint8), mask)
    assert np.array_equal(kept, mask), "too near the edge for any window"


def test_only_the_largest_part_counts_and_corners_connect():
    mask = np.zeros((30, 30), bool)
    mask[2:5, 2:5] = mask[10:20, 10:20] = mask[20:25, 20:25] = True
    assert largest_part(mask).sum() == 125
    assert rim(mask)[10, 10] and not rim(mask)[15, 15]


def test_the_matte_has_no_soft_edges():
    alpha = np.tile(np.linspace(0, 255, 40).astype(np.uint8), (40, 1))
    assert set(np.unique(eroded_matte(np.zeros((40, 40, 3), np.uint8), alpha))) == {0, 255}
