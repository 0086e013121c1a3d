"""All exact savings together against none: the two must not differ by more than rounding, at any stage.

One switch alone can hide an error, because several of them bring the same memory layout or kernel.
"""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
import torch

from tryon.engines.stableviton import sampling
from tryon.engines.stableviton.denoiser import Batch
from tryon.engines.stableviton.encoding import PersonPictures, encode_garment, encode_person
from tryon.engines.stableviton.network import stack_conditions
from tryon.engines.stableviton.presets import PosteriorDraw, SamplingConfig, Start
from tryon.networks.clip import clip_input
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.vae import decode_latents, encode_pictures
from tryon.noise import SeededNoise

BOUND = 1e-5
"""Largest difference, as a share of the largest value."""
FLAT_BOUND = 4e-5
"""The same for drawn pictures without detail, whose maps are so flat that even the plain network is 4e-6 from fp64; processors
differ, 2.2e-5 is the most that was seen."""


def difference(ours: torch.Tensor, official: torch.Tensor) -> float:
    return float((ours.double() - official.double()).abs().max() / official.abs().max())


def pictures(recorded) -> dict[str, torch.Tensor]:
    """Recorded and hard ones, (1, 3, h, w) in [-1, 1]: where a map is flat, statistics lose their digits first."""
    ramp = torch.linspace(-1, 1, 384).expand(1, 3, 512, 384)
    recorded_ones = {
        name: torch.from_numpy(recorded.array(f"in/{name}_u8")[:1]).permute(0, 3, 1, 2) / 127.5 - 1
        for name in ("image", "cloth", "densepose", "agn")
    }
    return recorded_ones | {
        "grey": torch.zeros(1, 3, 512, 384),
        "white": torch.ones(1, 3, 512, 384),
        "nearly grey": 0.5 + 1e-3 * ramp,
        "ramp": ramp.clone(),
    }


@pytest.mark.parametrize("name", ["image", "cloth", "densepose", "agn", "grey", "white", "nearly grey", "ramp"])
def test_encodings_do_not_change(network, official_network, recorded, name):
    picture = pictures(recorded)[name]
    bound = BOUND if picture.shape[2] < 512 else FLAT_BOUND
    ours, official = (encode_pictures(net.vae, picture) for net in (network, official_network))
    assert difference(ours.mean, official.mean) <= bound
    assert difference(ours.deviation, official.deviation) <= bound


@pytest.mark.parametrize("name", ["recorded", "flat"])
def test_decoded_pictures_do_not_change(network, official_network, recorded, name):
    latents = recorded("vae/decode_in_scaled") if name == "recorded" else torch.full((1, 4, 64, 48), 0.3)
    ours, official = (decode_latents(net.vae, latents) for net in (network, official_network))
    assert difference(ours, official) <= (BOUND if name == "recorded" else FLAT_BOUND)


def test_the_garments_token_does_not_change(network, official_network, recorded):
    square = clip_input(pictures(recorded)["cloth"])
    ours, official = (net.garment_token(square) for net in (network, official_network))
    assert difference(ours, official) <= BOUND


@pytest.mark.parametrize("timestep", [981, 501, 1])
@pytest.mark.parametrize("token", ["cond/proj_vec", "cond/learnable_vector"])
def test_predicted_noise_does_not_change(network, official_network, recorded, timestep, token):
    def predicted(net):
        stack = stack_conditions(recorded("eps/x_t"), *torch.split(recorded("cond/first_stage_cond"), [4, 1, 4], dim=1))
        shifts = net.time_shifts(torch.tensor([timestep]))
        contexts = net.contexts(recorded(token).expand(2, -1, -1))
        features = net.garment_features(stack, recorded("cond/hint_latent"), shifts, contexts)
        return net.noise(stack, features, shifts, contexts)

    assert difference(predicted(network), predicted(official_network)) <= BOUND


@pytest.mark.slow
@pytest.mark.parametrize("guidance_scale", [1.0, 5.0])
@pytest.mark.parametrize(
    ("solver", "posterior"),
    [
        ("plms", PosteriorDraw.MEAN),
        ("ddim", PosteriorDraw.ONCE),
        ("dpmpp_2m", PosteriorDraw.ONCE),
        ("unipc", PosteriorDraw.MEAN),
    ],
)
def test_whole_samples_do_not_change(network, official_network, recorded, solver, posterior, guidance_scale):
    """By more than the bound, or than rounding the official network's own predictions in the last two bits would change them.

    With guidance 5 this network of random weights multiplies an error by about a thousand in eight steps, so no two programs, nor
    one program on two machines, agree to 1e-5 there.
    """
    config = SamplingConfig(
        solver=solver, steps=8, dtype="fp32", start=Start.PERSON, posterior=posterior, guidance_scale=guidance_scale
    )
    ours, shown = sampled(network, recorded, config)
    official, expected = sampled(official_network, recorded, config)
    bound = BOUND
    if guidance_scale != 1.0 or solver in {"dpmpp_2m", "unipc"}:
        bound = max(BOUND, 5 * rounding_of_predictions(official_network, recorded, config, official))
        assert bound < 5e-2
    assert difference(ours, official) <= bound
    assert guidance_scale != 1.0 or np.abs(shown - expected).max() <= 1


def sampled(net, recorded, config: SamplingConfig) -> tuple[torch.Tensor, np.ndarray]:
    """Latents and decoded pictures of the two recorded pairs, from encodings of the network's own."""
    rows = [
        PersonPictures(
            image=recorded.array("in/image_u8")[row],
            agnostic=recorded.array("in/agn_u8")[row],
            densepose=recorded.array("in/densepose_u8")[row],
            keep=recorded.array("in/agn_mask_u8")[row, :, :, 0],
        )
        for row in range(2)
    ]
    persons = [encode_person(net, row, with_image=True) for row in rows]
    garments = [encode_garment(net, cloth, rows[0].keep.shape) for cloth in recorded.array("in/cloth_u8")]
    batch = Batch(persons, garments, [SeededNoise(1), SeededNoise(2)])
    latents = sampling.sample(net, batch, config, TimeTable(net))
    pictures = sampling.decode(net, latents, persons, config)
    return latents, np.array(pictures).astype(int)


def rounding_of_predictions(net, recorded, config: SamplingConfig, expected: torch.Tensor) -> float:
    """How far samples move when every prediction is off by 5e-7 of itself, four units in the last place."""
    generator, plain = torch.Generator().manual_seed(0), net.noise

    def rounded(*rest, **named):
        prediction = plain(*rest, **named)
        return prediction * (1 + 5e-7 * torch.randn(prediction.shape, generator=generator))

    with mock.patch.object(net, "noise", rounded):
        return difference(sampled(net, recorded, config)[0], expected)
