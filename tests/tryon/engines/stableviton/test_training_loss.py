"""Parity: losses and gradients against those recorded from the official modules with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tryon.engines.stableviton import keys
from tryon.engines.stableviton.training.attention_loss import (
    attention_variation,
    centres,
    garment_cells,
    looked_at,
    warp_grids,
)
from tryon.engines.stableviton.training.groups import TrainedParts, trained_groups
from tryon.engines.stableviton.training.loss import LatentBatch, LossOptions, predict_noise, training_loss
from tryon.networks.savings.switches import TRAINING

LOSS, GRADIENT = 1e-5, 1e-3  # relative


@pytest.fixture
def trainable(build):
    network = build(TRAINING)
    network.requires_grad_(True)
    yield network
    network.zero_grad(set_to_none=True)
    network.requires_grad_(False)


@pytest.fixture(scope="session")
def attention_records(viton_fixtures):
    return np.load(viton_fixtures / "public" / "atv.npz")


def plain_batch(recorded, network, dropped: bool) -> LatentBatch:
    return LatentBatch(
        image=recorded("cond/z_image"),
        conditions=recorded("cond/first_stage_cond"),
        garment=recorded("cond/hint_latent"),
        features=network.mapper.features(recorded("cond/clip_pooled")),
        noise=recorded("train/noise"),
        timesteps=recorded("train/t"),
        dropped=dropped,
    )


def attention_batch(records) -> LatentBatch:
    worn = torch.from_numpy(records["in/gt_cloth_warped_mask_u8"]).permute(0, 3, 1, 2) / 255
    named = {"image": "z", "conditions": "first_stage_cond", "garment": "hint_latent", "features": "clip_vec", "noise": "noise"}
    tensors = {ours: torch.from_numpy(records[f"in/{theirs}"]) for ours, theirs in named.items()}
    return LatentBatch(**tensors, timesteps=torch.from_numpy(records["in/t"]), worn=worn)


def gradient_norms(network, names) -> list[float]:
    """-1 where there is no gradient at all."""
    parameters, norms = dict(network.named_parameters()), []
    for name in names:
        parameter = parameters.get(keys.our_name(str(name)))  # the control tail is not even built
        norms.append(-1.0 if parameter is None or parameter.grad is None else float(parameter.grad.norm()))
    return norms


def assert_norms(ours, theirs) -> None:
    theirs = [float(norm) for norm in theirs]
    assert [norm == -1 for norm in ours] == [norm == -1 for norm in theirs]
    assert ours == pytest.approx(theirs, rel=GRADIENT, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("dropped", [False, True])
def test_loss_and_gradients_are_the_recorded_ones(trainable, recorded, dropped):
    with torch.enable_grad():
        losses = training_loss(trainable, plain_batch(recorded, trainable, dropped), LossOptions())
        losses.total.backward()
    name = "dropped" if dropped else "cond"
    assert float(losses.total) == pytest.approx(float(recorded.array(f"train/loss_{name}")), rel=LOSS)
    names = recorded.array("train/grad_keys")
    assert_norms(gradient_norms(trainable, names), recorded.array(f"train/grad_norms_{name}"))


@pytest.mark.slow
def test_recomputing_maps_changes_no_gradient(trainable, recorded):
    found = []
    for recompute in (False, True):
        with torch.enable_grad():
            training_loss(trainable, plain_batch(recorded, trainable, False), LossOptions(recompute=recompute)).total.backward()
        found.append({name: p.grad.clone() for name, p in trainable.named_parameters() if p.grad is not None})
        trainable.zero_grad(set_to_none=True)
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


@pytest.mark.slow
def test_the_attention_loss_and_its_gradients_are_the_recorded_ones(trainable, attention_records):
    batch = attention_batch(attention_records)
    names, alone = attention_records["atv/grad_keys"], attention_records["atv/grad_norms_attn_only"]
    with torch.enable_grad():
        losses = training_loss(trainable, batch, LossOptions(attention=True))
        losses.parts["attention"].backward(retain_graph=True)
        assert gradient_norms(trainable, names)[:4] == pytest.approx(list(alone)[:4], rel=GRADIENT)
        losses.parts["noise"].backward()
    assert float(losses.total) == pytest.approx(float(attention_records["atv/total_loss"]), rel=LOSS)
    assert float(losses.parts["noise"]) == pytest.approx(float(attention_records["atv/mse_part"]), rel=LOSS)
    assert float(losses.parts["attention"]) == pytest.approx(float(attention_records["atv/weighted_attn_loss"]), rel=LOSS)
    assert_norms(gradient_norms(trainable, names), attention_records["atv/grad_norms"])


@pytest.mark.slow
def test_attention_centres_and_the_garments_cells_are_the_recorded_ones(trainable, attention_records):
    batch, maps = attention_batch(attention_records), []
    predict_noise(trainable, batch, LossOptions(), {4: maps.append})
    ours = centres(maps[0], (32, 24))
    assert torch.allclose(ours, torch.from_numpy(attention_records["atv/centers"]), rtol=1e-4, atol=1e-4)
    inside = torch.from_numpy(attention_records["atv/mask_true_inside"])
    assert torch.equal(garment_cells(batch.worn, (32, 24)), inside)


def test_one_block_takes_part_at_each_published_size():
    assert looked_at(warp_grids((64, 48))) == (4,)
    assert looked_at(warp_grids((128, 96))) == (1,)


def test_without_a_worn_garment_the_attention_loss_is_zero_and_has_gradients():
    attention = torch.rand(2, 2, 768, 768, requires_grad=True)
    with torch.enable_grad():
        lost = attention_variation(attention, torch.zeros(2, 1, 512, 384), (32, 24))
        lost.backward()
    assert float(lost) == 0 and torch.isfinite(attention.grad).all()


def test_a_worn_garment_of_one_cell_has_no_neighbours_and_costs_nothing():
    worn = torch.zeros(1, 1, 512, 384)
    worn[..., 160:176, 160:176] = 1
    assert int(garment_cells(worn, (32, 24)).sum()) == 1
    assert float(attention_variation(torch.rand(1, 1, 768, 768), worn, (32, 24))) == 0


def test_attention_that_moves_with_the_query_varies_by_one_cell():
    attention = torch.eye(768)[None, None]
    assert float(attention_variation(attention, torch.ones(1, 1, 512, 384), (32, 24))) == pytest.approx(2)


def test_the_published_groups_hold_the_values_of_the_published_optimiser(key_list):
    from tryon.engines.stableviton.architecture import FULL
    from tryon.engines.stableviton.checkpoint import empty_network

    groups = trained_groups(empty_network(FULL, TRAINING), TrainedParts())
    sizes = {name: sum(p.numel() for p in group.values()) for name, group in groups.items()}
    assert sizes == {"spatial encoder": 174_688_640, "warp blocks": 171_783_680, "zero convolutions": 7_994_880, "token": 787_968}
    assert sum(len(group) for group in groups.values()) == 487


@pytest.mark.slow
def test_every_listed_parameter_gets_a_gradient(trainable, recorded):
    groups = trained_groups(trainable, TrainedParts())
    with torch.enable_grad():
        for dropped in (False, True):
            training_loss(trainable, plain_batch(recorded, trainable, dropped), LossOptions()).total.backward()
    assert [name for group in groups.values() for name, p in group.items() if p.grad is None] == []


@pytest.mark.slow
def test_the_first_step_of_the_optimiser_moves_weights_by_the_sign_of_their_gradient(trainable, recorded):
    """AdamW (Loshchilov & Hutter 2019): the first step is lr · (g / (|g| + eps) + decay · w)."""
    from tryon.training.optimiser import OptimiserConfig, build_optimiser

    name = "warp.4.zero_conv.weight"
    weight = dict(trainable.named_parameters())[name]
    before = weight.detach().clone()
    optimiser = build_optimiser({"only": {name: weight}}, OptimiserConfig())
    with torch.enable_grad():
        training_loss(trainable, plain_batch(recorded, trainable, False), LossOptions()).total.backward()
    gradient = weight.grad.clone()
    optimiser.step()
    expected = before * (1 - 1e-4 * 0.01) - 1e-4 * gradient / (gradient.abs() + 1e-8)
    moved, weight.data = weight.detach().clone(), before
    assert torch.allclose(moved, expected, rtol=0, atol=2e-8)
