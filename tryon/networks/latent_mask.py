"""A mask on the grid of latents (docs/facts/stable_diffusion_1.md#resizing)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from tryon.networks.sd1 import LATENT_STRIDE


def latent_mask(keep: Tensor, *, antialias: bool = False) -> Tensor:
    """Shrink a keep mask (b, 1, height, width) to the latent grid; borders become fractional.

    Without antialias by default: the networks were trained under torchvision before 0.17, whose tensor resize had none.
    """
    height, width = keep.shape[-2:]
    size = (height // LATENT_STRIDE, width // LATENT_STRIDE)
    return F.interpolate(keep, size, mode="bilinear", align_corners=False, antialias=antialias)
