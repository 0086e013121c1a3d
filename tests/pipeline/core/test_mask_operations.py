"""Operations on masks look only at the window around what is True; the result is that of the whole picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.core import masks

SHAPE = (40, 60)


def blobs(seed: int, share: float = 0.5) -> np.ndarray:
    """Random parts and holes in a corner or in the middle, on a canvas of `SHAPE`."""
    draw = np.random.default_rng(seed)
    mask = np.zeros(SHAPE, bool)
    top, left = draw.integers(0, 20, 2)
    mask[top : top + 20, left : left + 30] = cv2.blur(draw.random((20, 30)), (3, 3)) > share
    return mask


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("radius", [1, 4])
def test_a_window_grows_and_shrinks_like_the_whole_picture(seed: int, radius: int):
    mask = blobs(seed, 0.35)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    assert np.array_equal(masks.dilate(mask, radius), cv2.dilate(mask.astype(np.uint8), disc) > 0)
    assert np.array_equal(masks.erode(mask, radius), cv2.erode(mask.astype(np.uint8), disc) > 0)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("limit", [3, float("inf")])
def test_holes_are_what_no_path_joins_to_the_edge_of_the_picture(seed: int, limit: float):
    mask = blobs(seed)
    _, numbers, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=8)
    edge = {*numbers[0], *numbers[-1], *numbers[:, 0], *numbers[:, -1]}
    holes = [part for part in range(1, len(stats)) if part not in edge and stats[part, cv2.CC_STAT_AREA] <= limit]
    assert np.array_equal(masks.fill_holes(mask, limit), mask | np.isin(numbers, holes))


@pytest.mark.parametrize("seed", range(8))
def test_small_parts_are_dropped_and_large_ones_stay(seed: int):
    mask = blobs(seed)
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    large = [part for part in range(1, len(stats)) if stats[part, cv2.CC_STAT_AREA] >= 6]
    assert np.array_equal(masks.keep_larger(mask, 6), np.isin(numbers, large))


def test_an_empty_mask_stays_empty_and_a_full_one_full():
    for mask in (np.zeros(SHAPE, bool), np.ones(SHAPE, bool)):
        for result in (masks.dilate(mask, 3), masks.erode(mask, 3), masks.fill_holes(mask), masks.keep_larger(mask, 5)):
            assert np.array_equal(result, mask)
    assert masks.box_of(np.zeros(SHAPE, bool)) is None


def test_labelled_finds_any_of_the_wanted_labels():
    labels = np.random.default_rng(0).integers(0, 20, SHAPE).astype(np.uint8)
    assert np.array_equal(masks.labelled(labels, (3, 5, 19)), np.isin(labels, (3, 5, 19)))
    assert not masks.labelled(labels, ()).any()


def test_a_guided_filter_serves_several_images():
    draw = np.random.default_rng(0)
    guide = draw.integers(0, 256, SHAPE).astype(np.uint8)
    smooth = masks.GuidedFilter(guide, 2, 50.0)
    for image in draw.random((2, *SHAPE), np.float32):
        assert np.array_equal(smooth(image), masks.guided_filter(guide, image, 2, 50.0))
