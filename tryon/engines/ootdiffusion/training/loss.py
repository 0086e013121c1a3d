"""The training loss as a function of latents: nothing is drawn here, so that it can be held against recorded figures.

Facts: docs/facts/ootdiffusion.md#training.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.samplers.schedule import add_noise_each


@dataclass(frozen=True, kw_only=True)
class OotdLatents:
    """What one loss is calculated from; h and w are the picture's sides / 8.

    Args:
        image: (b, 4, h, w) scaled latent of the person in the garment.
        person: (b, 4, h, w) masked person, unscaled.
        garment: (b, 4, h, w) unscaled.
        context: (b, n, context_dim), of the try-on U-Net.
        garment_context: (b, m, context_dim), of the garment U-Net.
        noise: (b, 4, h, w).
        timesteps: (b,) integers in [0, 999].
        dropped: (b,) bool: a latent of zeros takes the garment's place; the context keeps its vector.
    """

    image: Tensor
    person: Tensor
    garment: Tensor
    context: Tensor
    garment_context: Tensor
    noise: Tensor
    timesteps: Tensor
    dropped: Tensor


def ootd_losses(
    network: OotDiffusion, batch: OotdLatents, *, garment_learns: bool = True, recompute: bool = False
) -> dict[str, Tensor]:
    """The parts of the loss, scalars; their sum is minimised.

    Args:
        network: built with `savings.TRAINING`.
        batch: latents.
        garment_learns: gradients go through the garment U-Net.
        recompute: keep no map inside a stage for the backward pass, but calculate it again there.
    """
    noisy = add_noise_each(batch.image, batch.noise, batch.timesteps)
    garment = batch.garment * (~batch.dropped).view(-1, 1, 1, 1)
    tokens = network.garment_tokens(garment, batch.garment_context, recompute=recompute, frozen=not garment_learns)
    seen = network.contexts(batch.context, tokens)
    answer = network.noise(noisy, batch.person, network.time_shifts(batch.timesteps), seen, recompute=recompute)
    return {"noise": (answer.float() - batch.noise).square().mean()}
