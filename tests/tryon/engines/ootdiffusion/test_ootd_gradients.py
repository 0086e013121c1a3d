"""The network that dresses is the network that is trained: recorded loss, gradients and first step of the joint training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.networks.savings.switches import ALL
from tryon.samplers.schedule import add_noise_each

TRAINED = replace(ALL, prepack_weights=False, fold_upsampling=False)
"""Weights that change cannot lie packed or folded; everything else stays as it is when dressing."""
PARTS = {"unet_garm": "garm", "unet_vton": "vton"}


@pytest.fixture(scope="module")
def trained(records, architecture) -> OotDiffusion:
    network: OotDiffusion = records.network(architecture, TRAINED)
    for part in PARTS:
        getattr(network, part).requires_grad_(True)
    return network


def predicted(network: OotDiffusion, records, *, dropped: bool = False, recompute: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Noisy latents, noise and the network's answer; `dropped` hides the second garment, as guidance needs it."""
    height, width = records.meta["latent_hw"]
    shape = (2, 4, height, width)
    garment, person, noise = (
        records.data("garm_latents", *shape) * 4,
        records.data("vton_latents", *shape) * 4,
        records.data("noise", *shape),
    )
    if dropped:
        garment = garment * torch.tensor([1.0, 0.0]).view(2, 1, 1, 1)
    context = records.data("prompt_embeds", 2, records.meta["network_prompt_len"], records.meta["unet"]["cross_attention_dim"])
    noisy = add_noise_each(records.data("x0", *shape), noise, records("t"))
    seen = network.contexts(context, network.garment_tokens(garment, context, recompute=recompute))
    return noisy, noise, network.noise(noisy, person, network.time_shifts(records("t")), seen, recompute=recompute)


def loss_of(network: OotDiffusion, records, **how: bool) -> Tensor:
    _, noise, answer = predicted(network, records, **how)
    return (answer - noise).square().mean()


def test_noisy_latents_answer_and_loss_are_the_recorded_ones(trained, records):
    noisy, noise, answer = predicted(trained, records)
    torch.testing.assert_close(noisy, records("train_noisy"), atol=1e-5, rtol=0)
    torch.testing.assert_close(answer, records("train_pred"), atol=2e-5, rtol=0)
    assert float((answer - noise).square().mean()) == pytest.approx(float(records.arrays["train_loss"]), rel=1e-5)


def test_a_hidden_garment_is_a_zero_latent_and_not_zero_tokens(trained, records):
    wanted = float(records.arrays["train_loss_second_dropped"])
    assert float(loss_of(trained, records, dropped=True)) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("recompute", [False, True])
@torch.enable_grad()
def test_gradients_of_both_unets_and_the_first_step_are_the_recorded_ones(trained, records, recompute: bool):
    trained.zero_grad()
    loss_of(trained, records, recompute=recompute).backward()
    norms = dict(zip(records.arrays["grad_names"].tolist(), records.arrays["grad_norms"].tolist(), strict=True))
    named = {name: each for name, each in trained.named_parameters() if name.split(".")[0] in PARTS}
    found = {name: float(each.grad.double().norm()) for name, each in named.items() if each.grad is not None}
    assert found.keys() == {
        name for name, norm in norms.items() if name not in set(records.arrays["params_without_grad"].tolist())
    }
    small = 1e-4 * max(norms.values())
    assert all(abs(found[name] - norms[name]) <= 1e-3 * max(norms[name], small) for name in found)
    for part, short in PARTS.items():
        wanted = records(f"grad_{short}_conv_in")
        grad = getattr(trained, part).conv_in.weight.grad
        torch.testing.assert_close(grad, wanted, atol=1e-4 * float(wanted.abs().max()), rtol=0)


@pytest.mark.slow
@torch.enable_grad()
def test_one_step_of_adamw_moves_both_first_convolutions_as_recorded(records, architecture):
    network = records.network(architecture, TRAINED)
    parts = [getattr(network, part).requires_grad_(True) for part in PARTS]
    optimiser = torch.optim.AdamW([each for part in parts for each in part.parameters()], lr=5e-5, weight_decay=1e-2)
    loss_of(network, records).backward()
    optimiser.step()
    for part, short in PARTS.items():
        moved, wanted = getattr(network, part).conv_in.weight.detach(), records.arrays[f"adamw1_{short}_conv_in"]
        assert np.abs(moved.numpy() - wanted).max() <= 1e-6
