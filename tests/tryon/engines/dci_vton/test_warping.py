"""The warping network against recorded results of the published one: flow at every level, and the garment it moves."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from pipeline.core.errors import WeightsError
from tryon.engines.dci_vton.keys import KINDS
from tryon.engines.dci_vton.warp_conditions import GROUPS
from tryon.engines.dci_vton.warping import checkpoint
from tryon.engines.dci_vton.warping.correlation import correlation
from tryon.engines.dci_vton.warping.grids import enlarged, sample, shifted_grid
from tryon.engines.dci_vton.warping.network import SIZE, Warper, warp
from tryon.engines.dci_vton.warping.runtime import Warping
from tryon.recognise import recognise

TOLERANCE = 2e-4
"""Of the largest recorded value."""


def planes(picture: np.ndarray) -> torch.Tensor:
    """(h, w, 3) uint8 → (1, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255 * 2 - 1


def close(got: torch.Tensor, wanted: np.ndarray) -> None:
    assert_allclose(got.numpy(), wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())


@pytest.fixture(scope="module")
def warper(warp_file) -> Warper:
    return checkpoint.load(warp_file)


@pytest.fixture(scope="module")
def cloth(warp_records):
    mask = (torch.from_numpy(warp_records["cloth_mask_u8"]) >= 128)[None, None].float()
    return planes(warp_records["cloth_u8"]), mask


@pytest.fixture(scope="module")
def pyramids(warper, warp_records, cloth):
    labels = torch.from_numpy(warp_records["parse_agnostic13_u8"]).long()
    groups = torch.nn.functional.one_hot(labels, len(GROUPS)).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        return warper.encode_garment(cloth[0]), warper.encode_person(groups, planes(warp_records["densepose_u8"]))


@pytest.fixture(scope="module")
def grids(warper, pyramids):
    with torch.no_grad():
        return list(warper.flow.levels(*pyramids))


@pytest.mark.slow
def test_features_and_likeness_equal_the_published_networks(warp_records, pyramids):
    garment, person = pyramids
    close(garment[0], warp_records["image_fpn4"])
    close(person[0], warp_records["cond_fpn4"])
    close(correlation(garment[0], person[0]), warp_records["corr_level4"])


@pytest.mark.slow
def test_the_flow_equals_the_published_one_at_every_level(warp_records, grids):
    for level in range(4):
        close(grids[level].grid, warp_records[f"flow_level{level}"])
    close(grids[-1].grid, warp_records["flow_256"])


@pytest.mark.slow
def test_sampling_is_as_it_was_trained_and_not_as_pf_afn_was(warp_records, grids):
    other = warp_records["flow_256_if_align_corners_True"]
    assert np.abs(grids[-1].grid[..., ::4, ::4].numpy() - other).mean() > 0.1


@pytest.mark.slow
def test_warped_pictures_equal_the_published_ones(warp_records, grids, cloth):
    """The small ones were recorded in half precision, the large ones as levels."""
    small = enlarged(cloth[0], SIZE), torch.nn.functional.interpolate(cloth[1], size=SIZE, mode="nearest")
    warped, half = warp(grids[-1].grid, *small, SIZE), 2**-12
    for got, name in ((warped.cloth, "warped_cloth_256"), (warped.mask, "warped_mask_256")):
        assert np.abs(got.numpy() - warp_records[name]).max() <= TOLERANCE + half
    large = warp(grids[-1].grid, *cloth, (512, 384))
    picture, mask = (large.cloth[0].permute(1, 2, 0) + 1) / 2 * 255, large.mask[0, 0] * 255
    for levels, name in ((picture, "warped_cloth_full_u8"), (mask, "warped_mask_full_u8")):
        assert np.abs(levels.numpy().astype(np.uint8).astype(int) - warp_records[name]).max() <= 1


@pytest.mark.slow
def test_what_the_stage_makes_equals_the_published_pictures_and_its_flow_is_drawn(warp_file, warp_records):
    """From pictures on disk to pictures on disk; ours are rounded, the published ones cut off."""
    warping = Warping(checkpoint.load(warp_file), "cpu")
    parse = np.array([labels[0] for labels in GROUPS], np.uint8)[warp_records["parse_agnostic13_u8"]]
    person = warping.encode_person(warp_records["densepose_u8"], parse)
    made = warping.warp(person, warping.encode_garment(warp_records["cloth_u8"], warp_records["cloth_mask_u8"] >= 128))
    for levels, name in ((made.cloth, "warped_cloth_full_u8"), (made.mask, "warped_mask_full_u8")):
        assert np.abs(levels.astype(int) - warp_records[name]).max() <= 1
    assert made.flow.shape == (512, 384, 3) and made.flow.std() > 5


@pytest.mark.slow
def test_a_flow_without_numbers_is_refused(warp_file, warp_records):
    network = checkpoint.load(warp_file)
    network.flow.estimate[0][0].bias.fill_(torch.nan)
    warping = Warping(network, "cpu")
    person = warping.encode_person(warp_records["densepose_u8"], np.zeros((512, 384), np.uint8))
    with pytest.raises(WeightsError, match="flow holds no numbers"):
        warping.warp(person, warping.encode_garment(warp_records["cloth_u8"], np.ones((512, 384), bool)))


@pytest.mark.slow
def test_the_published_file_loads_strictly(warp_file, tmp_path, dci_keys):
    state = torch.load(warp_file)
    assert set(state) == {*dci_keys["warp_test"], *dci_keys["warp_train_extra"]}
    assert {key: list(values.shape) for key, values in state.items()} == dci_keys["warp_test"] | dci_keys["warp_train_extra"]
    cut = tmp_path / "cut.pth"
    torch.save(
        {key: values for key, values in state.items() if key != "image_FPN.smooth.2.bias"} | {"other": torch.zeros(1)}, cut
    )
    with pytest.raises(WeightsError, match=r"(?s)1 missing: \S*smooth.2.bias.*1 unexpected: other"):
        checkpoint.load(cut)


@pytest.mark.parametrize("channels", [3, 45])
def test_pf_afns_own_weights_are_refused_by_name(tmp_path, channels):
    path = tmp_path / "warp_model_final.pth"
    torch.save({checkpoint.PERSON_INPUT: torch.zeros(64, channels, 3, 3)}, path)
    with pytest.raises(
        WeightsError, match=f"PF-AFN's own warping network: it sees {channels} channels .*align_corners=True"
    ) as refused:
        checkpoint.load(path)
    assert "weights pull dci-vton-warp" in str(refused.value.remedy)


@pytest.mark.parametrize("channels, kind", [(16, "dci_vton_warp"), (3, "pf_afn_warp"), (45, "pf_afn_warp")])
def test_a_warping_file_is_known_by_what_it_sees_of_a_person(dci_keys, channels, kind):
    shapes = {key: tuple(shape) for key, shape in dci_keys["warp_test"].items()}
    shapes[checkpoint.PERSON_INPUT] = (64, channels, 3, 3)
    assert recognise(shapes, KINDS).name == kind


def test_likeness_is_looked_for_within_three_pixels_row_by_row():
    first, second = torch.randn(1, 2, 4, 5), torch.randn(1, 2, 4, 5)
    likeness = correlation(first, second)
    assert likeness.shape == (1, 49, 4, 5)
    for row, column, place in ((-3, -1, (3, 2)), (0, 0, (1, 1)), (1, 3, (0, 1)), (2, 0, (3, 0))):
        there = (place[0] + row, place[1] + column)
        inside = 0 <= there[0] < 4 and 0 <= there[1] < 5
        wanted = (first[0, :, *place] * second[0, :, *there]).mean() if inside else 0.0
        assert_allclose(likeness[0, (row + 3) * 7 + column + 3, *place], wanted, atol=1e-6)


def test_grids_reach_from_first_pixel_to_last_and_shift_by_pixels():
    grid = shifted_grid(torch.zeros(1, 2, 3, 5))
    assert grid[0, 0, 0].tolist() == [-1, -0.5, 0, 0.5, 1] and grid[0, 1, :, 0].tolist() == [-1, 0, 1]
    assert torch.equal(shifted_grid(torch.ones(1, 2, 3, 5))[0, 0, :, :-1], grid[0, 0, :, 1:])


def test_beyond_its_edge_a_garment_goes_on_and_its_mask_ends():
    far = torch.full((1, 2, 2, 2), 3.0)
    warped = warp(far, torch.full((1, 3, 4, 4), 0.5), torch.ones(1, 1, 4, 4), (6, 3))
    assert warped.cloth.shape == (1, 3, 6, 3) and warped.cloth.min() == 0.5 and warped.mask.max() == 0


@pytest.mark.parametrize("size", [(256, 192), (512, 384), (1024, 768), (640, 512)])
def test_a_flow_serves_every_output_size(size):
    """Half as large a picture of the same warp is the same picture, seen from farther away."""
    torch.manual_seed(0)
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 48), indexing="ij")
    picture = torch.stack([rows, columns, rows * columns])[None]
    grid = 0.8 * shifted_grid(torch.zeros(1, 2, *SIZE))
    warped = warp(grid, picture, torch.ones(1, 1, 64, 48), size)
    assert warped.cloth.shape == (1, 3, *size) and warped.grid.shape == (1, 2, *size)
    assert_allclose(warped.cloth.mean((2, 3)).numpy(), sample(picture, enlarged(grid, SIZE)).mean((2, 3)).numpy(), atol=5e-3)


def test_pairs_share_their_persons_and_garments_pyramids():
    torch.manual_seed(0)
    warper = Warper(channels=(4, 4, 4, 4, 4), width=8).eval()
    cloths, densepose, groups = torch.rand(2, 3, 64, 48), torch.rand(1, 3, 64, 48), torch.rand(1, 13, 64, 48)
    garments, person = warper.encode_garment(cloths), warper.encode_person(groups, densepose)
    together = warper(garments, [level.expand(2, -1, -1, -1) for level in person])
    alone = warper([level[1:] for level in garments], person)
    assert together.shape == (2, 2, *SIZE)
    assert_allclose(together[1:].numpy(), alone.numpy(), atol=1e-5)


def test_names_of_the_published_file_come_back(dci_keys):
    for key in dci_keys["warp_test"]:
        assert checkpoint.official_name(checkpoint.our_name(key)) == key
