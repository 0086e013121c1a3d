"""Recorded results of one file beside U-Nets and inputs that follow from their names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from named_weights import weights_module
from torch import Tensor

from tryon.networks.savings.swapping import use_cheaper_layers
from tryon.networks.savings.switches import ALL
from tryon.networks.sd1_unet import sd1_unet


class Records:
    """Recorded tensors of one file, and networks and inputs made from their names."""

    def __init__(self, folder: Path, name: str, prefix: str = "") -> None:
        self.make: ModuleType = weights_module(folder)
        with np.load(folder / "public" / name) as file:
            self.arrays = dict(file)
        self.meta = json.loads(str(self.arrays.pop("meta")))
        self.salt, self.prefix = self.meta["salt"], prefix

    def unet(self, name: str, inputs: int) -> Any:
        """The U-Net whose weights follow from a name, in the cheap form."""
        widths = self.meta["unet"]
        made = sd1_unet(
            inputs,
            widths["block_out_channels"],
            widths["attention_head_dim"],
            widths["cross_attention_dim"],
            groups=widths["norm_num_groups"],
        )
        self.make.fill_module(made, f"{self.prefix}{name}.", self.salt)
        use_cheaper_layers((made,), replace(ALL, block_attention=False))
        return made.eval().requires_grad_(False)

    def data(self, name: str, *shape: int) -> Tensor:
        return torch.from_numpy(self.make.data_for(name, shape, self.salt))

    def recorded(self, name: str) -> Tensor:
        return torch.from_numpy(self.arrays[name])
