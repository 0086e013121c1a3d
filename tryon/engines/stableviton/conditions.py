"""Pictures on disk conventions → tensors the network was trained on (docs/facts/stableviton.md#data).

The mask's polarity flips here and nowhere else: artefacts say True = repaint, this network says 1 = keep.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from tryon.engines.stableviton.architecture import LATENT_STRIDE

CLIP_SIDE = 224  # pixels
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)

Picture = NDArray[np.uint8]


def picture_tensor(picture: Picture) -> Tensor:
    """(height, width, 3) uint8 RGB → (1, 3, height, width) fp32 in [-1, 1], rounded exactly like the official u8 / 127.5 - 1."""
    values = picture.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return torch.from_numpy(values).permute(2, 0, 1)[None].contiguous()


def keep_mask_tensor(repaint: NDArray[np.bool_]) -> Tensor:
    """(height, width) bool, True = repaint → (1, 1, height, width) fp32, 1 = keep."""
    return torch.from_numpy(np.where(repaint, np.float32(0), np.float32(1)))[None, None]


def latent_mask(keep: Tensor, *, antialias: bool = False) -> Tensor:
    """Shrink a keep mask (b, 1, height, width) to the latent grid; borders become fractional.

    Without antialias by default: the network was trained under torchvision 0.15, whose tensor resize had none.
    """
    height, width = keep.shape[-2:]
    return _resize(keep, (height // LATENT_STRIDE, width // LATENT_STRIDE), antialias)


def clip_input(garment: Tensor, *, side: int = CLIP_SIDE, antialias: bool = False) -> Tensor:
    """Squash a garment picture (b, 3, height, width) in [-1, 1] to CLIP's square and normalise it.

    The aspect ratio is lost and there is no antialias: that is how the network saw garments in training.
    """
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (CLIP_MEAN, CLIP_DEVIATION))
    return (_resize(garment, (side, side), antialias) / 2 + 0.5 - mean.to(garment)) / deviation.to(garment)


def to_uint8(decoded: Tensor, *, rounded: bool) -> Picture:
    """Decoded pictures (b, 3, h, w), about [-1, 1] → (b, h, w, 3) uint8 RGB.

    Args:
        decoded: what the VAE gave.
        rounded: to the nearest level; False cuts the fraction off like the official script (half a level darker).
    """
    levels = (decoded.clamp(-1, 1) + 1) / 2 * 255
    return _levels(levels, rounded).permute(0, 2, 3, 1).cpu().numpy()


def paste_kept(generated: Picture, person: Picture, keep: Tensor, *, rounded: bool) -> Picture:
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


def _resize(x: Tensor, size: tuple[int, int], antialias: bool) -> Tensor:
    return F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=antialias)
