"""A copy of a U-Net's encoder that looks at a drawing and adds to the U-Net's skip connections: ControlNet (arXiv 2302.05543).

diffusers' `ControlNetModel` holds the parameters. It is run by our own stages, because two things stay the same over a picture's
calls and are made once: the drawing's map, and keys and values of the context.

```
drawing ─ small convolutions ─▶ map ─┐
noisy, person ─ first convolution ───┴▶ encoder's copy, middle's copy ─▶ 12 + 1 convolutions of zeros ─▶ added to skips and middle
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import ControlNetModel
from torch import Tensor, nn

from tryon.networks.attention import Kernel
from tryon.networks.reference_attention import Tabulated
from tryon.networks.sd1_unet import Contexts, Residuals, Shifts, encoded_maps, stage_shifts
from tryon.networks.unet_layers import Context, KeysValues, UNetStage, encoder_stages, keys_values, middle_stages

Module = Any  # a diffusers module: the library ships no types
COPIED = ("conv_in.", "time_embedding.", "down_blocks.", "mid_block.")
"""What begins as a copy of the U-Net's."""


def residual_branch(unet: Module) -> Module:
    """A branch for a U-Net, of its widths, with weights of its own."""
    return ControlNetModel.from_unet(unet, load_weights_from_unet=False)


@torch.no_grad()
def begin_as_copy(branch: Module, unet: Mapping[str, Tensor]) -> None:
    """Where training begins: encoder and middle are the U-Net's, and what is added is nothing.

    Args:
        branch: what `residual_branch` made, its memory not filled yet.
        unet: the U-Net's weights by name.
    """
    own = branch.state_dict()
    branch.load_state_dict({name: unet[name].float() if name.startswith(COPIED) else each for name, each in own.items()})
    for layer in branch.controlnet_cond_embedding.modules():
        if isinstance(layer, nn.Conv2d):
            layer.reset_parameters()
    silent = (branch.controlnet_cond_embedding.conv_out, branch.controlnet_mid_block, branch.controlnet_down_blocks)
    for parameter in [each for part in silent for each in part.parameters()]:
        nn.init.zeros_(parameter)


@dataclass(frozen=True)
class Guide:
    """What a branch is shown of pictures, the same in all calls with them.

    Args:
        drawing: (b, c, h, w), what the branch's first layers made of the drawing.
        contexts: per stage of `branch_stages`.
    """

    drawing: Tensor
    contexts: Contexts


def branch_stages(branch: Module) -> list[UNetStage]:
    """The stages after the first convolution, in running order: encoder (11), middle (2)."""
    return encoder_stages(branch.down_blocks) + middle_stages(branch.mid_block)


def branch_shifts(branch: Module, timesteps: Tensor) -> Shifts:
    """Every stage's time shift for timesteps (n,) in [0, 999]."""
    return stage_shifts(branch, branch_stages(branch), timesteps)


def guide_of(branch: Module, drawing: Tensor, context: Tensor, kernel: Kernel = Kernel.FUSED) -> Guide:
    """Prepare a branch for pictures.

    Args:
        branch: the network.
        drawing: (b, 3, 8h, 8w) in [0, 1].
        context: (b, n, context_dim), as the U-Net's.
        kernel: by which the context will be looked at.
    """
    seen: Contexts = [
        None if stage.transformer is None else Context(across=Tabulated(_projected(stage, context, kernel)))
        for stage in branch_stages(branch)
    ]
    return Guide(branch.controlnet_cond_embedding(drawing), seen)


def _projected(stage: UNetStage, context: Tensor, kernel: Kernel) -> KeysValues:
    assert stage.transformer is not None
    return keys_values(stage.transformer.transformer_blocks[0].attn2, context, kernel=kernel)


def branch_residuals(
    branch: Module, x: Tensor, shifts: Shifts, guide: Guide, kernel: Kernel = Kernel.FUSED, *, recompute: bool = False
) -> Residuals:
    """What a branch adds to the twelve skip connections, in the encoder's order, and to the middle's map.

    Args:
        branch: the network.
        x: (b, inputs, h, w), as the U-Net's.
        shifts: what `branch_shifts` gave for b timesteps, or for one.
        guide: what `guide_of` gave.
        kernel: see `attention.mix`.
        recompute: see `sd1_unet.predict_noise`.
    """
    seen = [given for _, *given in zip(branch_stages(branch), shifts, guide.contexts, strict=True)]
    maps, middle = encoded_maps(branch, branch.conv_in(x) + guide.drawing, iter(seen), kernel, recompute)
    skips = [out(each) for out, each in zip(branch.controlnet_down_blocks, maps, strict=True)]
    return Residuals(skips, branch.controlnet_mid_block(middle))
