"""The 13-channel U-Net of StableVITON, read in the order of its figure (docs/facts/stableviton.md#network).

The module is diffusers' `UNet2DConditionModel` (Stable Diffusion 1 layout with 13 input channels); the forward pass is
ours because the decoder looks at the garment between its stages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tryon.engines.stableviton.architecture import Architecture
from tryon.engines.stableviton.warp import PlainAddition
from tryon.networks.attention import AttentionProbe, Kernel
from tryon.networks.sd1_unet import sd1_unet
from tryon.networks.unet_layers import Context, UNetStage, recomputed, unet_stages

ENCODER = 11  # stages 0 to 10; the first two work on the finest grid
FINE_ENCODER = 2
MIDDLE = range(11, 13)
COARSE_DECODER = range(13, 22)  # the last one ends with the step up to the finest grid
FINE_DECODER = range(22, 25)
FIRST_WARPED = 16  # the three decoder stages before it work on the coarsest grid, without garment
Probes = dict[int, AttentionProbe]


def build_unet(architecture: Architecture) -> Any:
    """The U-Net of these widths, with the 13 input channels."""
    a = architecture
    return sd1_unet(a.condition_channels, a.level_channels, a.heads, a.context_dim)


@dataclass
class DeepFeatures:
    """Approximation (DeepCache, arXiv 2312.00858): the decoder's map at its last change of resolution, kept over calls.

    Everything coarser than the finest grid is skipped while `reuse` is set.
    """

    reuse: bool = False
    kept: Tensor | None = None


@dataclass(frozen=True)
class Pass:
    """What the stages of one model call have in common.

    Args:
        garment: spatial-encoder outputs 0 to 8, finest first.
        shifts: time shift of each of the 25 stages.
        contexts: context of each of the 25 stages.
        kernel: see `attention.mix`.
        probes: by warp block, a function that sees its attention map.
        frozen_encoder: encoder and middle block run without gradients, as in the published training.
        recompute: keep no map inside a stage for the backward pass, but calculate it again there.
    """

    garment: Sequence[Tensor]
    shifts: list[Tensor | None]
    contexts: list[Context | None]
    kernel: Kernel = Kernel.FUSED
    probes: Probes = field(default_factory=dict)
    frozen_encoder: bool = False
    recompute: bool = False

    def run(self, stages: Sequence[UNetStage], number: int, x: Tensor) -> Tensor:
        """Run one of the 25 stages."""
        return recomputed(self.recompute, stages[number], x, self.shifts[number], self.contexts[number], self.kernel)

    def warp(self, blocks: nn.ModuleList, number: int, x: Tensor) -> Tensor:
        """Run one of the nine zero cross-attention blocks; one that is looked at keeps its maps."""
        probe = self.probes.get(number)
        call = partial(blocks[number], kernel=self.kernel, probe=probe)
        return recomputed(self.recompute and probe is None, call, x, self.garment[8 - number])


def run_unet(unet: Any, warp: nn.ModuleList | None, x: Tensor, call: Pass, deep: DeepFeatures | None = None) -> Tensor:
    """Predict the noise.

    Args:
        unet: what `build_unet` made.
        warp: the nine zero cross-attention blocks; None leaves the garment out (SIFT-VTON's unconditional pass).
        x: (b, 13, h, w) condition stack.
        call: what this model call is conditioned on.
        deep: keeps, or gives back, the coarse half of the work.

    Returns:
        (b, 4, h, w).
    """
    stages = unet_stages(unet)
    deep = deep or DeepFeatures()
    with torch.set_grad_enabled(torch.is_grad_enabled() and not call.frozen_encoder):
        skips = [unet.conv_in(x)]
        for number in range(FINE_ENCODER if deep.reuse else ENCODER):
            skips.append(call.run(stages, number, skips[-1]))
        h = skips[-1]
        for number in MIDDLE if not deep.reuse or deep.kept is None else ():
            h = call.run(stages, number, h)
    if not deep.reuse or deep.kept is None:
        deep.kept = _decode(stages, COARSE_DECODER, h, skips, warp, call)
    h = _decode(stages, FINE_DECODER, deep.kept, skips, warp, call)
    out: Tensor = unet.conv_out(F.silu(unet.conv_norm_out(h), inplace=True))
    return out


def _decode(
    stages: Sequence[UNetStage], numbers: range, h: Tensor, skips: list[Tensor], warp: nn.ModuleList | None, call: Pass
) -> Tensor:
    """Some decoder stages: look at the garment, join the skip connection, run; `skips` loses what was used."""
    for number in numbers:
        block = number - FIRST_WARPED
        if warp is not None and block >= 0:
            if isinstance(warp[block], PlainAddition):
                skips[-1] = warp[block](skips[-1], call.garment[8 - block])
            else:
                h = call.warp(warp, block, h)
        h = call.run(stages, number, torch.cat([h, skips.pop()], dim=1))
    return h
