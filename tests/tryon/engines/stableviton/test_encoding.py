"""Conditions reach the network as the official data loader hands them over (recorded items, exact)."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.core.errors import InputError
from tryon.engines.stableviton.encoding import fit_picture, prepare_person
from tryon.engines.stableviton.runtime import WARP_STRIDES
from tryon.networks.attention_picture import attention_picture, position_chart, recorder_for

SIZE = (256, 192)


@pytest.fixture(scope="module")
def data(viton_fixtures):
    return np.load(viton_fixtures / "public" / "data.npz")


def stored(data, path: str) -> np.ndarray:
    """One picture of the recorded tree, RGB or grey."""
    picture = cv2.imdecode(data[f"files/test/{path}"], cv2.IMREAD_UNCHANGED)
    return picture[..., ::-1] if picture.ndim == 3 else picture


@pytest.mark.parametrize("row, person", [(0, "a_00"), (1, "b_00")])
def test_a_person_is_prepared_like_the_official_item(data, row, person):
    folders = {"image": "image", "agnostic": "agnostic-v3.2", "densepose": "image-densepose"}
    pictures = {name: stored(data, f"{folder}/{person}.jpg") for name, folder in folders.items()}
    repaint = stored(data, f"agnostic-mask/{person}_mask.png")
    repaint = (repaint if repaint.ndim == 2 else repaint[..., 0]) >= 128
    prepared = prepare_person(pictures["image"], pictures["agnostic"], repaint, pictures["densepose"], SIZE)
    item = {name: data[f"out/paired/{row}/{name}_u8"] for name in ("image", "agn", "agn_mask", "image_densepose")}
    np.testing.assert_array_equal(prepared.image, item["image"])
    np.testing.assert_array_equal(prepared.agnostic, item["agn"])
    np.testing.assert_array_equal(prepared.densepose, item["image_densepose"])
    np.testing.assert_array_equal(prepared.keep, item["agn_mask"][..., 0])


@pytest.mark.parametrize("row, garment", [(0, "a_09"), (1, "b_09")])
def test_a_garment_is_prepared_like_the_official_item(data, row, garment):
    np.testing.assert_array_equal(fit_picture(stored(data, f"cloth/{garment}.jpg"), SIZE), data[f"out/unpaired/{row}/cloth_u8"])


@pytest.mark.parametrize("size", [(512, 380), (0, 64), (500, 384)])
def test_sizes_that_do_not_divide_by_64_are_refused(size):
    picture = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(InputError, match="does not fit the network"):
        prepare_person(picture, picture, np.ones((64, 64), bool), picture, size)


def test_conditions_of_different_sizes_and_an_empty_mask_are_refused():
    picture, mask = np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), bool)
    with pytest.raises(InputError, match=r"densepose \(32, 64\)"):
        prepare_person(picture, picture, mask, picture[:32], (64, 64))
    with pytest.raises(InputError, match="mask is empty"):
        prepare_person(picture, picture, ~mask, picture, (64, 64))


@pytest.mark.parametrize("size, block, grid", [((512, 384), 4, (32, 24)), ((1024, 768), 1, (32, 24))])
def test_the_recorded_attention_is_the_32_by_24_block(size, block, grid):
    recorder = recorder_for(size, 1, WARP_STRIDES)
    assert (recorder.block, recorder.grid) == (block, grid)


def test_an_attention_that_looks_straight_ahead_carries_the_garment_over():
    grid, side = (8, 6), (64, 48)
    garment = cv2.resize(position_chart(grid).astype(np.uint8), side[::-1], interpolation=cv2.INTER_LINEAR)
    dressed, keep = np.full((*side, 3), 7, np.uint8), np.zeros(side, np.uint8)
    keep[:, :10] = 255
    picture = attention_picture(np.eye(48, dtype=np.float32), grid, garment, dressed, keep)
    carried = picture[:, 2 * side[1] :].astype(int)
    assert np.abs(carried[:, 16:] - garment[:, 16:]).mean() < 6
    assert (carried[:, :10] == 7).all()
