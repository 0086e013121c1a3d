"""Features of a picture at five sizes: an encoder that halves five times, and a pyramid that brings what it saw down again.

Facts: docs/facts/dci_vton.md#warping-network.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (64, 128, 256, 256, 256)
"""Of the five levels, finest first; the finest is half as high and wide as the picture."""
WIDTH = 256
"""Channels of every level of the pyramid."""


def normed_conv(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    """Normalise, rectify, convolve: the order of all blocks here."""
    conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return [nn.BatchNorm2d(inputs), nn.ReLU(), conv]


class ResidualBlock(nn.Module):
    """Two convolutions, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*normed_conv(channels, channels), *normed_conv(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) → the same."""
        deeper: Tensor = self.layers(x)
        return x + deeper


class Halving(nn.Module):
    """Half the height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*normed_conv(inputs, outputs, stride=2))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) → (n, outputs, h/2, w/2)."""
        smaller: Tensor = self.layers(x)
        return smaller


class Encoder(nn.Module):
    """Five levels of features.

    Args:
        inputs: channels of the picture.
        channels: of the levels, finest first.
    """

    def __init__(self, inputs: int, channels: Sequence[int] = CHANNELS) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Sequential(Halving(before, after), ResidualBlock(after), ResidualBlock(after))
            for before, after in pairwise((inputs, *channels))
        )

    def forward(self, picture: Tensor) -> list[Tensor]:
        """(n, inputs, h, w) → per level (n, channels, h / 2^level, w / 2^level), finest first."""
        features = []
        for level in self.levels:
            picture = level(picture)
            features.append(picture)
        return features


class Pyramid(nn.Module):
    """Every level in as many channels, each with what the coarser ones saw.

    Args:
        channels: of the encoder's levels, finest first.
        width: channels of every level that comes out.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS, width: int = WIDTH) -> None:
        super().__init__()
        self.sideways = nn.ModuleList(nn.Conv2d(count, width, 1) for count in reversed(channels))
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Levels of `Encoder`, finest first → (n, width, h, w) per level, **coarsest** first, the order of the flow."""
        levels: list[Tensor] = []
        for feature, sideways, smooth in zip(reversed(features), self.sideways, self.smooth, strict=True):
            level = sideways(feature)
            if levels:
                level = level + functional.interpolate(levels[-1], scale_factor=2.0, mode="nearest")
            levels.append(smooth(level))
        return levels
