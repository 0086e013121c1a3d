"""The loss of attention against the recorded training of Leffa: its own networks, our loss."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from recorded_networks import Records
from torch import Tensor

from tryon.engines.ootdiffusion.training.flow_loss import FlowLooks, flow_loss, moved_distance
from tryon.networks.reference_attention import (
    Look,
    Taken,
    looking_through,
    pass_through,
    reference_keys_values,
    reference_tokens,
)
from tryon.networks.sd1 import LATENT_SCALE
from tryon.networks.sd1_unet import predict_noise, sd1_unet, time_shifts
from tryon.networks.unet_layers import Context, unet_stages
from tryon.networks.vae import build_vae, encode_pictures


@pytest.fixture(scope="module")
def leffa(fixtures_root: Path) -> Records:
    return Records(fixtures_root / "engines", "leffa_train.npz", "leffa.")


def unet_of(leffa: Records, name: str, inputs: int) -> Any:
    """Nothing swapped: every layer has gradients."""
    widths = leffa.meta["unet"]
    sizes = (widths["block_out_channels"], widths["attention_head_dim"], widths["cross_attention_dim"])
    made = sd1_unet(inputs, *sizes, groups=widths["norm_num_groups"])
    leffa.make.fill_module(made, f"leffa.{name}.", leffa.salt)
    return made.eval()


def picture(leffa: Records, name: str) -> Tensor:
    shown = [leffa.make.image_for(f"{name}{row}", *leffa.meta["size"], leffa.salt) for row in range(2)]
    return torch.stack([torch.from_numpy(each).permute(2, 0, 1) for each in shown]).float() / 127.5 - 1


def worn(height: int, width: int) -> Tensor:
    area = torch.zeros(2, 1, height, width)
    area[0, :, height // 3 : 2 * height // 3, width // 4 : 3 * width // 4] = 1
    area[1, :, height // 4 : height // 2, width // 3 : 4 * width // 5] = 1
    return area


@pytest.fixture(scope="module")
def run(leffa: Records) -> SimpleNamespace:
    """One forward pass as recorded, with gradients."""
    widths, finest = leffa.meta["vae"], leffa.meta["vae"]["block_out_channels"][0]
    multipliers = tuple(each // finest for each in widths["block_out_channels"])
    vae = build_vae(finest, widths["layers_per_block"], widths["norm_num_groups"], multipliers)
    leffa.make.fill_module(vae, "leffa.vae.", leffa.salt)
    garment, photo, t = picture(leffa, "train_garment"), picture(leffa, "train_image"), torch.tensor(leffa.meta["timesteps"])
    with torch.no_grad():
        posterior = encode_pictures(vae.eval(), garment)
    latent = LATENT_SCALE * (posterior.mean + posterior.deviation * leffa.recorded("leffa/noise3"))
    giver, reader = unet_of(leffa, "unet_encoder", 4), unet_of(leffa, "unet", 12)
    seen = [None if stage.transformer is None else Context(across=pass_through) for stage in unet_stages(giver)]
    with torch.enable_grad():
        tokens = reference_tokens(giver, latent, time_shifts(giver, t), seen, Taken.AFTER_NORM)
        looks = [Look(each) for each in reference_keys_values(reader, tokens, Taken.AFTER_NORM)]
        flows = FlowLooks(grid=(latent.shape[2], latent.shape[3]))
        watched = flows.watching(looking_through(seen, looks))
        eps = predict_noise(reader, leffa.recorded("leffa/model_input"), time_shifts(reader, t), watched)
        area = worn(*leffa.meta["size"])
        loss = flow_loss(flows.maps, garment, photo, area, t)
    return SimpleNamespace(giver=giver, reader=reader, flows=flows, eps=eps, loss=loss, garment=garment, photo=photo, area=area)


def test_networks_flows_and_losses_are_the_recorded_ones(leffa: Records, run: SimpleNamespace):
    torch.testing.assert_close(run.eps, leffa.recorded("leffa/eps"), rtol=0, atol=2e-5)
    assert len(run.flows.maps) == 15
    layers = [run.flows.maps[place] for place in sorted(run.flows.maps)]
    for number in (0, 7, 14):
        torch.testing.assert_close(layers[number], leffa.recorded(f"leffa/flow_coarse_layer{number:02d}"), rtol=0, atol=1e-5)
    each = torch.stack([moved_distance(flow, run.garment, run.photo, run.area) for flow in layers])
    torch.testing.assert_close(each, leffa.recorded("leffa/attn_loss_per_layer").float(), rtol=0, atol=1e-7)
    assert float(run.loss) == pytest.approx(float(leffa.arrays["leffa/attn_loss"]), abs=1e-6)
    noise = float((run.eps - leffa.recorded("leffa/noise2")).square().mean())
    assert noise == pytest.approx(float(leffa.arrays["leffa/eps_loss"]), abs=1e-6)
    assert noise + leffa.meta["weight"] * float(run.loss) == pytest.approx(float(leffa.arrays["leffa/loss"]), abs=1e-6)


def test_gradients_of_the_loss_of_attention_alone_are_the_recorded_ones(leffa: Records, run: SimpleNamespace):
    parts = {"unet_encoder": run.giver, "unet": run.reader}
    named = {f"{part}.{name}": each for part, unet in parts.items() for name, each in unet.named_parameters()}
    with torch.enable_grad():
        found = torch.autograd.grad(run.loss, list(named.values()), allow_unused=True, retain_graph=True)
    ours = {name: -1.0 if each is None else float(each.norm()) for name, each in zip(named, found, strict=True)}
    names, norms = leffa.arrays["leffa/grad_names"].tolist(), leffa.arrays["leffa/grad_norm_attention_loss_only"]
    assert sorted(names) == sorted(ours)
    for name, norm in zip(names, norms, strict=True):
        assert ours[name] == pytest.approx(norm, rel=1e-3, abs=1e-6 * norms.max()), name
