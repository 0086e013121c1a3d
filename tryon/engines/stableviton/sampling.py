"""From a batch of encoded pairs to pictures, as plain functions: conditions, start code, solver, decode, paste."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from pipeline.core.arrays import RGB
from tryon.engines.stableviton.conditions import paste_kept, to_uint8
from tryon.engines.stableviton.denoiser import Batch, Denoiser, TimeTable, stacked
from tryon.engines.stableviton.encoding import EncodedPerson
from tryon.engines.stableviton.network import StableViton
from tryon.engines.stableviton.presets import PosteriorDraw, SamplingConfig, Start
from tryon.engines.stableviton.unet import Probes
from tryon.networks.vae import Posterior, decode_latents
from tryon.samplers.library import SOLVERS
from tryon.samplers.schedule import LAST_TIMESTEP, add_noise
from tryon.samplers.solver import Watch

BLACK = -0.98  # in [-1, 1]: a picture that never exceeds this is what a number overflow looks like


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


def decode(network: StableViton, latent: Tensor, person: EncodedPerson, config: SamplingConfig) -> RGB | None:
    """Decode one scaled latent (4, h, w) into a (height, width, 3) uint8 RGB picture; None when it overflowed.

    One at a time because the VAE is the memory peak.
    """
    decoded = decode_latents(network.vae, latent[None])
    if not bool(torch.isfinite(decoded).all()) or float(decoded.amax()) < BLACK:
        return None
    picture: RGB = to_uint8(decoded, rounded=config.rounded)[0]
    if config.repaint:
        keep = torch.from_numpy(person.pictures.keep).float() / 255
        picture = paste_kept(picture, person.pictures.image, keep, rounded=config.rounded)
    return picture


def overflowed(latents: Tensor) -> list[int]:
    """Which rows of a batch are not finite."""
    return [row for row, latent in enumerate(latents) if not bool(torch.isfinite(latent).all())]


@contextmanager
def full_precision(network: StableViton) -> Iterator[StableViton]:
    """Run in fp32 for a while; half-precision weights come back unchanged because fp32 holds them exactly."""
    dtype = network.dtype
    network.to(torch.float32)
    try:
        yield network
    finally:
        network.to(dtype)


def _image_of(person: EncodedPerson) -> Posterior:
    if person.image is None:
        raise ValueError("a start code made of the person needs encode_person(..., with_image=True)")
    return person.image
