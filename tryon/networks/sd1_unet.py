"""The U-Net of Stable Diffusion 1 as diffusers' own class, so that its `from_pretrained` opens what we save."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diffusers import UNet2DConditionModel

from tryon.networks.sd1 import GROUPS, LATENT_CHANNELS, LAYERS_PER_LEVEL


def sd1_unet(inputs: int, level_channels: Sequence[int], heads: int, context_dim: int, layers: int = LAYERS_PER_LEVEL) -> Any:
    """Build it; all that runs it is written out in `unet_layers`.

    Args:
        inputs: channels of the condition stack.
        level_channels: of the four levels, from the finest to the coarsest.
        heads: of every attention.
        context_dim: channels of a context token.
        layers: of a level of the encoder.
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
        norm_num_groups=GROUPS,
    )
