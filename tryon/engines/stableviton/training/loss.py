"""The training loss as a function of latents: nothing is drawn here, so that it can be held against recorded figures.

Facts: docs/facts/stableviton_training.md#loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tryon.engines.stableviton.network import StableViton, stack_conditions
from tryon.engines.stableviton.training.attention_loss import WEIGHT, attention_variation, looked_at, warp_grids
from tryon.engines.stableviton.unet import Pass, Probes, run_unet
from tryon.networks.attention import AttentionProbe
from tryon.samplers.schedule import add_noise_each


@dataclass(frozen=True, kw_only=True)
class LatentBatch:
    """What one loss is calculated from; h and w are image side / 8.

    Args:
        image: (b, 4, h, w) scaled latent of the person in the garment.
        conditions: (b, 9, h, w) agnostic, keep mask, densepose.
        garment: (b, 4, h, w) scaled latent of the garment.
        features: (b, 1, hidden) of the garment, before the mapper's projection.
        noise: (b, 4, h, w).
        timesteps: (b,) integers in [0, 999].
        worn: (b, 1, 8h, 8w) in [0, 1], 1 = garment; only the attention loss looks at it.
        dropped: the learned "no garment" token takes the place of the garment's.
    """

    image: Tensor
    conditions: Tensor
    garment: Tensor
    features: Tensor
    noise: Tensor
    timesteps: Tensor
    worn: Tensor | None = None
    dropped: bool = False


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """How the loss is calculated.

    Args:
        attention: with the attention loss.
        frozen_encoder: see `unet.Pass`.
        recompute: see `unet.Pass`.
    """

    attention: bool = False
    frozen_encoder: bool = True
    recompute: bool = False


@dataclass(frozen=True)
class Losses:
    """What a training step minimises, and its parts; scalars."""

    total: Tensor
    parts: dict[str, Tensor]


def training_loss(network: StableViton, batch: LatentBatch, options: LossOptions) -> Losses:
    """Mean squared error of the predicted noise, plus the weighted attention loss where it is asked for.

    Args:
        network: built with `savings.TRAINING`.
        batch: latents.
        options: how.
    """
    maps: dict[int, Tensor] = {}
    grids = warp_grids((batch.image.shape[2], batch.image.shape[3]))
    blocks = looked_at(grids) if options.attention else ()
    predicted = predict_noise(network, batch, options, {block: _keeper(maps, block) for block in blocks})
    squared = (predicted.float() - batch.noise.float()).square().mean(dim=(1, 2, 3)).mean()
    parts = {"noise": squared}
    if batch.worn is not None:
        jumps = [attention_variation(attention, batch.worn, grids[block]) for block, attention in maps.items()]
        parts |= {"attention": WEIGHT * torch.stack(jumps).sum()} if jumps else {}
    return Losses(torch.stack(list(parts.values())).sum(), parts)


def predict_noise(network: StableViton, batch: LatentBatch, options: LossOptions, probes: Probes | None = None) -> Tensor:
    """The network's answer to noisy latents, with gradients: (b, 4, h, w)."""
    noisy = add_noise_each(batch.image, batch.noise, batch.timesteps)
    stack = network.arranged(stack_conditions(noisy, *torch.split(batch.conditions, [4, 1, 4], dim=1)))
    token = (
        network.mapper.unconditional.expand(len(noisy), -1, -1) if batch.dropped else network.mapper.projection(batch.features)
    )
    shifts, contexts = network.time_shifts(batch.timesteps, frozen_encoder=options.frozen_encoder), network.contexts(token)
    kernel = network.savings.attention
    garment = network.control(stack, network.arranged(batch.garment), shifts.control, contexts.control, kernel, options.recompute)
    call = Pass(garment, shifts.unet, contexts.unet, kernel, probes or {}, options.frozen_encoder, options.recompute)
    return run_unet(network.unet, network.warp, stack, call)


def _keeper(maps: dict[int, Tensor], block: int) -> AttentionProbe:
    def keep(attention: Tensor) -> None:
        maps[block] = attention

    return keep
