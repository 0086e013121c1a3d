"""The training loss as a function of latents: nothing is drawn here, so that it can be held against recorded figures.

Facts: docs/facts/ootdiffusion.md#training.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tryon.engines.ootdiffusion.drawings import without_garment
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.training.config import OotdTraining
from tryon.engines.ootdiffusion.training.flow_loss import FlowLooks, flow_loss
from tryon.samplers.schedule import add_noise_each, alphas_cumprod

GAMMA = 5.0
"""As that paper recommends."""


@dataclass(frozen=True, kw_only=True)
class OotdLatents:
    """What one loss is calculated from; h and w are the picture's sides / 8.

    Args:
        image: (b, 4, h, w) scaled latent of the person in the garment.
        person: (b, 4, 5 or 8, h, w) what the try-on U-Net is shown of the person, unscaled.
        garment: (b, 4, h, w) unscaled.
        context: (b, n, context_dim), of the try-on U-Net.
        garment_context: (b, m, context_dim), of the garment U-Net.
        noise: (b, 4, h, w).
        timesteps: (b,) integers in [0, 999].
        dropped: (b,) bool: a latent of zeros takes the garment's place; the context keeps its vector.
        repaint: (b, 1, h, w) in {0, 1}, 1 = repaint.
        picture: (b, 3, 8h, 8w) in [-1, 1], the garment; the loss of attention looks at it.
        photo: (b, 3, 8h, 8w) in [-1, 1], the person in the garment.
        features: (b, …) what an adapter sees of the garment, where the wiring has one.
        drawings: (b, 3, 8h, 8w) in [0, 1], what a branch is shown, where the wiring has one.
    """

    image: Tensor
    person: Tensor
    garment: Tensor
    context: Tensor
    garment_context: Tensor
    noise: Tensor
    timesteps: Tensor
    dropped: Tensor
    repaint: Tensor
    picture: Tensor
    photo: Tensor
    features: Tensor | None = None
    drawings: Tensor | None = None


def ootd_losses(
    network: OotDiffusion,
    batch: OotdLatents,
    config: OotdTraining,
    *,
    garment_learns: bool = True,
    recompute: bool = False,
) -> dict[str, Tensor]:
    """The parts of the loss, scalars; their sum is minimised.

    Args:
        network: built with `savings.TRAINING`.
        batch: latents.
        config: which loss.
        garment_learns: gradients go through the garment U-Net.
        recompute: keep no map inside a stage for the backward pass, but calculate it again there.
    """
    noisy = add_noise_each(batch.image, batch.noise, batch.timesteps)
    shown = (~batch.dropped).view(-1, 1, 1, 1)
    garment = batch.garment * shown
    tokens = network.garment_tokens(
        garment, batch.garment_context, batch.timesteps, recompute=recompute, frozen=not garment_learns
    )
    seen = network.contexts(batch.context, tokens, picture=batch.features, area=batch.repaint)
    flows = FlowLooks(grid=(noisy.shape[2], noisy.shape[3])) if config.flow else None
    seen = flows.watching(seen) if flows else seen
    shifts, guide = network.time_shifts(batch.timesteps), None
    if batch.drawings is not None:
        drawings = torch.where(shown, batch.drawings, without_garment(network.wiring, batch.drawings))
        guide = network.guide(drawings, batch.context)
    answer = network.noise(noisy, batch.person, shifts, seen, guide, recompute=recompute)
    squared = (answer.float() - batch.noise).square()
    parts = {"noise": weighted(squared, batch, config)}
    if flows:
        parts["flow"] = config.flow * flow_loss(flows.maps, batch.picture, batch.photo, batch.repaint, batch.timesteps)
    return parts


def weighted(squared: Tensor, batch: OotdLatents, config: OotdTraining) -> Tensor:
    """The mean of squared errors (b, 4, h, w), weighted as the loss wants it."""
    if config.loss == "masked":
        weights = config.outside + (1 - config.outside) * batch.repaint
        return (squared * weights).sum() / (weights.sum() * squared.shape[1]).clamp(min=1)
    if config.loss == "min-snr":
        each: Tensor = squared.mean(dim=(1, 2, 3)) * min_snr_weights(batch.timesteps)
        return each.mean()
    return squared.mean()


def min_snr_weights(timesteps: Tensor) -> Tensor:
    """min(SNR, gamma) / SNR of a network that predicts noise (Hang et al. 2023, arXiv 2303.09556, eq. 8): (b,) fp32."""
    signal = torch.from_numpy(alphas_cumprod()).to(timesteps.device)[timesteps].float()
    ratio = signal / (1 - signal)
    return ratio.clamp(max=GAMMA) / ratio
