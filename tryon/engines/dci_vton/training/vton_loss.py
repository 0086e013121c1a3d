"""The diffusion network's training loss as a function of latents: nothing is drawn here, so recorded figures can be met.

Two branches share timestep and garment. One starts from the photo's latent and predicts its noise. The other starts from that of
the picture with the warped garment; what it takes for the clean picture is decoded, with gradients, and held against the photo.

Facts: docs/facts/dci_vton.md#training.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from tryon.engines.dci_vton.network import DciVton
from tryon.engines.dci_vton.training.config import VtonTraining
from tryon.networks.unet_layers import recomputed
from tryon.networks.vae import decode_latents
from tryon.samplers.schedule import add_noise_each, alphas_cumprod
from tryon.training.judges.vgg import VggDistance


@dataclass(frozen=True, kw_only=True)
class VtonLatents:
    """What one loss is calculated from; h and w are the square's side / 8.

    Args:
        photo: (b, 3, 8h, 8w) in [-1, 1].
        image: (b, 4, h, w) scaled latent of it.
        warped: (b, 4, h, w) scaled latent of the picture with the warped garment.
        shown: (b, 5, h, w): scaled latent of the inpaint picture, keep mask (1 = keep).
        pooled: (b, hidden) CLIP's vector of the garment, before the mapper.
        noise: (b, 4, h, w), of the first branch.
        warped_noise: (b, 4, h, w), of the second.
        timesteps: (b,) integers in [0, 999].
        dropped: (b,) bool: the learned "no garment" token takes the place of the garment's.
    """

    photo: Tensor
    image: Tensor
    warped: Tensor
    shown: Tensor
    pooled: Tensor
    noise: Tensor
    warped_noise: Tensor
    timesteps: Tensor
    dropped: Tensor


def vton_losses(
    network: DciVton, batch: VtonLatents, config: VtonTraining, judge: VggDistance | None, *, recompute: bool = False
) -> dict[str, Tensor]:
    """The weighted parts, scalars; their sum is minimised.

    Args:
        network: built with `savings.TRAINING`.
        batch: latents.
        config: weights of the parts.
        judge: VGG, where its weights are there.
        recompute: keep no map inside a stage, or of the decoder, for the backward pass, but calculate it again there.
    """
    noisy = add_noise_each(batch.image, batch.noise, batch.timesteps)
    noisy_warped = add_noise_each(batch.warped, batch.warped_noise, batch.timesteps)
    predicted, predicted_warped = _noise(network, batch, [noisy, noisy_warped], recompute).float().chunk(2)
    decode = partial(decode_latents, network.vae)
    made = recomputed(recompute, decode, clean_latents(noisy_warped, predicted_warped, batch.timesteps))
    parts = {
        "noise": (predicted - batch.noise).square().mean(),
        "image": config.image * (made - batch.photo).square().mean(),
    }
    if judge is not None:
        parts["vgg"] = config.vgg * judge(made, batch.photo)
    return parts


def clean_latents(noisy: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """What is left without the noise (Ho et al. 2020, eq. 15): (b, 4, h, w), (b, 4, h, w), (b,) → (b, 4, h, w) fp32."""
    signal = torch.from_numpy(alphas_cumprod()).to(noisy.device)[timesteps].view(-1, 1, 1, 1)
    return (noisy.float() - (1 - signal).sqrt() * noise.float()) / signal.sqrt()


def _noise(network: DciVton, batch: VtonLatents, branches: list[Tensor], recompute: bool) -> Tensor:
    """(branches · b, 4, h, w), all in one call."""
    token = network.mapper(batch.pooled)
    token = torch.where(batch.dropped.view(-1, 1, 1), network.mapper.unconditional.to(token.dtype), token)
    count = len(branches)
    stack = torch.cat([torch.cat(branches), batch.shown.repeat(count, 1, 1, 1)], dim=1)
    shifts = network.time_shifts(batch.timesteps.repeat(count))
    return network.noise(stack, shifts, network.contexts(token.repeat(count, 1, 1)), recompute=recompute)
