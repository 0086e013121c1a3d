"""Which weights are trained, in named groups (docs/facts/stableviton_training.md#what-is-trained).

Listed are exactly those that get a gradient: the published optimiser also lists seventy tensors that never do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from torch import nn

from tryon.engines.stableviton.network import StableViton
from tryon.training.parameters import Groups

Parameters = dict[str, nn.Parameter]


class Unlock(StrEnum):
    """What is trained on top of the published set."""

    DECODER = "decoder"  # output blocks and output layers of the U-Net: the published --sd_unlocked
    ALL = "all"  # as published: lists the whole U-Net, of which the encoder runs without gradients, so what DECODER trains
    ENCODER = "encoder"  # the U-Net's encoder and middle block as well, with gradients
    CLIP = "clip"  # the mapper behind the CLIP tower: cond_stage_trainable of the published configuration


@dataclass(frozen=True)
class TrainedParts:
    """What is unlocked."""

    unlock: frozenset[Unlock] = frozenset()

    @property
    def decoder(self) -> bool:
        """Whether the U-Net's decoder is trained."""
        return bool(self.unlock & {Unlock.DECODER, Unlock.ALL, Unlock.ENCODER})

    @property
    def encoder(self) -> bool:
        """Whether the U-Net's encoder is trained."""
        return Unlock.ENCODER in self.unlock

    @property
    def mapper(self) -> bool:
        """Whether the mapper is trained."""
        return Unlock.CLIP in self.unlock


DECODER = ("unet.up_blocks.", "unet.conv_norm_out.", "unet.conv_out.")


def trained_groups(network: StableViton, parts: TrainedParts) -> Groups:
    """Group → parameter name → parameter, each in one group; the names are those of the network."""
    groups: dict[str, Parameters] = {}
    for name, parameter in network.named_parameters():
        group = _group_of(name, parts)
        if group and not _without_gradient(name):
            groups.setdefault(group, {})[name] = parameter
    return groups


def _group_of(name: str, parts: TrainedParts) -> str:
    if name.startswith("control."):
        return "spatial encoder"
    if name.startswith("warp."):
        return "zero convolutions" if ".zero_conv." in name else "warp blocks"
    if name.startswith(("mapper.projection.", "mapper.unconditional")):
        return "token"
    if name.startswith("mapper."):
        return "mapper" if parts.mapper else ""
    if name.startswith("unet."):
        decoder = name.startswith(DECODER)
        return "decoder" if decoder and parts.decoder else "encoder" if not decoder and parts.encoder else ""
    return ""


def _without_gradient(name: str) -> bool:
    """The coarsest level and the middle of the spatial encoder feed nothing."""
    return name.startswith(("control.down_blocks.3.", "control.mid_block.", "control.down_blocks.2.downsamplers."))
