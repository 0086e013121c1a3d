"""Parity: the warping network's training losses against those recorded from the published class, its norms in training."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from tryon.engines.dci_vton.training.config import WarpTraining
from tryon.engines.dci_vton.training.warp_file import second_differences
from tryon.engines.dci_vton.training.warp_loss import WarpTargets, bend, variation, warp_losses
from tryon.engines.dci_vton.warp_conditions import GROUPS
from tryon.engines.dci_vton.warping import checkpoint
from tryon.engines.dci_vton.warping.flow import FlowLevel
from tryon.engines.dci_vton.warping.grids import sample, shifted_grid

TOLERANCE = 2e-4
"""Of the largest recorded value."""


@pytest.fixture(scope="module")
def records(dci_records):
    with np.load(dci_records / "public" / "warp_train.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def targets(records) -> WarpTargets:
    """The recorded targets: the flat garment, rolled and a little brighter."""
    cloth = torch.from_numpy(records["cloth_u8"]).permute(0, 3, 1, 2).float() / 255 * 2 - 1
    mask = (torch.from_numpy(records["cloth_mask_u8"]) >= 128).float()[:, None]
    return WarpTargets(cloth, mask, torch.roll(cloth, (5, -3), (2, 3)) * 0.9 + 0.1, torch.roll(mask, (5, -3), (2, 3)))


@pytest.fixture(scope="module")
def levels(records, targets, warp_records, dci_weights, tmp_path_factory) -> list[FlowLevel]:
    made = dci_weights.fill(json.loads(str(warp_records["key_shapes_json"])), str(records["salt"]))
    path = tmp_path_factory.mktemp("warp") / "warp_viton.pth"
    torch.save({key: torch.from_numpy(values) for key, values in made.items()}, path)
    warper = checkpoint.load(path).train()
    labels = torch.from_numpy(records["parse_agnostic13_u8"]).long()
    groups = torch.nn.functional.one_hot(labels, len(GROUPS)).permute(0, 3, 1, 2).float()
    densepose = torch.from_numpy(records["densepose_u8"]).permute(0, 3, 1, 2).float() / 255 * 2 - 1
    with torch.no_grad():
        return list(warper.flow.levels(warper.encode_garment(targets.cloth), warper.encode_person(groups, densepose)))


def close(got: torch.Tensor, wanted: np.ndarray, tolerance: float) -> None:
    assert_allclose(got.numpy(), wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


ROUNDING = 1e-2
"""Of the largest recorded value: a millionth of noise in the garment already moves offsets by 1.8e-4 of it."""


@pytest.mark.slow
def test_flow_and_offsets_of_a_training_batch_are_near_the_recorded_ones(records, levels):
    """As near as rounding lets them be: norms in training mode enlarge it."""
    for number in (0, 1):
        close(levels[0].offsets[number], records[f"delta_list_{number}"], ROUNDING)
    flow = levels[-1].grid[..., ::4, ::4]
    close(flow, records["flow_256"], ROUNDING)
    assert float((flow - torch.from_numpy(records["flow_256"])).abs().mean()) < TOLERANCE


@pytest.mark.slow
def test_every_part_of_the_loss_equals_the_recorded_one_at_every_level(records, levels, targets):
    for number, level in enumerate(levels):
        alone = warp_losses([level], _shrunk(targets, 0.5 ** (4 - number)), WarpTraining(mask=1, bend=1), None)
        close(torch.stack([alone[name] for name in ("cloth", "mask", "bend")]), records[f"level{number}"], TOLERANCE)


@pytest.mark.slow
def test_the_whole_loss_equals_the_recorded_one(records, levels, targets):
    parts = warp_losses(levels, targets, WarpTraining(), None)
    assert float(parts["variation"]) == pytest.approx(0.01 * float(records["loss_smooth"]), rel=3e-4)
    assert float(sum(parts.values())) == pytest.approx(float(records["loss_all_without_vgg"]), rel=TOLERANCE)


def _shrunk(targets: WarpTargets, scale: float) -> WarpTargets:
    def small(picture):
        return torch.nn.functional.interpolate(picture, scale_factor=scale, mode="bilinear")

    return WarpTargets(small(targets.cloth), small(targets.mask), small(targets.worn), small(targets.worn_mask))


def test_a_flow_that_goes_on_straight_costs_almost_nothing_and_a_bend_costs():
    straight = shifted_grid(torch.ones(1, 2, 12, 9))
    least = 2 * 1e-6**0.45
    assert float(bend(straight)) == pytest.approx(least, rel=1e-3)
    bent = straight.clone()
    bent[..., 5, 4] += 0.1
    assert float(bend(bent)) > 2 * least


def test_bends_are_what_the_published_filter_measures():
    grid = torch.rand(2, 2, 9, 7, generator=torch.Generator().manual_seed(0))
    seconds = [torch.nn.functional.conv2d(grid[:, axis : axis + 1], second_differences()) for axis in (0, 1)]
    wanted = sum((each.square() + 1e-6).pow(0.45).mean() for each in seconds)
    assert float(bend(grid)) == pytest.approx(float(wanted), rel=1e-6)


def test_offsets_that_jump_cost_by_the_size_of_the_jump():
    offsets = torch.zeros(1, 2, 4, 4)
    offsets[..., 2:, :] = 3
    assert float(variation(offsets)) == pytest.approx(1.0)


def test_the_right_flow_leaves_only_what_smoothing_costs():
    cloth = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    grid = shifted_grid(torch.zeros(1, 2, 64, 64)) * 0.9
    worn, mask = sample(cloth, grid), sample(torch.ones(1, 1, 64, 64), grid, "zeros")
    level = FlowLevel(grid, (torch.zeros(1, 2, 32, 32), torch.zeros(1, 2, 32, 32)))
    parts = warp_losses([level], WarpTargets(cloth, torch.ones(1, 1, 64, 64), worn, mask), WarpTraining(), None)
    assert float(parts["cloth"]) == float(parts["mask"]) == float(parts["variation"]) == 0
