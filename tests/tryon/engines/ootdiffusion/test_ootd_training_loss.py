"""Parity and sense of the training's losses: the recorded one, and those that ablations ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from tryon.engines.ootdiffusion.training.config import OotdTraining
from tryon.engines.ootdiffusion.training.flow_loss import coordinates, flow_loss, moved_distance
from tryon.engines.ootdiffusion.training.loss import OotdLatents, min_snr_weights, ootd_losses, weighted
from tryon.networks.savings.switches import TRAINING


@pytest.fixture(scope="module")
def network(records, architecture):
    return records.network(architecture, TRAINING)


@pytest.fixture
def latents(records) -> OotdLatents:
    height, width = records.meta["latent_hw"]
    shape = (2, 4, height, width)
    length = records.meta["network_prompt_len"], records.meta["unet"]["cross_attention_dim"]
    context = records.data("prompt_embeds", 2, *length)
    picture = torch.linspace(-1, 1, 2 * 3 * 64 * height * width).view(2, 3, 8 * height, 8 * width)
    return OotdLatents(
        image=records.data("x0", *shape),
        person=records.data("vton_latents", *shape) * 4,
        garment=records.data("garm_latents", *shape) * 4,
        context=context,
        garment_context=context,
        noise=records.data("noise", *shape),
        timesteps=records("t"),
        dropped=torch.zeros(2, dtype=torch.bool),
        repaint=torch.ones(2, 1, height, width),
        picture=picture,
        photo=picture.flip(0),
    )


def test_the_loss_is_the_recorded_one_with_and_without_the_second_garment(network, latents, records):
    for name, dropped in (("train_loss", False), ("train_loss_second_dropped", True)):
        given = replace(latents, dropped=torch.tensor([False, dropped]))
        assert float(ootd_losses(network, given, OotdTraining())["noise"]) == pytest.approx(float(records.arrays[name]), rel=1e-5)


def test_a_masked_loss_counts_the_hole_alone_or_the_rest_as_little_as_asked(latents):
    squared = torch.rand(2, 4, *latents.image.shape[2:])
    area = torch.zeros_like(latents.repaint)
    area[..., :2] = 1
    given = replace(latents, repaint=area)
    hole = squared[..., :2].mean()
    assert torch.allclose(weighted(squared, given, OotdTraining(loss="masked")), hole)
    assert torch.allclose(weighted(squared, given, OotdTraining(loss="masked", outside=1)), squared.mean())
    assert torch.allclose(weighted(squared, given, OotdTraining()), squared.mean())


def test_min_snr_weighs_early_timesteps_less_and_late_ones_whole():
    weights = min_snr_weights(torch.tensor([0, 100, 300, 999]))
    assert weights[0] < weights[1] < 1 and weights[2:].tolist() == [1, 1]
    from tryon.samplers.schedule import alphas_cumprod

    left = float(alphas_cumprod()[100])
    assert float(weights[1]) == pytest.approx(5 / (left / (1 - left)), rel=1e-5)


def test_a_garment_that_lies_where_it_is_looked_at_costs_nothing():
    garment = F.interpolate(torch.rand(1, 3, 8, 6), scale_factor=8, mode="bilinear", align_corners=True)
    straight = coordinates((64, 48)).view(1, 64, 48, 2).permute(0, 3, 1, 2)
    everywhere = torch.ones(1, 1, 64, 48)
    near, far = moved_distance(straight, garment, garment, everywhere), moved_distance(straight, garment, -garment, everywhere)
    assert float(near) < 0.02 * float(far)
    area = torch.ones(1, 1, 8, 6)
    assert float(flow_loss({0: straight}, garment, -garment, area, torch.tensor([500]))) == 0
    assert float(flow_loss({0: straight}, garment, -garment, area, torch.tensor([499]))) > 0


@torch.enable_grad()
def test_the_loss_of_attention_moves_queries_and_keys_and_no_values(records, architecture, latents):
    network = records.network(architecture, TRAINING)
    network.unet_vton.requires_grad_(True)
    given = replace(latents, timesteps=torch.tensor([10, 20]))
    for recompute in (False, True):
        network.zero_grad()
        ootd_losses(network, given, OotdTraining(flow=0.001), recompute=recompute)["flow"].backward()
        last = network.unet_vton.up_blocks[3].attentions[2].transformer_blocks[0].attn1
        assert last.to_q.weight.grad.abs().sum() > 0 and last.to_k.weight.grad.abs().sum() > 0
        assert last.to_v.weight.grad is None or not last.to_v.weight.grad.any()
