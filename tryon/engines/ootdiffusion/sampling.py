"""From a batch of encoded pairs to latents, as plain functions: two answers made one, and what is kept put back after each step.

Facts: docs/facts/ootdiffusion.md#guidance and docs/facts/ootdiffusion.md#sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tryon.engines.ootdiffusion.encoding import EncodedGarment, EncodedPerson
from tryon.engines.ootdiffusion.network import GarmentTokens, OotDiffusion, Probes, together
from tryon.engines.ootdiffusion.presets import SamplingConfig
from tryon.networks.sd1_unet import Contexts, Shifts
from tryon.networks.time_table import TimeTable
from tryon.noise import NoiseStream, draw_batch
from tryon.samplers.schedule import add_noise
from tryon.samplers.solver import Watch
from tryon.samplers.unipc_published import unipc_published


@dataclass(frozen=True)
class ShownGarment:
    """A garment's tokens, and those of no garment beside its context, where guidance asks for them."""

    shown: GarmentTokens
    hidden: GarmentTokens | None = None


@dataclass(frozen=True)
class Batch:
    """Pictures made together."""

    persons: Sequence[EncodedPerson]
    garments: Sequence[EncodedGarment]
    tokens: Sequence[ShownGarment]
    noises: Sequence[NoiseStream]

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(4, h, w) of one picture."""
        channels, height, width = self.persons[0].masked.shape[1:]
        return channels, height, width


def show_garment(network: OotDiffusion, garment: EncodedGarment, *, guided: bool) -> ShownGarment:
    """Run the garment U-Net once for a garment, and for none where guidance will ask; both as one batch.

    Args:
        network: the loaded network.
        garment: what is shown.
        guided: whether the unguided answer will be asked for.
    """
    if not guided:
        return ShownGarment(network.garment_tokens(garment.latent, garment.garment_context))
    nothing = torch.zeros_like(garment.latent)
    if not network.savings.batch_guidance:
        both = (network.garment_tokens(latent, garment.garment_context) for latent in (garment.latent, nothing))
        return ShownGarment(*both)
    latents, contexts = torch.cat([garment.latent, nothing]), garment.garment_context.expand(2, -1, -1)
    tokens = network.garment_tokens(latents, contexts)
    return ShownGarment([each[:1] for each in tokens], [each[1:] for each in tokens])


class Denoiser:
    """Predicts the noise of one batch; what stays the same over all steps is prepared here.

    Args:
        network: the loaded network.
        batch: the pictures.
        config: guidance.
        times: the table of time shifts.
        probes: see `network.Probes`; a guided double batch has the pictures with their garments first.
    """

    def __init__(
        self,
        network: OotDiffusion,
        batch: Batch,
        config: SamplingConfig,
        times: TimeTable[Shifts],
        probes: Probes | None = None,
    ) -> None:
        self.network, self.config, self.times = network, config, times
        self.person = torch.cat([person.masked for person in batch.persons]).to(network.device)
        context = torch.cat([garment.context for garment in batch.garments])
        shown = together([tokens.shown for tokens in batch.tokens])
        if not config.guided:
            self.passes = [network.contexts(context, shown, probes)]
            return
        hidden = together([tokens.hidden for tokens in batch.tokens if tokens.hidden is not None])
        if network.savings.batch_guidance:
            self.passes = [network.contexts(torch.cat([context, context]), together([shown, hidden]), probes)]
        else:
            self.passes = [network.contexts(context, shown, probes), network.contexts(context, hidden)]

    def __call__(self, latents: Tensor, timestep: int) -> Tensor:
        """(b, 4, h, w) fp32 latents → (b, 4, h, w) fp32 noise, guided where the configuration asks for it."""
        shifts = self.times(timestep)
        if not self.config.guided:
            return self._answer(latents, shifts, self.passes[0])
        if len(self.passes) == 1:
            shown, hidden = self._answer(torch.cat([latents, latents]), shifts, self.passes[0]).chunk(2)
        else:
            shown, hidden = (self._answer(latents, shifts, contexts) for contexts in self.passes)
        return hidden + self.config.guidance_scale * (shown - hidden)

    def _answer(self, latents: Tensor, shifts: Shifts, contexts: Contexts) -> Tensor:
        person = self.person if len(latents) == len(self.person) else torch.cat([self.person, self.person])
        return self.network.noise(latents, person, shifts, contexts).float()


def sample(
    network: OotDiffusion,
    batch: Batch,
    config: SamplingConfig,
    times: TimeTable[Shifts],
    *,
    spacing: str = "linspace",
    probes: Probes | None = None,
    watch: Watch | None = None,
) -> Tensor:
    """Sample a batch.

    Args:
        network: the loaded network.
        batch: encoded pairs with their noise streams.
        config: how.
        times: the table of time shifts of this network.
        spacing: of the timesteps, as the weights' scheduler file says.
        probes: see `Denoiser`.
        watch: sees every step.

    Returns:
        (b, 4, h, w) fp32 scaled latents.
    """
    start = draw_batch(batch.noises, batch.latent_shape).to(network.device)
    known = torch.cat([person.known for person in batch.persons]).to(network.device)
    area = torch.cat([person.repaint for person in batch.persons]).to(network.device)

    def repaint(latents: Tensor, following: int | None) -> Tensor:
        kept = known if following is None else add_noise(known, start, following)
        return (1 - area) * kept + area * latents

    denoiser = Denoiser(network, batch, config, times, probes)
    return unipc_published(denoiser, start, config.steps, repaint, spacing=spacing, watch=watch)
