"""From a batch of encoded pairs to pictures, as plain functions: conditions, start code, solver, decode, paste."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pipeline.core.arrays import RGB
from tryon.engines.stableviton.conditions import paste_kept
from tryon.engines.stableviton.denoiser import Batch, Denoiser, TimeTable, stacked
from tryon.engines.stableviton.encoding import EncodedPerson
from tryon.engines.stableviton.network import StableViton
from tryon.engines.stableviton.presets import PosteriorDraw, SamplingConfig, Start
from tryon.engines.stableviton.unet import Probes
from tryon.networks.vae import Posterior, decode_all
from tryon.samplers.library import SOLVERS
from tryon.samplers.schedule import LAST_TIMESTEP, add_noise
from tryon.samplers.solver import Watch


def sample(
    network: StableViton,
    batch: Batch,
    config: SamplingConfig,
    times: TimeTable,
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
    image, conditions = draw_conditions(batch, config, network.device)
    start = start_code(image, conditions, batch.draw().to(network.device), config.start)
    denoiser = Denoiser(network, batch, conditions, config, times, probes)
    return SOLVERS[config.solver](denoiser, start, config.steps, watch)


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


def decode(network: StableViton, latents: Tensor, persons: Sequence[EncodedPerson], config: SamplingConfig) -> list[RGB | None]:
    """Decode scaled latents (b, 4, h, w) in one call: (height, width, 3) uint8 RGB each; None where even fp32 overflowed."""
    pictures = decode_all(network.vae, latents, rounded=config.rounded)
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
