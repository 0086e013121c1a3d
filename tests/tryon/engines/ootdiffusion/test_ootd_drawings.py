"""What the residual branch is shown: edges of the garment where it goes, or the skeleton."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tryon.engines.ootdiffusion.drawings import drawings_of, edges, laid_into, within_its_box
from tryon.engines.ootdiffusion.encoding import prepare_person
from tryon.engines.ootdiffusion.wiring import PUBLISHED, Wiring

SIZE = (64, 128)


@pytest.fixture
def shirt():
    cloth = np.full((*SIZE, 3), 244, np.uint8)
    cloth[16:48, 32:96] = (200, 40, 40)
    return cloth


@pytest.fixture
def hole():
    area = np.zeros(SIZE, bool)
    area[20:40, 10:70] = True
    return area


def person(hole, pose=None):
    return prepare_person(np.full((*SIZE, 3), 90, np.uint8), hole, SIZE, pose)


def test_edges_are_where_a_channel_changes_as_steeply_as_it_does(shirt):
    found = edges(shirt)
    assert not found[24:40, 40:88].any() and not found[:14].any()
    assert found[32, 32].tolist() == [44, 204, 204]


def test_edges_fill_the_hole_s_box_and_nothing_else(shirt, hole):
    hole[20:30, 10:20] = False
    laid = laid_into(within_its_box(edges(shirt)), hole)
    assert not laid[~hole].any()
    rows, columns = np.flatnonzero(laid.any((1, 2))), np.flatnonzero(laid.any((0, 2)))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (20, 39, 10, 69)


def test_grain_of_the_ground_is_no_edge_of_the_garment_and_a_plain_picture_has_none(shirt, hole):
    grainy = np.clip(shirt + np.random.default_rng(0).normal(0, 1.5, shirt.shape), 0, 255).astype(np.uint8)
    assert within_its_box(edges(grainy)).shape == within_its_box(edges(shirt)).shape == (34, 66, 3)
    plain = np.full_like(shirt, 244)
    assert within_its_box(edges(plain)).shape == shirt.shape and not laid_into(within_its_box(edges(plain)), hole).any()


def test_without_a_garment_its_edges_are_black_and_a_skeleton_stays(shirt, hole):
    pose = np.zeros((128, 256, 3), np.uint8)
    pose[::2] = 255
    assert drawings_of(PUBLISHED, [(person(hole), shirt)]) is None
    shown, hidden = drawings_of(Wiring(branch="sobel"), [(person(hole), shirt)] * 2)
    assert shown.shape == (2, 3, *SIZE) and float(shown.max()) <= 1 and shown.any() and not hidden.any()
    shown, hidden = drawings_of(Wiring(branch="pose"), [(person(hole, pose), shirt)])
    assert torch.equal(shown, hidden) and shown.shape == (1, 3, *SIZE)
