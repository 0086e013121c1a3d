"""LPIPS with VGG-16 as a training loss (Zhang et al. 2018, arXiv 1801.03924), on weights that lie in the VAE's published file.

Nothing is downloaded: `VITONHD_VAE_finetuning.ckpt` carries the network beside the VAE, under `loss.perceptual_loss.`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.core.errors import WeightsError
from tryon.checkpoints import open_checkpoint

PREFIXES = ("loss.perceptual_loss.", "perceptual_loss.", "")
SLICES = (((0, 3, 64), (2, 64, 64)), ((5, 64, 128), (7, 128, 128)), ((10, 128, 256), (12, 256, 256), (14, 256, 256)),
          ((17, 256, 512), (19, 512, 512), (21, 512, 512)), ((24, 512, 512), (26, 512, 512), (28, 512, 512)))  # fmt: skip
"""(number in VGG-16, channels in, channels out) of the convolutions up to each of the five places that are compared."""
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


class Perceptual(nn.Module):
    """A distance of pictures; all weights frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleDict(
            {f"{place}_{number}": nn.Conv2d(inputs, outputs, 3, padding=1) for place, slice_ in enumerate(SLICES, 1)
             for number, inputs, outputs in slice_}
        )  # fmt: skip
        self.heads = nn.ModuleList([nn.Conv2d(slice_[-1][2], 1, 1, bias=False) for slice_ in SLICES])
        self.requires_grad_(False)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """(b, 3, h, w) in [-1, 1] twice → the mean distance, a scalar."""
        pairs = zip(self._maps(one), self._maps(other), self.heads, strict=True)
        return torch.stack([head((_unit(a) - _unit(b)).square()).mean() for a, b, head in pairs]).sum()

    def _maps(self, pictures: Tensor) -> list[Tensor]:
        shift, scale = (pictures.new_tensor(values).view(1, 3, 1, 1) for values in (SHIFT, SCALE))
        x, maps = (pictures - shift) / scale, []
        for place, slice_ in enumerate(SLICES, 1):
            x = F.max_pool2d(x, 2) if place > 1 else x
            for number, _, _ in slice_:
                x = F.relu(self.convolutions[f"{place}_{number}"](x))
            maps.append(x)
        return maps


def load_perceptual(path: Path) -> Perceptual:
    """Open the network from a file that holds it, under one of `PREFIXES`.

    Raises:
        WeightsError: the file is not there or holds no such network.
    """
    stored = open_checkpoint(path)
    for prefix in PREFIXES:
        if f"{prefix}lin0.model.1.weight" in stored:
            return _filled(stored, prefix)
    raise WeightsError(
        f"{path}: holds no LPIPS network (looked for lin0.model.1.weight)",
        "give VITONHD_VAE_finetuning.ckpt, or leave vae_decoder.lpips out: L1 alone",
    )


def _filled(stored: Mapping[str, Tensor], prefix: str) -> Perceptual:
    network = Perceptual()
    wanted: dict[str, Tensor] = {}
    for place, slice_ in enumerate(SLICES, 1):
        for number, _, _ in slice_:
            for kind in ("weight", "bias"):
                wanted[f"convolutions.{place}_{number}.{kind}"] = stored[f"{prefix}net.slice{place}.{number}.{kind}"]
        wanted[f"heads.{place - 1}.weight"] = stored[f"{prefix}lin{place - 1}.model.1.weight"]
    network.load_state_dict(wanted)
    return network


def _unit(maps: Tensor) -> Tensor:
    return maps / (maps.square().sum(1, keepdim=True).sqrt() + 1e-10)
