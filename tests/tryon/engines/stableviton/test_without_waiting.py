"""The way of a picture on a GPU, as far as it can be held without one: the device is asked for nothing between two steps.

Tensors of the meta device have no contents: whoever reads a number back from them fails.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.generated import TINY, generated_garment, generated_person
from tryon.engines.stableviton import sampling
from tryon.engines.stableviton.checkpoint import empty_network
from tryon.engines.stableviton.denoiser import Batch
from tryon.engines.stableviton.encoding import EncodedGarment, encoded_person
from tryon.engines.stableviton.presets import PRESETS, PosteriorDraw, Start
from tryon.engines.stableviton.variants import Unconditional
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.vae import Posterior
from tryon.noise import SeededNoise, draw_ahead
from tryon.samplers.library import SOLVERS

pytestmark = pytest.mark.slow

SIZE, GRID = (64, 64), (1, 4, 8, 8)
FEW = replace(PRESETS["balanced"], dtype="fp32", steps=3)


class Counted:
    """A stream that counts its draws."""

    def __init__(self) -> None:
        self.draws = 0

    def draw(self, shape: tuple[int, ...]) -> torch.Tensor:
        self.draws += 1
        return torch.zeros(shape)


@pytest.fixture(scope="module")
def network():
    return empty_network(TINY)


def posterior() -> Posterior:
    return Posterior(torch.empty(GRID, device="meta"), torch.empty(GRID, device="meta"))


def batch_of(noises) -> Batch:
    person = encoded_person(generated_person(SIZE), [posterior() for _ in range(3)])
    token = torch.empty(1, 1, TINY.context_dim, device="meta")
    garment = EncodedGarment(picture=generated_garment(SIZE), posterior=posterior(), token=token)
    return Batch([person] * len(noises), [garment] * len(noises), noises)


VARIED = [
    *(replace(FEW, solver=solver) for solver in SOLVERS),
    *(replace(FEW, posterior=draw, guidance_scale=2.0) for draw in PosteriorDraw),
    replace(FEW, start=Start.PERSON, posterior=PosteriorDraw.REDRAWN, solver="plms"),
    replace(FEW, guidance_scale=2.0, unconditional=Unconditional.NO_CONTROL, posterior=PosteriorDraw.REDRAWN),
    replace(FEW, control_every=2, deep_every=2),
    replace(FEW, token_merging=0.5),
]


@pytest.mark.parametrize("config", VARIED, ids=lambda config: f"{config.solver}-{config.posterior.value}-{config.guidance_scale}")
def test_no_number_is_read_back_while_sampling_and_the_draws_are_known_beforehand(network, config):
    noises = [Counted(), Counted()]
    latents = sampling.sample(network, batch_of(noises), config, TimeTable(network))
    assert latents.device.type == "meta" and latents.shape == (2, *GRID[1:])
    assert [noise.draws for noise in noises] == [sampling.draws_of(config)] * 2


def test_a_number_that_is_read_back_would_be_noticed():
    with pytest.raises((RuntimeError, NotImplementedError)):
        bool(torch.empty(3, device="meta").isfinite().all())


@pytest.mark.parametrize("ahead", [0, 2, 5, 9])
def test_noise_drawn_ahead_is_the_noise_drawn_when_asked_for(ahead):
    shape, device = (4, 8, 8), torch.device("cpu")
    plain = [SeededNoise(seed) for seed in (1, 2)]
    early = draw_ahead([SeededNoise(seed) for seed in (1, 2)], shape, ahead, device)
    for _ in range(6):
        for one, other in zip(plain, early, strict=True):
            assert torch.equal(one.draw(shape), other.draw(shape))
