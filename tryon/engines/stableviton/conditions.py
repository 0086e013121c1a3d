"""Pictures on disk conventions → tensors the network was trained on (docs/facts/stableviton.md#data).

The mask's polarity flips here and nowhere else: artefacts say True = repaint, this network says 1 = keep.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.core.arrays import RGB
from tryon.networks.sd1 import LATENT_STRIDE


def picture_tensor(picture: RGB) -> Tensor:
    """(height, width, 3) uint8 RGB → (1, 3, height, width) fp32 in [-1, 1], rounded exactly like the official u8 / 127.5 - 1."""
    values = picture.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return torch.from_numpy(values).permute(2, 0, 1)[None].contiguous()


def latent_mask(keep: Tensor, *, antialias: bool = False) -> Tensor:
    """Shrink a keep mask (b, 1, height, width) to the latent grid; borders become fractional.

    Without antialias by default: the network was trained under torchvision 0.15, whose tensor resize had none.
    """
    height, width = keep.shape[-2:]
    size = (height // LATENT_STRIDE, width // LATENT_STRIDE)
    return F.interpolate(keep, size, mode="bilinear", align_corners=False, antialias=antialias)


def to_uint8(decoded: Tensor, *, rounded: bool) -> RGB:
    """Decoded pictures (b, 3, h, w), about [-1, 1] → (b, h, w, 3) uint8 RGB.

    Args:
        decoded: what the VAE gave.
        rounded: to the nearest level; False cuts the fraction off like the official script (half a level darker).
    """
    levels = (decoded.clamp(-1, 1) + 1) / 2 * 255
    return _levels(levels, rounded).permute(0, 2, 3, 1).cpu().numpy()


def paste_kept(generated: RGB, person: RGB, keep: Tensor, *, rounded: bool) -> RGB:
    """The official "repaint": put the person back where the mask says keep.

    Args:
        generated: (h, w, 3) uint8.
        person: (h, w, 3) uint8, the picture before.
        keep: (h, w) fp32 in [0, 1], 1 = keep; fractions blend.
        rounded: see `to_uint8`.

    Returns:
        (h, w, 3) uint8.
    """
    source = _levels((picture_tensor(person)[0].permute(1, 2, 0) + 1) / 2 * 255, rounded).float()
    blended = source * keep[..., None] + torch.from_numpy(generated).float() * (1 - keep[..., None])
    return _levels(blended, rounded).numpy()


def _levels(values: Tensor, rounded: bool) -> Tensor:
    return (values + 0.5 if rounded else values).clamp(0, 255).to(torch.uint8)
