"""The 13-channel U-Net of StableVITON, read in the order of its figure.

The module is diffusers' `UNet2DConditionModel` (Stable Diffusion 1 layout with 13 input channels); the forward pass is
ours because the decoder looks at the garment between its stages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from tryon.engines.stableviton.architecture import GROUPS, LATENT_CHANNELS, LAYERS_PER_LEVEL, Architecture
from tryon.engines.stableviton.layers import Context, Stage, decoder_stages, encoder_stages, middle_stages
from tryon.engines.stableviton.mixing import AttentionProbe

FIRST_WARPED_STAGE = 3  # decoder stages 0 to 2 work on the coarsest grid, without garment
Probes = dict[int, AttentionProbe]


def build_unet(architecture: Architecture) -> Any:
    """Build the U-Net as diffusers' own class, so that its `from_pretrained` opens what we save."""
    a = architecture
    return UNet2DConditionModel(
        in_channels=a.condition_channels,
        out_channels=LATENT_CHANNELS,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        block_out_channels=a.level_channels,
        layers_per_block=LAYERS_PER_LEVEL,
        attention_head_dim=a.heads,  # diffusers' old name for the number of heads
        cross_attention_dim=a.context_dim,
        norm_num_groups=GROUPS,
    )


def unet_stages(unet: Any) -> list[Stage]:
    """All 25 stages after the first convolution, in running order: 11 encoder, 2 middle, 12 decoder."""
    return encoder_stages(unet.down_blocks) + middle_stages(unet.mid_block) + decoder_stages(unet.up_blocks)


def run_unet(
    unet: Any,
    warp: nn.ModuleList | None,
    x: Tensor,
    garment: Sequence[Tensor],
    shifts: list[Tensor | None],
    contexts: list[Context | None],
    fused: bool = True,
    probes: Probes | None = None,
) -> Tensor:
    """Predict the noise.

    Args:
        unet: what `build_unet` made.
        warp: the nine zero cross-attention blocks; None leaves the garment out (SIFT-VTON's unconditional pass).
        x: (b, 13, h, w) condition stack.
        garment: spatial-encoder outputs 0 to 8, finest first.
        shifts: time shift of each of the 25 stages.
        contexts: context of each of the 25 stages.
        fused: see `layers.attend`.
        probes: by warp block, a function that sees its attention map.

    Returns:
        (b, 4, h, w).
    """
    steps = iter(zip(unet_stages(unet), shifts, contexts, strict=True))
    h = unet.conv_in(x)
    skips = [h]
    for _ in range(11):
        stage, shift, context = next(steps)
        h = stage(h, shift, context, fused)
        skips.append(h)
    for _ in range(2):
        stage, shift, context = next(steps)
        h = stage(h, shift, context, fused)
    for number, (stage, shift, context) in enumerate(steps):
        block = number - FIRST_WARPED_STAGE
        if warp is not None and block >= 0:
            h = warp[block](h, garment[8 - block], fused=fused, probe=(probes or {}).get(block))
        h = stage(torch.cat([h, skips.pop()], dim=1), shift, context, fused)
    out: Tensor = unet.conv_out(F.silu(unet.conv_norm_out(h)))
    return out
