"""A residual branch adds what diffusers' own ControlNet pipeline would add, and begins as nothing."""

from __future__ import annotations

import pytest
import torch

from tryon.networks.residual_branch import begin_as_copy, branch_residuals, branch_shifts, guide_of, residual_branch
from tryon.networks.sd1_unet import predict_noise, sd1_unet, time_shifts
from tryon.networks.unet_layers import Context, unet_stages


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(1)
    return sd1_unet(8, (32, 32, 32, 32), 2, 16, groups=16).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def branch(unet):
    torch.manual_seed(2)
    return residual_branch(unet).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def given():
    torch.manual_seed(3)
    return {"x": torch.randn(2, 8, 8, 16), "context": torch.randn(2, 3, 16), "drawing": torch.rand(2, 3, 64, 128)}


T = torch.tensor([321, 45])


def plain(unet, context):
    return [None if stage.transformer is None else Context(context) for stage in unet_stages(unet)]


def test_it_answers_as_the_library_s_own_network_and_so_does_the_unet_beside_it(unet, branch, given):
    torch.manual_seed(4)
    for part in (branch.controlnet_cond_embedding.conv_out, branch.controlnet_mid_block, branch.controlnet_down_blocks):
        for each in part.parameters():
            each.normal_(std=0.2)
    guide = guide_of(branch, given["drawing"], given["context"])
    ours = branch_residuals(branch, given["x"], branch_shifts(branch, T), guide)
    skips, middle = branch(given["x"], T, given["context"], given["drawing"], return_dict=False)
    assert len(skips) == len(ours.skips) == 12
    for own, theirs in zip([*ours.skips, ours.middle], [*skips, middle], strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-5)
    told = predict_noise(unet, given["x"], time_shifts(unet, T), plain(unet, given["context"]), residuals=ours)
    added = {"down_block_additional_residuals": skips, "mid_block_additional_residual": middle}
    theirs = unet(given["x"], T, given["context"], **added).sample
    torch.testing.assert_close(told, theirs, rtol=1e-4, atol=1e-5)
    alone = predict_noise(unet, given["x"], time_shifts(unet, T), plain(unet, given["context"]))
    assert (told - alone).abs().max() > 0.01


def test_it_begins_as_a_copy_that_adds_nothing_and_can_learn(unet, given):
    with torch.device("meta"):
        empty = residual_branch(unet)
    branch = empty.to_empty(device="cpu")
    begin_as_copy(branch, unet.state_dict())
    assert torch.equal(branch.mid_block.resnets[0].conv1.weight, unet.mid_block.resnets[0].conv1.weight)
    with torch.enable_grad():
        guide = guide_of(branch, given["drawing"], given["context"])
        added = branch_residuals(branch, given["x"], branch_shifts(branch, T), guide, recompute=True)
        assert not any(each.any() for each in [*added.skips, added.middle])
        torch.stack([each.sum() for each in [*added.skips, added.middle]]).sum().backward()
    assert branch.controlnet_mid_block.weight.grad.any() and branch.controlnet_down_blocks[11].weight.grad.any()
