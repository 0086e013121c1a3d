"""What fewer steps and approximations cost, as far as it can be known without published weights.

    python -m benchmarks.solvers        # a few minutes

First table: calls, and relative error against the end of the 1,000-step trajectory, for a mixture of Gaussians whose score is
known exactly (middle sample, mean over mixtures). Second table: distance of the final latents to 1,000 steps of DDIM from the
same start code, with a small network of generated weights. Both also show the schedulers of diffusers, whose last sigma repeats:
their last call moves nothing (DPM-Solver++) or only corrects (UniPC). Neither table says how a picture looks:
`benchmarks.compare_presets` does, for owners of weights.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from statistics import mean
from typing import Any
from unittest.mock import patch

import torch
from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler
from torch import Tensor

from benchmarks.generated import generated_garment, generated_network, generated_person
from tryon.engines.stableviton import sampling
from tryon.engines.stableviton.architecture import Architecture
from tryon.engines.stableviton.denoiser import Batch
from tryon.engines.stableviton.encoding import encode_garment, encode_person
from tryon.engines.stableviton.presets import BALANCED, PRESETS, PosteriorDraw, SamplingConfig
from tryon.networks.clip import ClipWidths
from tryon.networks.savings.switches import ALL
from tryon.networks.savings.time_table import TimeTable
from tryon.noise import SeededNoise
from tryon.samplers.ddim import ddim
from tryon.samplers.library import SOLVERS
from tryon.samplers.schedule import BETA_END, BETA_START, add_noise, alphas_cumprod
from tryon.samplers.solver import Predict, Solver, Watch

SMALL = Architecture(
    model_channels=64,
    context_dim=48,
    vae_channels=32,
    clip=ClipWidths(hidden_size=64, intermediate_size=128, layers=3, heads=4, projection_dim=48),
)
SIZE = (64, 64)  # pixels
STEPS = (5, 8, 10, 15, 17, 20, 30, 50)
LONG = 1000
SEEDS = 4


def scheduled(make: Callable[..., Any], **options: Any) -> Solver:
    """A scheduler of diffusers as a solver, with the spacing after Karras et al. that most programs use."""

    def solve(predict: Predict, latents: Tensor, steps: int, watch: Watch | None = None) -> Tensor:
        schedule = {"beta_start": BETA_START, "beta_end": BETA_END, "beta_schedule": "scaled_linear"}
        scheduler = make(**schedule, **options, use_karras_sigmas=True, final_sigmas_type="sigma_min")
        scheduler.set_timesteps(steps)
        for timestep in scheduler.timesteps.tolist():
            latents = scheduler.step(predict(latents, timestep), timestep, latents).prev_sample
        return latents

    return solve


LIBRARY: dict[str, Solver] = {
    "dpmpp_2m of diffusers": scheduled(DPMSolverMultistepScheduler, algorithm_type="dpmsolver++"),
    "unipc of diffusers": scheduled(UniPCMultistepScheduler),
}

WAYS: dict[str, SamplingConfig] = {
    "reference, but agnostic start": replace(PRESETS["reference"], start=BALANCED.start, posterior=PosteriorDraw.ONCE),
    "balanced": BALANCED,
    "20 calls of diffusers' dpmpp_2m": replace(BALANCED, solver="dpmpp_2m of diffusers", steps=20),
    "fast": PRESETS["fast"],
    "10 calls of diffusers' unipc, same reuse": replace(PRESETS["fast"], solver="unipc of diffusers", steps=10),
    "fast without reuse": replace(PRESETS["fast"], control_every=1),
    "fast, reuse on three calls": replace(PRESETS["fast"], control_every=3),
    "fast, deep reuse": replace(PRESETS["fast"], deep_every=2),
    "balanced, deep reuse": replace(BALANCED, deep_every=2),
    "balanced, a quarter merged": replace(BALANCED, token_merging=0.25),
    "balanced, half merged": replace(BALANCED, token_merging=0.5),
    "fast, half merged": replace(PRESETS["fast"], token_merging=0.5),
    "balanced, posterior redrawn": replace(BALANCED, posterior=PosteriorDraw.REDRAWN),
}


class Mixture:
    """Twelve Gaussians in 64 dimensions, and their exact noise prediction."""

    def __init__(self, seed: int, samples: int = 128) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.means = (torch.randn(12, 64, generator=generator) * 1.2).double()
        self.deviations = (torch.rand(12, 64, generator=generator) * 0.5 + 0.02).double()
        which = torch.randint(0, 12, (samples,), generator=generator)
        clean = self.means[which] + self.deviations[which] * torch.randn(samples, 64, generator=generator).double()
        noise = torch.randn(samples, 4, 4, 4, generator=generator).double()
        self.start = add_noise(clean.reshape(noise.shape), noise, 999)

    def predict(self, latents: Tensor, timestep: int) -> Tensor:
        """-√(1-ā) · score of the diffused mixture."""
        signal = float(alphas_cumprod()[timestep])
        variance = signal * self.deviations**2 + 1 - signal
        away = latents.flatten(1)[:, None] - signal**0.5 * self.means
        share = (-0.5 * (away**2 / variance + variance.log()).sum(-1)).softmax(-1)
        return ((1 - signal) ** 0.5 * (share[..., None] * away / variance).sum(1)).reshape(latents.shape)


class Counted:
    """A prediction that counts its calls."""

    def __init__(self, predict: Predict) -> None:
        self.predict, self.calls = predict, 0

    def __call__(self, latents: Tensor, timestep: int) -> Tensor:
        """Predict and count."""
        self.calls += 1
        return self.predict(latents, timestep)


def analytic_errors(mixtures: int = 4) -> dict[str, list[tuple[int, float]]]:
    """Solver → (calls, error) for each of STEPS."""
    errors: dict[tuple[str, int], list[float]] = {}
    calls: dict[tuple[str, int], int] = {}
    for mixture in map(Mixture, range(mixtures)):
        end = ddim(mixture.predict, mixture.start, LONG)
        size = end.flatten(1).norm(dim=1)
        for (name, solve), steps in itertools.product((SOLVERS | LIBRARY).items(), STEPS):
            predict = Counted(mixture.predict)
            away = (solve(predict, mixture.start, steps) - end).flatten(1).norm(dim=1)
            errors.setdefault((name, steps), []).append(float((away / size).median()))
            calls[name, steps] = predict.calls
    return {name: [(calls[name, steps], mean(errors[name, steps])) for steps in STEPS] for name in SOLVERS | LIBRARY}


def network_distances(seeds: int = SEEDS) -> dict[str, float]:
    """Way → relative distance of its latents to 1,000 steps of DDIM with the same start codes and garment latents."""
    network = generated_network(ALL, torch.float32, SMALL)
    person = encode_person(network, generated_person(SIZE), with_image=False)
    garment = encode_garment(network, generated_garment(SIZE), SIZE)
    times = TimeTable(network)

    def latents(config: SamplingConfig) -> Tensor:
        noises = [SeededNoise(seed) for seed in range(seeds)]
        return sampling.sample(network, Batch([person] * seeds, [garment] * seeds, noises), replace(config, dtype="fp32"), times)

    with patch.dict(SOLVERS, LIBRARY):
        long = latents(replace(BALANCED, solver="ddim", steps=LONG))
        return {name: float((latents(config) - long).norm() / long.norm()) for name, config in WAYS.items()}


def main() -> None:
    """Print both tables."""
    print(f"{'analytic score: calls, error':42}" + "".join(f"{steps:>7} steps" for steps in STEPS))
    for name, row in analytic_errors().items():
        print(f"{name:42}" + "".join(f"{calls:>6}{error:7.4f}" for calls, error in row))
    print(f"\n{'small generated network':42}   distance to 1,000 steps, {SEEDS} start codes")
    for name, distance in network_distances().items():
        print(f"{name:42}{distance:9.4f}")


if __name__ == "__main__":
    with torch.inference_mode():
        main()
