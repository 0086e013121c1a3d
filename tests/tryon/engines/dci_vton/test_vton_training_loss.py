"""Parity: the diffusion network's training losses against those recorded from the published class with the same weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tryon.engines.dci_vton.conditions import DiffusionInputs
from tryon.engines.dci_vton.network import DciVton
from tryon.engines.dci_vton.sampling import keep_masks
from tryon.engines.dci_vton.training.config import VtonTraining
from tryon.engines.dci_vton.training.vton_loss import VtonLatents, clean_latents, vton_losses
from tryon.networks.latent_mask import latent_mask
from tryon.networks.savings.switches import TRAINING
from tryon.networks.vae import encode_pictures
from tryon.samplers.schedule import add_noise_each
from tryon.training.judges.vgg import SECOND_OF_LEVEL, VggDistance, build_distance, names_up_to, open_vgg

LOSS = 1e-4
"""Relative."""
SIDE = 128


@pytest.fixture(scope="module")
def draw(diffusion_records, dci_weights):
    salt = json.loads(str(diffusion_records["config_json"]))["salt"]

    def drawn(name: str, shape: tuple[int, ...] = (2, 4, 16, 16)) -> torch.Tensor:
        return torch.from_numpy(dci_weights.normals(salt, f"input/{name}", shape).astype(np.float32))

    return drawn


@pytest.fixture(scope="module")
def judge(diffusion_file) -> VggDistance:
    weights, caffe = open_vgg(diffusion_file)
    assert caffe
    return build_distance(weights, SECOND_OF_LEVEL, caffe=caffe)


@pytest.fixture
def network(diffusion_with):
    made: DciVton = diffusion_with(TRAINING)
    trained = {name: each for name, each in made.named_parameters() if name.startswith(("unet.", "mapper."))}
    for each in trained.values():
        each.requires_grad_(True)
    yield made
    made.zero_grad(set_to_none=True)
    made.requires_grad_(False)


@pytest.fixture
def latents(network, draw, diffusion_records) -> VtonLatents:
    photo, inpaint, warped = (torch.tanh(draw(f"e2e_{n}", (2, 3, SIDE, SIDE))) for n in ("GT", "inpaint_image", "warp_feat"))
    repaint = np.ones((SIDE, SIDE), bool)
    repaint[: SIDE // 4] = repaint[:, : SIDE // 5] = repaint[SIDE // 2 + 4 : SIDE // 2 + 6, SIDE // 2 :] = False
    keep = latent_mask(keep_masks([DiffusionInputs(photo[0].numpy(), photo[0].numpy(), photo[0].numpy(), repaint)] * 2))
    with torch.no_grad():
        posteriors = [encode_pictures(network.vae, each) for each in (photo, inpaint, warped)]
        image, shown, start = (
            each.sample(draw(f"train_post_{name}")) for each, name in zip(posteriors, ("gt", "inpaint", "warp"), strict=True)
        )
        pooled = network.image_encoder(draw("ref_imgs", (2, 3, 224, 224))).pooler_output
    return VtonLatents(
        photo=photo,
        image=image,
        warped=start,
        shown=torch.cat([shown, keep], dim=1),
        pooled=pooled,
        noise=draw("train_noise_gt"),
        warped_noise=draw("train_noise_warp"),
        timesteps=torch.from_numpy(diffusion_records["train_t"]),
        dropped=torch.zeros(2, dtype=torch.bool),
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", ["cond", "drop"])
def test_every_part_of_the_loss_equals_the_recorded_one(network, latents, judge, diffusion_records, case):
    from dataclasses import replace

    given = replace(latents, dropped=torch.full((2,), case == "drop"))
    with torch.no_grad():
        parts = vton_losses(network, given, VtonTraining(), judge)
    named = {"noise": "val_loss_simple", "image": "train_loss_l1", "vgg": "train_loss_vgg"}
    for ours, theirs in named.items():
        assert float(parts[ours]) == pytest.approx(float(diffusion_records[f"train_{case}_{theirs}"]), rel=LOSS), ours
    assert float(sum(parts.values())) == pytest.approx(float(diffusion_records[f"train_{case}_total"]), rel=LOSS)


@pytest.mark.slow
def test_gradients_come_through_the_decoder_and_recomputing_changes_none(network, latents):
    found = []
    for recompute in (False, True):
        with torch.enable_grad():
            parts = vton_losses(network, latents, VtonTraining(), None, recompute=recompute)
            parts["image"].backward()
        grads = {name: each.grad.clone() for name, each in network.named_parameters() if each.grad is not None}
        network.zero_grad(set_to_none=True)
        found.append(grads)
    assert found[0]["unet.conv_out.weight"].abs().sum() > 0 and found[0]["mapper.projection.weight"].abs().sum() > 0
    assert not any(name.startswith(("vae.", "image_encoder.")) for name in found[0])
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_clean_latents_undo_the_noise():
    latents, noise = torch.rand(3, 4, 2, 2), torch.randn(3, 4, 2, 2)
    timesteps = torch.tensor([0, 500, 999])
    assert torch.allclose(clean_latents(add_noise_each(latents, noise, timesteps), noise, timesteps), latents, atol=1e-4)


def test_vgg_sees_levels_or_the_picture_as_its_file_wants():
    caffe, plain = (VggDistance(("1_1",), caffe=each) for each in (True, False))
    grey = torch.zeros(1, 3, 2, 2)
    assert torch.equal(plain._shown(grey), grey)
    assert caffe._shown(grey)[0, :, 0, 0].tolist() == pytest.approx(
        [(0.5 - mean) * 255 for mean in (0.40760392, 0.45795686, 0.48501961)]
    )
    assert len(names_up_to("5_4")) == 16 and names_up_to("2_1") == ["1_1", "1_2", "2_1"]
