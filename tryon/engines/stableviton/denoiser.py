"""The function a solver calls: latents and a timestep in, predicted noise out, for one batch of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tryon.engines.stableviton.encoding import EncodedGarment, EncodedPerson
from tryon.engines.stableviton.network import Contexts, Shifts, StableViton, stack_conditions
from tryon.engines.stableviton.presets import PosteriorDraw, SamplingConfig
from tryon.engines.stableviton.unet import DeepFeatures, Probes
from tryon.engines.stableviton.variants import Unconditional
from tryon.networks.pictures import picture_tensor
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.vae import Posterior, encode_pictures, stacked
from tryon.noise import NoiseStream, draw_batch


@dataclass(frozen=True)
class Batch:
    """Pictures made together."""

    persons: Sequence[EncodedPerson]
    garments: Sequence[EncodedGarment]
    noises: Sequence[NoiseStream]

    def __len__(self) -> int:
        return len(self.persons)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(4, h, w) of one picture."""
        channels, height, width = self.persons[0].agnostic.mean.shape[1:]
        return channels, height, width

    def draw(self) -> Tensor:
        """One noise draw of each picture, (b, 4, h, w)."""
        return draw_batch(self.noises, self.latent_shape)


class Denoiser:
    """Predicts the noise of one batch; made anew for each batch because it remembers the garment features between calls."""

    def __init__(
        self,
        network: StableViton,
        batch: Batch,
        conditions: Tensor,
        config: SamplingConfig,
        times: TimeTable[Shifts],
        probes: Probes | None = None,
    ) -> None:
        """Prepare what stays the same over all steps.

        Args:
            network: the loaded network.
            batch: the pictures.
            conditions: (b, 9, h, w) agnostic, keep mask, densepose.
            config: guidance, posterior, reuse.
            times: the table of time shifts.
            probes: see `unet.run_unet`.
        """
        self.network, self.batch, self.config, self.times, self.probes = network, batch, config, times, probes
        self.conditions = conditions
        self.posterior = stacked([garment.posterior for garment in batch.garments])
        token = torch.cat([garment.token for garment in batch.garments]).to(network.device, network.dtype)
        self.contexts = network.contexts(token, config.token_merging)
        self.guided = config.guidance_scale != 1
        if self.guided:
            nothing = network.mapper.unconditional.expand(len(batch), -1, -1)
            self.no_garment = network.contexts(nothing, config.token_merging)
            self.both = network.contexts(torch.cat([token, nothing]), config.token_merging)
        self._calls = 0
        self._features: dict[str, list[Tensor]] = {}
        self._deep: dict[str, DeepFeatures] = {}
        self._drawn: Tensor | None = None

    def __call__(self, latents: Tensor, timestep: int) -> Tensor:
        """(b, 4, h, w) fp32 latents → (b, 4, h, w) fp32 noise, guided where the configuration asks for it."""
        stack = stack_conditions(latents, *torch.split(self.conditions, [4, 1, 4], dim=1))
        shifts = self.times(timestep)
        noise = (
            self._guided(stack, shifts) if self.guided else self._pass("garment", stack, self._garments(1), shifts, self.contexts)
        )
        self._calls += 1
        return noise.float()

    def _guided(self, stack: Tensor, shifts: Shifts) -> Tensor:
        """u + s·(c - u), Ho & Salimans 2022; the two passes use two draws of the garment, as two official calls would."""
        if self.config.unconditional is Unconditional.NO_CONTROL:
            with_garment = self._pass("garment", stack, self._garments(1), shifts, self.contexts)
            without = self.network.noise(stack, None, shifts, self.no_garment, None, self._deep_of("without"))
        elif self.network.savings.batch_guidance:
            both = self._pass("both", torch.cat([stack, stack]), self._garments(2), shifts, self.both)
            with_garment, without = both.chunk(2)
        else:
            with_garment = self._pass("garment", stack, self._garments(1), shifts, self.contexts)
            without = self._pass("no garment", stack, self._garments(1), shifts, self.no_garment)
        return without.float() + self.config.guidance_scale * (with_garment.float() - without.float())

    def _pass(self, name: str, stack: Tensor, garments: Tensor, shifts: Shifts, contexts: Contexts) -> Tensor:
        """One pass; between the calls that compute garment features, the last ones are used again."""
        if self._calls % self.config.control_every == 0:
            self._features[name] = self.network.garment_features(stack, garments, shifts, contexts)
        return self.network.noise(stack, self._features[name], shifts, contexts, self.probes, self._deep_of(name))

    def _deep_of(self, name: str) -> DeepFeatures | None:
        """The coarse features a pass keeps; none unless the approximation is asked for."""
        if self.config.deep_every == 1:
            return None
        deep = self._deep.setdefault(name, DeepFeatures())
        deep.reuse = self._calls % self.config.deep_every != 0
        return deep

    def _garments(self, times: int) -> Tensor:
        """Garment latents (times·b, 4, h, w) for this call."""
        posterior = self._posterior()
        return torch.cat([posterior.sample(self._garment_noise()) for _ in range(times)])

    def _garment_noise(self) -> Tensor | None:
        draw = self.config.posterior
        if draw is not PosteriorDraw.MEAN and (draw is PosteriorDraw.REDRAWN or self._drawn is None):
            self._drawn = self.batch.draw()
        return self._drawn

    def _posterior(self) -> Posterior:
        if self.network.savings.cache_garment:
            return self.posterior
        pictures = torch.cat([picture_tensor(garment.picture) for garment in self.batch.garments])
        return encode_pictures(self.network.vae, pictures.to(self.network.device))
