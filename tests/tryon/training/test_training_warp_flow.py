"""Pairs whose flow is known; a small warping network begins to follow it (`benchmarks/warper_learns.py` goes to the end)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training_runs import quiet

from benchmarks.bent_garments import SIZE, TESTED, Bend, bent_pair, spline
from benchmarks.warper_learns import BETWEEN, CHANNELS, WIDTH, end_point_error, flow_of, learn, unmoved
from pipeline.core.labels import BodyPart, Parse
from tryon.engines.dci_vton.warping.grids import sample
from tryon.engines.dci_vton.warping.network import Warper

UNSEEN = [bent_pair(TESTED + number, Bend()) for number in range(4)]


@pytest.mark.parametrize("pair", UNSEEN)
def test_the_true_flow_brings_the_flat_garment_to_where_it_is_worn(pair):
    assert end_point_error([pair], lambda each: each.flow) == 0
    grid = torch.from_numpy((2 * pair.flow + 1) / np.array(SIZE[::-1], np.float32) - 1).permute(2, 0, 1)[None]
    cloth = torch.from_numpy(pair.cloth).permute(2, 0, 1)[None].float()
    moved = sample(cloth, grid)[0].permute(1, 2, 0).numpy()
    assert np.abs(moved - pair.image)[pair.worn].max() <= 1


def test_garments_left_as_they_are_are_several_pixels_wrong_but_not_tens():
    errors = [end_point_error([pair], lambda each: unmoved()) for pair in UNSEEN]
    assert 5 < np.mean(errors) < 12


def test_a_spline_passes_through_the_places_it_is_drawn_through_and_without_a_bend_moves_nothing():
    still = spline(3, Bend(shift=0, stretch=0, wave=0))
    assert np.abs(still - unmoved()).max() < 1e-3
    assert np.abs(spline(3, Bend()) - spline(4, Bend())).max() > 2


def test_what_the_network_sees_of_the_person_shows_no_garment_and_bends_with_it():
    for pair in UNSEEN:
        assert Parse.UPPER_CLOTHES in pair.parse and Parse.UPPER_CLOTHES not in pair.parse_agnostic
        hands = np.isin(pair.parts, (BodyPart.LEFT_HAND, BodyPart.RIGHT_HAND))
        assert np.isin(pair.parse_agnostic[hands], (Parse.LEFT_ARM, Parse.RIGHT_ARM)).all() and hands.sum() > 100
        torso = pair.parts == BodyPart.TORSO_FRONT
        assert (torso & pair.worn).sum() > 0.8 * torso.sum()


@pytest.mark.slow
def test_two_epochs_undo_most_of_what_an_untrained_network_gets_wrong(tmp_path):
    """Untrained, the mixture of `align_corners` alone enlarges every garment; no flow is shown to the losses."""
    with torch.enable_grad():
        warper = learn(tmp_path, 48, quiet)
    torch.manual_seed(0)
    before = end_point_error(UNSEEN, lambda pair: flow_of(Warper(CHANNELS, WIDTH, BETWEEN).eval(), pair))
    after = end_point_error(UNSEEN, lambda pair: flow_of(warper, pair))
    assert before > 25 and after < 0.7 * before, (before, after)
