"""Where on the garment each patch looks: the map of the attention whose grid is closest to 32×24, as a picture.

Three panels: the garment in a colour chart of positions, the dressed person with every painted patch in the colour of the place
it looks at, and the garment as the attention carries it over. A good model shows smooth colours and a readable garment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from pipeline.core.arrays import RGB, Float, Grey
from tryon.networks.attention import AttentionProbe

GRID_PATCHES = 32 * 24
CHART_SHARE = 0.55  # how much of the chart's colour covers a picture


@dataclass
class AttentionRecorder:
    """Averages one block's map over heads and model calls.

    Args:
        block: which of the engine's blocks.
        grid: (height, width) of its map, in patches.
        count: pictures in the batch; a guided double batch has their maps first.
        joined: the person's own patches stand before the garment's among what is looked at.
    """

    block: int
    grid: tuple[int, int]
    count: int
    joined: bool = False
    total: Tensor | None = None
    calls: int = 0

    @property
    def probes(self) -> dict[int, AttentionProbe]:
        """What to hand to the sampler."""
        return {self.block: self._see}

    def _see(self, weights: Tensor) -> None:
        seen = weights[: self.count].float().mean(dim=1)  # stays on the device: nothing waits for it
        if self.joined:
            seen = seen[..., seen.shape[1] :]
        self.total = seen if self.total is None else self.total + seen
        self.calls += 1

    def maps(self) -> Float:
        """(b, patches, patches): for each patch of the person, its weights over the patches of the garment; rows sum to 1."""
        assert self.total is not None, "no model call was recorded"
        mean = self.total / self.calls
        if self.joined:
            mean = mean / mean.sum(dim=-1, keepdim=True).clamp_min(torch.finfo(mean.dtype).tiny)
        maps: Float = mean.cpu().numpy()
        return maps


def recorder_for(size: tuple[int, int], count: int, strides: Mapping[int, int], *, joined: bool = False) -> AttentionRecorder:
    """The recorder for the block whose grid is closest to 32×24.

    Args:
        size: (height, width) in pixels that the network works at.
        count: pictures in the batch.
        strides: block → pixels per patch, one block for each resolution.
        joined: see `AttentionRecorder`.
    """
    block, stride = min(strides.items(), key=lambda entry: abs(size[0] * size[1] / entry[1] ** 2 - GRID_PATCHES))
    return AttentionRecorder(block, (size[0] // stride, size[1] // stride), count, joined)


def attention_picture(weights: Float, grid: tuple[int, int], garment: RGB, dressed: RGB, keep: Grey) -> RGB:
    """Draw one map.

    Args:
        weights: (patches, patches), rows sum to 1.
        grid: (height, width) in patches.
        garment: (h, w, 3) uint8 RGB, the garment at working size.
        dressed: same shape, the result.
        keep: (h, w) uint8, 255 = keep; only what was painted is coloured.

    Returns:
        (h, 3·w, 3) uint8 RGB.
    """
    chart = position_chart(grid)
    looked_at = weights @ chart.reshape(-1, 3)
    patches = cv2.resize(garment, grid[::-1], interpolation=cv2.INTER_AREA).reshape(-1, 3)
    carried = _enlarge(weights @ patches.astype(np.float32), grid, dressed)
    painted = (keep < 128)[..., None]
    panels = (
        _tint(garment, _enlarge(chart.reshape(-1, 3), grid, garment)),
        np.where(painted, _tint(dressed, _enlarge(looked_at, grid, dressed)), dressed),
        np.where(painted, carried, dressed),
    )
    picture: RGB = np.concatenate(panels, axis=1).astype(np.uint8)
    return picture


def position_chart(grid: tuple[int, int]) -> Float:
    """(height, width, 3) colours, 0 to 255: red grows to the right, green downwards, blue to the upper left."""
    down, right = np.meshgrid(*(np.linspace(0, 1, side, dtype=np.float32) for side in grid), indexing="ij")
    chart: Float = np.stack([right, down, 1 - (right + down) / 2], axis=-1) * 255
    return chart


def _enlarge(patches: Float, grid: tuple[int, int], like: RGB) -> Float:
    size = (like.shape[1], like.shape[0])
    return np.asarray(cv2.resize(patches.reshape(*grid, 3), size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _tint(picture: RGB, colours: Float) -> Float:
    return (1 - CHART_SHARE) * picture.astype(np.float32) + CHART_SHARE * colours
