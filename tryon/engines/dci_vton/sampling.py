"""From conditions to a picture, as plain functions: latents, start code, solver, decode, paste, and the square undone.

Facts: docs/facts/dci_vton.md#sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.core.arrays import RGB, Float
from tryon.engines.dci_vton.conditions import DiffusionInputs
from tryon.engines.dci_vton.network import DciVton
from tryon.networks.latent_mask import latent_mask
from tryon.networks.pictures import to_levels
from tryon.networks.savings.time_table import TimeTable
from tryon.networks.sd1_unet import Shifts
from tryon.networks.vae import Posterior, decode_finite, encode_finite, stacked
from tryon.noise import NoiseStream, draw_batch
from tryon.samplers.library import SOLVERS
from tryon.samplers.schedule import LAST_TIMESTEP, add_noise
from tryon.samplers.solver import Watch

ASPECT = 3 / 4
"""Width over height of a result: what the square was squashed from."""


@dataclass(frozen=True)
class Conditions:
    """What stays the same over all steps of a batch.

    Args:
        inpaint: (b, 4, h, w) scaled latents of the picture that conditions every step.
        keep: (b, 1, h, w) in [0, 1], **1 = keep**: this network's polarity, the opposite of the artefact on disk.
        start: (b, 4, h, w) the noisy latents at timestep 999 from which sampling begins.
    """

    inpaint: Tensor
    keep: Tensor
    start: Tensor


def keep_masks(items: Sequence[DiffusionInputs]) -> Tensor:
    """(b, 1, height, width) fp32, 1 = keep: here the polarity flips, and nowhere else."""
    return torch.from_numpy(np.stack([~item.repaint for item in items])).float()[:, None]


Encoded = tuple[Posterior, Posterior]
"""Posteriors of the inpaint picture and of the start picture."""


def encoded(network: DciVton, items: Sequence[DiffusionInputs]) -> list[Encoded]:
    """Show the VAE both pictures of every item, in one call; where both are one, as with the second model, once.

    Args:
        network: the loaded network.
        items: what it is shown, all of one size.
    """
    pictures = [each for item in items for each in _pictures_of(item)]
    posteriors = encode_finite(network.vae, torch.from_numpy(np.stack(pictures)))
    rows = iter(posteriors[row] for row in range(len(pictures)))
    pairs = ([next(rows) for _ in _pictures_of(item)] for item in items)
    return [(own[0], own[-1]) for own in pairs]


def _pictures_of(item: DiffusionInputs) -> list[Float]:
    return [item.inpaint_image] if item.warp_feat is item.inpaint_image else [item.inpaint_image, item.warp_feat]


def drawn(
    network: DciVton, items: Sequence[DiffusionInputs], posteriors: Sequence[Encoded], noises: Sequence[NoiseStream]
) -> Conditions:
    """Draw a batch's latents, in the published order: inpaint picture, start picture, start code.

    The start code is the latent of the composite, noised to timestep 999 although the first call comes earlier (991 of 100
    steps): 6.8 % of the warped garment survive in it.

    Args:
        network: the loaded network.
        items: what it is shown, all of one size.
        posteriors: what `encoded` gave.
        noises: a stream per item.
    """
    device = network.device
    inpaint, warped = (stacked(each) for each in zip(*posteriors, strict=True))
    shape = (inpaint.mean.shape[1], inpaint.mean.shape[2], inpaint.mean.shape[3])
    latents = inpaint.sample(draw_batch(noises, shape))
    composite = warped.sample(draw_batch(noises, shape))
    start = add_noise(composite, draw_batch(noises, shape).to(device), LAST_TIMESTEP)
    return Conditions(latents, latent_mask(keep_masks(items)).to(device), start)


def conditions_of(network: DciVton, items: Sequence[DiffusionInputs], noises: Sequence[NoiseStream]) -> Conditions:
    """Both at once: `encoded`, then `drawn`."""
    return drawn(network, items, encoded(network, items), noises)


class Denoiser:
    """Predicts the noise of one batch.

    Args:
        network: the loaded network.
        conditions: of the batch.
        tokens: (b, 1, context_dim).
        times: the table of time shifts.
        guidance_scale: 1 = none, as published.
    """

    def __init__(
        self, network: DciVton, conditions: Conditions, tokens: Tensor, times: TimeTable[Shifts], guidance_scale: float = 1.0
    ) -> None:
        self.network, self.times, self.scale = network, times, guidance_scale
        self._shown = torch.cat([conditions.inpaint, conditions.keep], dim=1)
        if guidance_scale != 1:
            nothing = network.mapper.unconditional.expand(len(tokens), -1, -1)
            tokens = torch.cat([tokens.to(nothing), nothing])
        self._contexts = network.contexts(tokens)

    def __call__(self, latents: Tensor, timestep: int) -> Tensor:
        """(b, 4, h, w) fp32 latents → (b, 4, h, w) fp32 noise."""
        stack, shifts = torch.cat([latents, self._shown], dim=1), self.times(timestep)
        if self.scale == 1:
            return self.network.noise(stack, shifts, self._contexts).float()
        with_garment, without = self.network.noise(torch.cat([stack, stack]), shifts, self._contexts).float().chunk(2)
        return without + self.scale * (with_garment - without)


def sample(denoiser: Denoiser, start: Tensor, solver: str, steps: int, watch: Watch | None = None) -> Tensor:
    """Sample a batch.

    Args:
        denoiser: of the batch.
        start: (b, 4, h, w) noisy latents.
        solver: one of `tryon.samplers.library.SOLVERS`.
        steps: as the published options count them; where the published code ran over the end, the list stops at 999.
        watch: sees every step.

    Returns:
        (b, 4, h, w) fp32 scaled latents.
    """
    return SOLVERS[solver](denoiser, start, steps, watch)


def decode(network: DciVton, latents: Tensor, items: Sequence[DiffusionInputs], *, rounded: bool) -> list[RGB]:
    """Decode, put the photo back where the hard mask says keep, and only then undo the square.

    Args:
        network: the loaded network.
        latents: (b, 4, h, w) scaled.
        items: what was shown, for the kept pixels.
        rounded: to the nearest level; False cuts off like the published script.

    Returns:
        (height, height · 3 / 4, 3) uint8 RGB each.
    """
    painted = (decode_finite(network.vae, latents) + 1) / 2
    photos = (torch.from_numpy(np.stack([item.person for item in items])) + 1) / 2
    keep = keep_masks(items)
    return unsquashed(photos * keep + painted * (1 - keep), rounded=rounded)


def unsquashed(squares: Tensor, *, rounded: bool) -> list[RGB]:
    """(b, 3, side, side) in [0, 1] → (side, side · 3 / 4, 3) uint8 RGB each, without antialias as published."""
    side = squares.shape[-1]
    narrow = F.interpolate(squares, (side, int(side * ASPECT)), mode="bilinear", align_corners=False)
    return list(to_levels(narrow * 255, rounded=rounded).permute(0, 2, 3, 1).numpy())
