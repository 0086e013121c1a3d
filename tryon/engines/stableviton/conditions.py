"""Pictures on disk conventions → tensors the network was trained on (docs/facts/stableviton.md#data).

The mask's polarity flips here and nowhere else: artefacts say True = repaint, this network says 1 = keep.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.core.arrays import RGB
from tryon.networks.pictures import picture_tensor, to_levels


def paste_kept(generated: RGB, person: RGB, keep: Tensor, *, rounded: bool) -> RGB:
    """The official "repaint": put the person back where the mask says keep.

    Args:
        generated: (h, w, 3) uint8.
        person: (h, w, 3) uint8, the picture before.
        keep: (h, w) fp32 in [0, 1], 1 = keep; fractions blend.
        rounded: see `to_levels`.

    Returns:
        (h, w, 3) uint8.
    """
    source = to_levels((picture_tensor(person)[0].permute(1, 2, 0) + 1) / 2 * 255, rounded=rounded).float()
    blended = source * keep[..., None] + torch.from_numpy(generated).float() * (1 - keep[..., None])
    return to_levels(blended, rounded=rounded).numpy()
