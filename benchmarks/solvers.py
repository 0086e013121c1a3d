"""What fewer steps and approximations cost, as far as it can be known without published weights.

    python -m benchmarks.solvers        # a few minutes

First table: relative error against the end of the 1,000-step trajectory, for a mixture of Gaussians whose score is known exactly
(middle sample, mean over mixtures). Second table: distance of the final latents to 1,000 steps of DDIM from the same start code,
with a small network of generated weights. Neither says how a picture looks: `benchmarks.compare_presets` does, for owners of
weights.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.generated import generated_garment, generated_network, generated_person
from tryon.engines.stableviton import sampling
from tryon.engines.stableviton.architecture import Architecture
from tryon.engines.stableviton.denoiser import Batch, TimeTable
from tryon.engines.stableviton.encoding import encode_garment, encode_person
from tryon.engines.stableviton.presets import BALANCED, PRESETS, PosteriorDraw, SamplingConfig
from tryon.networks.clip import ClipWidths
from tryon.networks.savings import ALL
from tryon.noise import SeededNoise
from tryon.samplers.library import SOLVERS, ddim
from tryon.samplers.schedule import add_noise, alphas_cumprod

SMALL = Architecture(
    model_channels=64,
    context_dim=48,
    vae_channels=32,
    clip=ClipWidths(hidden_size=64, intermediate_size=128, layers=3, heads=4, projection_dim=48),
)
SIZE = (64, 64)  # pixels
STEPS = (5, 10, 15, 20, 30, 50)
LONG = 1000

WAYS: dict[str, SamplingConfig] = {
    "reference, but agnostic start": replace(PRESETS["reference"], start=BALANCED.start, posterior=PosteriorDraw.ONCE),
    "balanced": BALANCED,
    "fast": PRESETS["fast"],
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


def analytic_errors(mixtures: int = 4) -> dict[str, list[float]]:
    """Solver → error for each of STEPS."""
    errors: dict[str, list[list[float]]] = {name: [] for name in SOLVERS}
    for mixture in map(Mixture, range(mixtures)):
        end = ddim(mixture.predict, mixture.start, LONG)
        size = end.flatten(1).norm(dim=1)
        for name, solve in SOLVERS.items():
            found = [solve(mixture.predict, mixture.start, steps) - end for steps in STEPS]
            errors[name].append([float((each.flatten(1).norm(dim=1) / size).median()) for each in found])
    return {name: torch.tensor(rows).mean(dim=0).tolist() for name, rows in errors.items()}


def network_distances(seeds: int = 1) -> dict[str, float]:
    """Way → relative distance of its latents to 1,000 steps of DDIM with the same start code and garment latent."""
    network = generated_network(ALL, torch.float32, SMALL)
    person = encode_person(network, generated_person(SIZE), with_image=False)
    garment = encode_garment(network, generated_garment(SIZE), SIZE)
    times = TimeTable(network)

    def latents(config: SamplingConfig) -> Tensor:
        noises = [SeededNoise(seed) for seed in range(seeds)]
        return sampling.sample(network, Batch([person] * seeds, [garment] * seeds, noises), replace(config, dtype="fp32"), times)

    long = latents(replace(BALANCED, solver="ddim", steps=LONG))
    return {name: float((latents(config) - long).norm() / long.norm()) for name, config in WAYS.items()}


def main() -> None:
    """Print both tables."""
    print(f"{'analytic score':32}" + "".join(f"{steps:>9}" for steps in STEPS))
    for name, row in analytic_errors().items():
        print(f"{name:32}" + "".join(f"{error:9.4f}" for error in row))
    print("\nsmall generated network           distance to 1,000 steps")
    for name, distance in network_distances().items():
        print(f"{name:32}{distance:9.4f}")


if __name__ == "__main__":
    with torch.inference_mode():
        main()
