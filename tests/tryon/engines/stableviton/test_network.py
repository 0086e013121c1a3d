"""Parity: the network against tensors recorded from the official modules, same weights (fixtures README: noise floor 3e-6)."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tryon.engines.stableviton import conditions
from tryon.engines.stableviton.architecture import FULL
from tryon.engines.stableviton.keys import CONTROL_TAIL, QUERIES, drop_reason, our_name
from tryon.engines.stableviton.network import StableViton, stack_conditions
from tryon.networks import clip
from tryon.networks import vae as latents
from tryon.networks.compvis_names import our_tensor, with_values
from tryon.networks.latent_mask import latent_mask
from tryon.networks.savings.switches import ALL, OFFICIAL

pytestmark = pytest.mark.slow

RELATIVE = 1e-4


def assert_close(ours: torch.Tensor, theirs: torch.Tensor, relative: float = RELATIVE) -> None:
    assert ours.shape == theirs.shape
    difference = (ours.float() - theirs.float()).abs().max()
    assert difference <= relative * theirs.float().abs().max(), f"max difference {difference:.2e}"


def pictures(recorded, name: str) -> torch.Tensor:
    return torch.cat([conditions.picture_tensor(picture) for picture in recorded.array(f"in/{name}_u8")])


def condition_stack(recorded) -> torch.Tensor:
    agnostic, mask, densepose = recorded("cond/first_stage_cond").split([4, 1, 4], dim=1)
    return stack_conditions(recorded("eps/x_t"), agnostic, mask, densepose)


def predict(net, recorded, timesteps, token, probes=None):
    shifts, contexts = net.time_shifts(timesteps), net.contexts(token)
    stack = condition_stack(recorded)
    features = net.garment_features(stack, recorded("cond/hint_latent"), shifts, contexts)
    return net.noise(stack, features, shifts, contexts, probes), features


def test_generated_weights_are_the_recorded_ones(official_state, viton_fixtures):
    checksums = json.loads((viton_fixtures / "config.json").read_text())["weight_checksums"]["public"]
    for key, entry in checksums.items():
        assert list(official_state[key].shape) == entry["shape"]
        assert hashlib.sha256(official_state[key].numpy().tobytes()).hexdigest() == entry["sha256_of_float32_le_bytes"]


@pytest.mark.parametrize(
    "ours, theirs", [("image", "image"), ("agn", "agn"), ("densepose", "image_densepose"), ("cloth", "cloth")]
)
def test_pictures_encode_to_the_recorded_posterior(network, recorded, ours, theirs):
    posterior = latents.encode_pictures(network.vae, pictures(recorded, ours))
    assert_close(posterior.mean, recorded(f"vae/mean_{theirs}"))
    assert_close(2 * posterior.deviation.log(), recorded(f"vae/logvar_{theirs}"))


def test_latents_decode_to_the_recorded_picture(network, recorded):
    assert_close(latents.decode_latents(network.vae, recorded("vae/decode_in_scaled")), recorded("vae/decode_out"))


def test_the_garment_becomes_the_recorded_token(network, recorded):
    square = clip.clip_input(pictures(recorded, "cloth"))
    pooled = network.image_encoder(square).pooler_output
    assert_close(square[:, :, ::7, ::7], recorded("cond/clip_input_sub7"))
    assert_close(pooled, recorded("cond/clip_pooled"))
    assert_close(network.mapper.features(pooled), recorded("cond/clip_vec"))
    assert_close(network.garment_token(square), recorded("cond/proj_vec"))
    assert_close(network.mapper.unconditional, recorded("cond/learnable_vector"))


def test_the_mask_shrinks_without_antialias_unless_asked(recorded):
    keep = torch.from_numpy(recorded.array("in/agn_mask_u8")).permute(0, 3, 1, 2) / 255
    assert torch.equal(latent_mask(keep), recorded("cond/first_stage_cond")[:, 4:5])
    assert_close(latent_mask(keep, antialias=True), recorded("cond/mask_latent_antialias_true"))


@pytest.mark.parametrize("timestep", ["981", "501", "1", "mixed"])
@pytest.mark.parametrize("which", ["network", "official_network"])
def test_predicted_noise_is_the_recorded_one(request, recorded, which, timestep):
    net = request.getfixturevalue(which)
    steps = recorded("eps/t_mixed") if timestep == "mixed" else torch.tensor([int(timestep)])
    conditional, _ = predict(net, recorded, steps, recorded("cond/proj_vec"))
    assert_close(conditional, recorded(f"eps/cond_t{timestep}"))
    if timestep != "mixed":
        unconditional, _ = predict(net, recorded, steps, recorded("cond/learnable_vector"))
        assert_close(unconditional, recorded(f"eps/uncond_t{timestep}"))


def test_spatial_encoder_gives_the_recorded_maps(official_network, recorded):
    _, features = predict(official_network, recorded, torch.tensor([501]), recorded("cond/proj_vec"))
    assert len(features) == 13
    for number, feature in enumerate(features):
        assert_close(feature[:1], recorded(f"control/out{number:02d}_t501"))


@pytest.mark.parametrize("block", [0, 4, 8])
def test_zero_cross_attention_blocks_give_the_recorded_maps(network, recorded, block):
    query, tokens = recorded(f"warp/blk{block}_query_in"), recorded(f"warp/blk{block}_kv_tokens")
    garment = tokens.transpose(1, 2).unflatten(2, query.shape[2:])
    assert_close(network.warp[block](query, garment), recorded(f"warp/blk{block}_after_zero_conv_plus_residual"))


def test_attention_maps_are_the_recorded_ones(network, recorded):
    maps = {}
    probes = {1: lambda attention: maps.update({1: attention}), 4: lambda attention: maps.update({4: attention})}
    predict(network, recorded, torch.tensor([501]), recorded("cond/proj_vec"), probes)
    for block in (1, 4):
        assert_close(maps[block][0].mean(0), recorded(f"warp/attn{block}_sample0_head_mean"))
        assert_close(maps[block][0, 0], recorded(f"warp/attn{block}_sample0_head0"))


INSIDE = ["skip_control_tail", "fold_single_token", "fused_attention", "channels_last", "prepack_weights", "fold_upsampling"]


@pytest.mark.parametrize("saving", INSIDE)
def test_each_saving_inside_the_network_is_exact(build, network, recorded, saving):
    steps, token = torch.tensor([501]), recorded("cond/proj_vec")
    with_all, _ = predict(network, recorded, steps, token)
    without_one, _ = predict(build(replace(ALL, **{saving: False})), recorded, steps, token)
    # relative to the largest value, as every other parity figure
    assert_close(with_all, without_one, relative=1e-5)


@pytest.mark.parametrize("saving", ["prepack_weights", "fold_upsampling"])
def test_each_saving_inside_the_autoencoder_is_exact(build, network, recorded, saving):
    latent, plain = recorded("vae/decode_in_scaled"), build(replace(ALL, **{saving: False}))
    assert_close(latents.decode_latents(network.vae, latent), latents.decode_latents(plain.vae, latent), relative=1e-5)


@pytest.mark.parametrize("savings", [ALL, OFFICIAL])
def test_every_published_key_has_its_place_and_shape(key_list, savings):
    with torch.device("meta"):
        ours = {name: tuple(tensor.shape) for name, tensor in StableViton(FULL, savings).state_dict().items()}
    placed = {}
    for key, entry in key_list["full_model"].items():
        if drop_reason(key) is None and not (savings.skip_control_tail and CONTROL_TAIL.match(key)):
            name = our_name(key)
            placed[name] = our_tensor(name, torch.empty(entry["shape"], device="meta"))
    without_a_say = {name for name in with_values(placed) if QUERIES.fullmatch(name) and name not in ours}
    assert {name: tuple(tensor.shape) for name, tensor in with_values(placed).items() if name not in without_a_say} == ours
    left_out = sum(tensor.numel() for tensor in placed.values()) - sum(math.prod(shape) for shape in ours.values())
    assert left_out == (40_246_400 if savings is ALL else 0)


def test_an_unknown_key_has_no_place():
    assert our_name("added_pose.weight") is None
    assert drop_reason("added_pose.weight") is None


def test_tiny_and_full_network_differ_in_widths_only(tiny):
    with torch.device("meta"):
        assert StableViton(tiny).state_dict().keys() <= StableViton(FULL).state_dict().keys()


@pytest.fixture
def benchmarks_importable(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[4])


@pytest.mark.parametrize("size", [(512, 384), (1024, 768)])
def test_the_benchmark_counts_the_operations_of_the_official_network(benchmarks_importable, size):
    from benchmarks.stableviton import GFLOP_OF_THE_ANALYSIS, counted_gflop

    counted = counted_gflop(size, OFFICIAL)
    for part, gflop in GFLOP_OF_THE_ANALYSIS[size].items():
        assert counted[part] == pytest.approx(gflop, rel=1e-3)
    ours = counted_gflop(size, ALL)
    assert ours["control"] < counted["control"] and ours["unet"] < counted["unet"]


def test_the_full_network_runs_in_bf16(benchmarks_importable):
    from benchmarks.generated import generated_network

    net = generated_network(ALL, torch.bfloat16)
    shifts, contexts = net.time_shifts(torch.tensor([501])), net.contexts(torch.zeros(1, 1, 768, dtype=torch.bfloat16))
    stack, garment = torch.randn(1, 13, 64, 48), torch.randn(1, 4, 64, 48)
    noise = net.noise(stack, net.garment_features(stack, garment, shifts, contexts), shifts, contexts)
    assert noise.shape == (1, 4, 64, 48)
    assert torch.isfinite(noise).all()
