"""The warping network's recipe with a thirtieth of the channels."""

from __future__ import annotations

from pathlib import Path

import torch

from tryon.engines.dci_vton.training.warp_file import new_warper, write_warp_file
from tryon.engines.dci_vton.training.warp_recipe import WarpRecipe

CHANNELS, WIDTH = (8, 8, 8, 8, 8), 8
RECIPE = WarpRecipe(CHANNELS, WIDTH)


def write_start(path: Path) -> Path:
    """Weights to start from, under the published names."""
    write_warp_file(path, new_warper(0, CHANNELS, WIDTH).state_dict())
    return path


def vgg_file(path: Path, prefix: str = "vgg.conv{}", seed: int = 0) -> Path:
    """All sixteen convolutions of VGG-19, small random weights."""
    from tryon.training.judges.vgg import CHANNELS as WIDTHS
    from tryon.training.judges.vgg import names_up_to

    chance, state, before = torch.Generator().manual_seed(seed), {}, 3
    for name in names_up_to("5_4"):
        after = WIDTHS[int(name[0]) - 1]
        state[f"{prefix.format(name)}.weight"] = torch.randn(after, before, 3, 3, generator=chance) * (2 / (9 * before)) ** 0.5
        state[f"{prefix.format(name)}.bias"] = torch.zeros(after)
        before = after
    torch.save(state, path)
    return path
