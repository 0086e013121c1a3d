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
from tryon.networks.residual_branch import Guide
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.sd1_unet import Contexts, Shifts
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
    """Pictures made together; tokens are not needed where the wiring makes them anew at every step.

    `drawings` are what the branch is shown of pictures with and without their garments, (b, 3, 8h, 8w) in [0, 1].
    """

    persons: Sequence[EncodedPerson]
    garments: Sequence[EncodedGarment]
    tokens: Sequence[ShownGarment]
    noises: Sequence[NoiseStream]
    drawings: tuple[Tensor, Tensor] | None = None

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(4, h, w) of one picture."""
        channels, height, width = self.persons[0].masked.shape[1:]
        return channels, height, width


def show_garment(
    network: OotDiffusion, garment: EncodedGarment, *, guided: bool, timesteps: Tensor | None = None
) -> ShownGarment:
    """Run the garment U-Net once for a garment, and for none where guidance will ask; both as one batch.

    Args:
        network: the loaded network.
        garment: what is shown.
        guided: whether the unguided answer will be asked for.
        timesteps: of the try-on U-Net, where the wiring wants them.
    """
    if not guided:
        return ShownGarment(network.garment_tokens(garment.latent, garment.garment_context, timesteps))
    nothing = torch.zeros_like(garment.latent)
    if not network.savings.batch_guidance:
        both = (network.garment_tokens(latent, garment.garment_context, timesteps) for latent in (garment.latent, nothing))
        return ShownGarment(*both)
    latents, contexts = torch.cat([garment.latent, nothing]), garment.garment_context.expand(2, -1, -1)
    tokens = network.garment_tokens(latents, contexts, timesteps)
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
        self.network, self.batch, self.config, self.times, self.probes = network, batch, config, times, probes
        self.person = torch.cat([person.shown(network.wiring) for person in batch.persons]).to(network.device)
        self.context = torch.cat([garment.context for garment in batch.garments])
        pictures = [garment.picture for garment in batch.garments if garment.picture is not None]
        self.picture = torch.cat(pictures) if pictures else None
        self.area = torch.cat([person.repaint for person in batch.persons])
        self.guides = self._guides()
        self.passes = None if network.wiring.every_step else self._passes(batch.tokens)

    def __call__(self, latents: Tensor, timestep: int) -> Tensor:
        """(b, 4, h, w) fp32 latents → (b, 4, h, w) fp32 noise, guided where the configuration asks for it."""
        shifts = self.times(timestep)
        passes = self._passes(self._tokens(timestep)) if self.passes is None else self.passes
        if not self.config.guided:
            return self._answer(latents, shifts, passes[0], self.guides[0])
        if len(passes) == 1:
            shown, hidden = self._answer(torch.cat([latents, latents]), shifts, passes[0], self.guides[0]).chunk(2)
        else:
            given = zip(passes, self.guides, strict=True)
            shown, hidden = (self._answer(latents, shifts, contexts, guide) for contexts, guide in given)
        return hidden + self.config.guidance_scale * (shown - hidden)

    def _tokens(self, timestep: int) -> list[ShownGarment]:
        """Of every picture's garment at a timestep; a garment that several pictures have is shown once."""
        now, guided = torch.tensor([timestep]), self.config.guided
        own = {id(each): each for each in self.batch.garments}
        shown = {name: show_garment(self.network, each, guided=guided, timesteps=now) for name, each in own.items()}
        return [shown[id(each)] for each in self.batch.garments]

    def _passes(self, tokens: Sequence[ShownGarment]) -> list[Contexts]:
        """What the stages of each call of the try-on U-Net look at."""
        network, context, picture, area = self.network, self.context, self.picture, self.area
        shown = together([each.shown for each in tokens])
        if not self.config.guided:
            return [network.contexts(context, shown, self.probes, picture, area)]
        hidden = together([each.hidden for each in tokens if each.hidden is not None])
        if network.savings.batch_guidance:
            twice = None if picture is None else torch.cat([picture, picture])
            both = torch.cat([area, area])
            return [network.contexts(torch.cat([context, context]), together([shown, hidden]), self.probes, twice, both)]
        seen = network.contexts(context, shown, self.probes, picture, area)
        return [seen, network.contexts(context, hidden, picture=picture, area=area)]

    def _guides(self) -> list[Guide | None]:
        """What the branch is shown in each call of the try-on U-Net."""
        if self.batch.drawings is None:
            return [None, None]
        if not self.config.guided:
            return [self.network.guide(self.batch.drawings[0], self.context)]
        if self.network.savings.batch_guidance:
            return [self.network.guide(torch.cat(self.batch.drawings), torch.cat([self.context, self.context]))]
        return [self.network.guide(each, self.context) for each in self.batch.drawings]

    def _answer(self, latents: Tensor, shifts: Shifts, contexts: Contexts, guide: Guide | None) -> Tensor:
        person = self.person if len(latents) == len(self.person) else torch.cat([self.person, self.person])
        return self.network.noise(latents, person, shifts, contexts, guide).float()


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
