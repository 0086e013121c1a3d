"""The U-Net of Stable Diffusion 1 as diffusers' own class, so that its `from_pretrained` opens what we save, and its plain run.

A stage may look at more than its own tokens: `unet_layers.Context` says at what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.models.embeddings import get_timestep_embedding
from torch import Tensor

from tryon.networks.attention import Kernel
from tryon.networks.sd1 import GROUPS, LATENT_CHANNELS, LAYERS_PER_LEVEL
from tryon.networks.unet_layers import (
    Context,
    UNetStage,
    decoder_stages,
    encoder_stages,
    middle_stages,
    recomputed,
    time_shift,
    unet_stages,
)

Shifts = list[Tensor | None]
"""Per stage of `unet_stages`, (n, c); None where a stage has no use for time."""
Contexts = list[Context | None]
"""Per stage of `unet_stages`; None where a stage has no transformer."""


@dataclass(frozen=True)
class Residuals:
    """What another network adds to a U-Net's maps.

    Args:
        skips: to each skip connection, in the encoder's order.
        middle: to what the middle block gives.
    """

    skips: Sequence[Tensor]
    middle: Tensor


def sd1_unet(
    inputs: int,
    level_channels: Sequence[int],
    heads: int,
    context_dim: int,
    layers: int = LAYERS_PER_LEVEL,
    groups: int = GROUPS,
) -> Any:
    """Build it.

    Args:
        inputs: channels of the condition stack.
        level_channels: of the four levels, from the finest to the coarsest.
        heads: of every attention.
        context_dim: channels of a context token.
        layers: of a level of the encoder.
        groups: of every group normalisation.
    """
    return UNet2DConditionModel(
        in_channels=inputs,
        out_channels=LATENT_CHANNELS,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        block_out_channels=tuple(level_channels),
        layers_per_block=layers,
        attention_head_dim=heads,  # diffusers' old name for the number of heads
        cross_attention_dim=context_dim,
        norm_num_groups=groups,
    )


def time_shifts(unet: Any, timesteps: Tensor) -> Shifts:
    """Every stage's time shift for timesteps (n,) in [0, 999]."""
    return stage_shifts(unet, unet_stages(unet), timesteps)


def stage_shifts(unet: Any, stages: Sequence[UNetStage], timesteps: Tensor) -> Shifts:
    """As `time_shifts`, for a network's stages."""
    waves = get_timestep_embedding(timesteps, unet.conv_in.out_channels, flip_sin_to_cos=True, downscale_freq_shift=0)
    embedding = unet.time_embedding(waves.to(unet.conv_in.weight.dtype))
    return [None if stage.residual is None else time_shift(stage.residual, embedding) for stage in stages]


def predict_noise(
    unet: Any,
    x: Tensor,
    shifts: Shifts,
    contexts: Contexts,
    kernel: Kernel = Kernel.FUSED,
    *,
    recompute: bool = False,
    residuals: Residuals | None = None,
) -> Tensor:
    """Predict the noise in a condition stack.

    Args:
        unet: what `sd1_unet` made.
        x: (b, inputs, h, w), in the U-Net's number format and memory layout.
        shifts: what `time_shifts` gave for b timesteps, or for one.
        contexts: what each stage looks at.
        kernel: see `attention.mix`.
        recompute: keep no map inside a stage for the backward pass, but calculate it again there.
        residuals: of a branch beside it.

    Returns:
        (b, 4, h, w).
    """
    h = _last_map(unet, x, shifts, contexts, kernel, recompute, residuals)
    out: Tensor = unet.conv_out(F.silu(unet.conv_norm_out(h), inplace=True))
    return out


def last_tokens_map(
    unet: Any, x: Tensor, shifts: Shifts, contexts: Contexts, kernel: Kernel = Kernel.FUSED, *, recompute: bool = False
) -> Tensor:
    """The map (b, c, h, w) that enters the last transformer: where a pass ends of which only tokens are wanted."""
    return _last_map(unet, x, shifts, [*contexts[:-1], None], kernel, recompute)


def _last_map(
    unet: Any,
    x: Tensor,
    shifts: Shifts,
    contexts: Contexts,
    kernel: Kernel,
    recompute: bool,
    residuals: Residuals | None = None,
) -> Tensor:
    h: Tensor
    rest = iter(zip(shifts, contexts, strict=True))
    skips, h = encoded_maps(unet, unet.conv_in(x), rest, kernel, recompute)
    if residuals is not None:
        skips, h = [skip + more for skip, more in zip(skips, residuals.skips, strict=True)], h + residuals.middle
    for stage in decoder_stages(unet.up_blocks):
        h = recomputed(recompute, stage, torch.cat([h, skips.pop()], dim=1), *next(rest), kernel)
    return h


def encoded_maps(
    unet: Any, first: Tensor, rest: Iterator[Sequence[Any]], kernel: Kernel, recompute: bool
) -> tuple[list[Tensor], Tensor]:
    """What encoder and middle make: the twelve skip connections, in the encoder's order, and the middle's map.

    Args:
        unet: a U-Net, or a copy of its encoder and middle.
        first: (b, c, h, w), what the first convolution gave.
        rest: time shift and context of every stage in running order; those of encoder and middle are taken.
        kernel: see `attention.mix`.
        recompute: see `predict_noise`.
    """
    skips = [first]
    for stage in encoder_stages(unet.down_blocks):
        skips.append(recomputed(recompute, stage, skips[-1], *next(rest), kernel))
    h = skips[-1]
    for stage in middle_stages(unet.mid_block):
        h = recomputed(recompute, stage, h, *next(rest), kernel)
    return skips, h
