"""LPIPS v0.1 (Zhang et al. 2018) on AlexNet, VGG16 and SqueezeNet 1.1: thin networks that load the published files by name.

Facts: docs/facts/evaluation.md#lpips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import conv2d

if TYPE_CHECKING:
    from torch import Tensor

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
NORM_EPS = 1e-10


class Fire(nn.Module):
    """SqueezeNet's block: squeeze to few channels, expand by 1 × 1 and 3 × 3 side by side."""

    def __init__(self, inside: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inside, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(b inside h w) → (b 2·expanded h w)."""
        small = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(small).relu(), self.expand3x3(small).relu()], 1)


def _alexnet() -> nn.Sequential:
    pool = nn.MaxPool2d(3, 2)
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), pool,
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), pool,
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    )  # fmt: skip


def _vgg16() -> nn.Sequential:
    layers: list[nn.Module] = []
    inside = 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(inside, width, 3, padding=1), nn.ReLU()]
            inside = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers[:-1])


def _squeezenet() -> nn.Sequential:
    pool = nn.MaxPool2d(3, 2, ceil_mode=True)
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool,
        Fire(64, 16, 64), Fire(128, 16, 64), pool,
        Fire(128, 32, 128), Fire(256, 32, 128), pool,
        Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
    )  # fmt: skip


TAPS: dict[str, tuple[int, ...]] = {
    "alex": (1, 4, 7, 9, 11),
    "vgg": (3, 8, 15, 22, 29),
    "squeeze": (1, 4, 7, 9, 10, 11, 12),
}
"""Numbers of the layers of `features` whose outputs count."""
BUILD = {"alex": _alexnet, "vgg": _vgg16, "squeeze": _squeezenet}


class Lpips(nn.Module):
    """The distance of two pictures.

    Args:
        net: alex, vgg or squeeze.
        backbone: the published backbone's tensors; its classifier is left out.
        heads: the published heads' tensors, `lin0.model.1.weight` and so on.

    Raises:
        RuntimeError: tensors are missing, or have other shapes.
    """

    def __init__(self, net: str, backbone: Mapping[str, Tensor], heads: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.features = BUILD[net]()
        self._taps = TAPS[net]
        kept = {key: value for key, value in backbone.items() if key.startswith("features.")}
        self.load_state_dict(kept, strict=True)
        self._heads: Sequence[Tensor] = [heads[f"lin{number}.model.1.weight"] for number in range(len(self._taps))]
        self.eval()

    @torch.inference_mode()
    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """(b,) float32; a, b: (b 3 h w) on -1..1."""
        total = torch.zeros(len(a))
        for head, one, other in zip(self._heads, self._tapped(a), self._tapped(b), strict=True):
            apart = (_unit(one) - _unit(other)) ** 2
            total = total + conv2d(apart, head).mean((1, 2, 3))
        return total

    def _tapped(self, x: Tensor) -> list[Tensor]:
        x = (x - torch.tensor(SHIFT).view(1, 3, 1, 1)) / torch.tensor(SCALE).view(1, 3, 1, 1)
        found = []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self._taps:
                found.append(x)
        return found


def _unit(x: Tensor) -> Tensor:
    """Unit length over channels."""
    return x / (x.square().sum(1, keepdim=True).sqrt() + NORM_EPS)
