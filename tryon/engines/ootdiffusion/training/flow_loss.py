"""Leffa's loss of attention: where a patch of the person looks on the garment, the garment should have the patch's colour.

Each self-attention outside the middle block, restricted to the garment's keys, is a map of places; the garment's picture moved by
it is held against the photo inside the repainted area. Facts: docs/facts/ootdiffusion.md#loss-of-attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from tryon.networks.attention import Kernel
from tryon.networks.reference_attention import Look, looking_through
from tryon.networks.sd1_unet import Contexts

TEMPERATURE = 2.0
"""Scores are divided by it."""
MIDDLE = 6
"""The place in running order that takes no part: the middle block's."""
LATEST = 500
"""Timesteps from here on count nothing: too noisy to know where to look."""
Size = tuple[int, int]


@dataclass
class FlowLooks:
    """Lets self-attentions look as they do, and keeps where each patch looks on the garment.

    Args:
        grid: (height, width) of the latents.
        maps: by place, (b, 2, height, width) of that place: x and y in [-1, 1].
    """

    grid: Size
    maps: dict[int, Tensor] = field(default_factory=dict)

    def watching(self, contexts: Contexts) -> Contexts:
        """The same contexts, watched."""
        looks = [context.itself for context in contexts if context is not None]
        return looking_through(contexts, [self._watched(place, look) for place, look in enumerate(looks)])

    def _watched(self, place: int, look: Any) -> Any:
        if place == MIDDLE or not isinstance(look, Look):
            assert place == MIDDLE, "the garment's keys and values are kept in training"
            return look

        def watch(layer: Any, tokens: Tensor, kernel: Kernel) -> Tensor:
            self.maps[place] = self._flow(layer, tokens, look)
            out: Tensor = look(layer, tokens, kernel)
            return out

        return watch

    def _flow(self, layer: Any, tokens: Tensor, look: Look) -> Tensor:
        attention = layer.attn1
        query, key = (
            rearrange(each, "b n (heads d) -> b heads n d", heads=attention.heads)
            for each in (attention.to_q(layer.norm1(tokens)), look.reference.keys)
        )
        scores = query.float() @ key.float().transpose(-1, -2) / (query.shape[-1] ** 0.5 * TEMPERATURE)
        height, width = self._size(tokens.shape[1])
        places = scores.softmax(-1).mean(1) @ coordinates((height, width)).to(scores)
        flow: Tensor = rearrange(places, "b (h w) xy -> b xy h w", h=height)
        return flow

    def _size(self, count: int) -> Size:
        halving = round((self.grid[0] * self.grid[1] / count) ** 0.5)
        return self.grid[0] // halving, self.grid[1] // halving


def coordinates(size: Size) -> Tensor:
    """(h · w, 2): x and y of each cell, from -1 in the first to 1 in the last."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, size[0]), torch.linspace(-1, 1, size[1]), indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)


def flow_loss(maps: dict[int, Tensor], garment: Tensor, photo: Tensor, area: Tensor, timesteps: Tensor) -> Tensor:
    """The mean over places and pictures, not weighted.

    Args:
        maps: see `FlowLooks`.
        garment: (b, 3, h, w) in [-1, 1].
        photo: (b, 3, h, w) in [-1, 1].
        area: (b, 1, h / 8, w / 8), 1 = where the garment is worn: the repainted area stands for it.
        timesteps: (b,) integers.
    """
    inside = F.interpolate(area, garment.shape[-2:], mode="nearest")
    each = torch.stack([moved_distance(flow, garment, photo, inside) for flow in _ordered(maps)]).mean(0)
    loss: Tensor = (each * (timesteps < LATEST)).mean()
    return loss


def moved_distance(flow: Tensor, garment: Tensor, photo: Tensor, inside: Tensor) -> Tensor:
    """Smooth L1 of the moved garment and the photo inside the area, over channels and all pixels: (b,)."""
    fine = F.interpolate(flow, garment.shape[-2:], mode="bilinear", align_corners=False).clamp(-1, 1)
    moved = F.grid_sample(garment.float(), fine.permute(0, 2, 3, 1), mode="bilinear", padding_mode="zeros", align_corners=False)
    return F.smooth_l1_loss(moved * inside, photo.float() * inside, reduction="none").mean(dim=(1, 2, 3))


def _ordered(maps: dict[int, Tensor]) -> Sequence[Tensor]:
    return [maps[place] for place in sorted(maps)]
