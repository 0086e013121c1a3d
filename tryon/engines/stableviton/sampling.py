"""From a batch of encoded pairs to pictures, as plain functions: conditions, start code, solver, decode, paste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pipeline.core.arrays import RGB
from tryon.engines.stableviton.conditions import paste_kept
from tryon.engines.stableviton.denoiser import Batch, Denoiser
from tryon.engines.stableviton.encoding import EncodedPerson
from tryon.engines.stableviton.network import Shifts, StableViton
from tryon.engines.stableviton.presets import PosteriorDraw, SamplingConfig, Start
from tryon.engines.stableviton.unet import Probes
from tryon.engines.stableviton.variants import Unconditional
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.tiny_decoder import decode_tiny
from tryon.networks.vae import Posterior, decode_all, stacked
from tryon.noise import draw_ahead
from tryon.samplers.library import SOLVERS
from tryon.samplers.schedule import LAST_TIMESTEP, add_noise
from tryon.samplers.solver import Watch


def sample(
    network: StableViton,
    batch: Batch,
    config: SamplingConfig,
    times: TimeTable[Shifts],
    probes: Probes | None = None,
    watch: Watch | None = None,
) -> Tensor:
    """Sample a batch.

    Args:
        network: the loaded network.
        batch: encoded pairs with their noise streams.
        config: how.
        times: the table of time shifts of this network.
        probes: see `unet.run_unet`.
        watch: sees every step.

    Returns:
        (b, 4, h, w) fp32 scaled latents.
    """
    if network.device.type == "cuda":
        noises = draw_ahead(batch.noises, batch.latent_shape, draws_of(config), network.device)
        batch = replace(batch, noises=noises)
    image, conditions = draw_conditions(batch, config, network.device)
    start = start_code(image, conditions, batch.draw().to(network.device), config.start)
    denoiser = Denoiser(network, batch, conditions, config, times, probes)
    return SOLVERS[config.solver](denoiser, start, config.steps, watch)


def draws_of(config: SamplingConfig) -> int:
    """Noise draws that a picture takes, in the order of `SeededNoise`."""
    if config.posterior is PosteriorDraw.MEAN:
        return 1
    persons = 3 if config.start is Start.PERSON else 2
    both = config.guidance_scale != 1 and config.unconditional is not Unconditional.NO_CONTROL
    calls = config.steps + (config.solver == "plms")
    garments = 1 if config.posterior is PosteriorDraw.ONCE else calls * (2 if both else 1)
    return persons + 1 + garments


def draw_conditions(batch: Batch, config: SamplingConfig, device: torch.device) -> tuple[Tensor | None, Tensor]:
    """Draw the persons' latents in the official order: photo, agnostic, densepose.

    Returns:
        The photo's scaled latent (b, 4, h, w), only for a start code made of it; and (b, 9, h, w) agnostic, mask, densepose.
    """

    def draw(posteriors: Sequence[Posterior]) -> Tensor:
        return stacked(posteriors).sample(None if config.posterior is PosteriorDraw.MEAN else batch.draw()).to(device)

    persons = batch.persons
    image = draw([_image_of(person) for person in persons]) if config.start is Start.PERSON else None
    agnostic = draw([person.agnostic for person in persons])
    densepose = draw([person.densepose for person in persons])
    keep = torch.cat([person.keep for person in persons]).to(device)
    return image, torch.cat([agnostic, keep, densepose], dim=1)


def start_code(image: Tensor | None, conditions: Tensor, noise: Tensor, start: Start) -> Tensor:
    """The noisy latents (b, 4, h, w) at timestep 999 from which sampling begins; see `Start`."""
    signal = {Start.PERSON: image, Start.AGNOSTIC: conditions[:, :4], Start.NOISE: None}[start]
    return noise if signal is None else add_noise(signal, noise, LAST_TIMESTEP)


def decode(
    network: StableViton,
    latents: Tensor,
    persons: Sequence[EncodedPerson],
    config: SamplingConfig,
    tiny_decoder: Any = None,
) -> list[RGB | None]:
    """Decode scaled latents in one call.

    Args:
        network: the loaded network.
        latents: (b, 4, h, w).
        persons: whose they are, for the kept pixels.
        config: how.
        tiny_decoder: decodes in place of the VAE where there is one.

    Returns:
        (height, width, 3) uint8 RGB each; None where even fp32 overflowed.
    """
    if tiny_decoder is None:
        pictures = decode_all(network.vae, latents, rounded=config.rounded)
    else:
        pictures = decode_tiny(tiny_decoder, latents, rounded=config.rounded)
    if not config.repaint:
        return pictures
    return [
        picture if picture is None else _paste(picture, person, config) for picture, person in zip(pictures, persons, strict=True)
    ]


def _paste(picture: RGB, person: EncodedPerson, config: SamplingConfig) -> RGB:
    keep = torch.from_numpy(person.pictures.keep).float() / 255
    return paste_kept(picture, person.pictures.image, keep, rounded=config.rounded)


def _image_of(person: EncodedPerson) -> Posterior:
    if person.image is None:
        raise ValueError("a start code made of the person needs encode_person(..., with_image=True)")
    return person.image
