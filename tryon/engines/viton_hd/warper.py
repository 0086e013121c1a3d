"""Where the flat garment goes: two towers, their correlation, and 50 offsets (docs/facts/viton_hd.md#warp)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from tryon.engines.viton_hd.architecture import LATTICE, OFFICIAL, Architecture

PERSON_INPUTS = 7
"""The place of the garment, the pose, the agnostic picture."""
NORM_FLOOR = 1e-6
"""Added to a feature's squared length."""


class Tower(nn.Sequential):
    """(n, inputs, h, w) → (n, 8 * width, h / 16, w / 16); each convolution is rectified first and normalised then."""

    def __init__(self, inputs: int, width: int) -> None:
        halving = [nn.Conv2d(before, after, 4, 2, 1) for before, after in _chain(inputs, width, 2 * width, 4 * width, 8 * width)]
        deepest = 8 * width
        parts: list[nn.Module] = []
        for convolution in (*halving, nn.Conv2d(deepest, deepest, 3, padding=1)):
            parts += [convolution, nn.ReLU(), nn.BatchNorm2d(convolution.out_channels)]
        super().__init__(*parts, nn.Conv2d(deepest, deepest, 3, padding=1), nn.ReLU())


class Regressor(nn.Module):
    """From the correlation to offsets.

    Args:
        architecture: how many places the towers' maps have.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        height, width = (side // 64 for side in architecture.small)
        places, base = 16 * height * width, architecture.warp_width
        widths = _chain(places, 8 * base, 4 * base, 2 * base, base)
        strides = (2, 2, 1, 1)
        parts: list[nn.Module] = []
        for (before, after), stride in zip(widths, strides, strict=True):
            kernel = 4 if stride == 2 else 3
            parts += [nn.Conv2d(before, after, kernel, stride, 1), nn.BatchNorm2d(after), nn.ReLU()]
        self.convolutions = nn.Sequential(*parts)
        self.linear = nn.Linear(base * height * width, 2 * LATTICE**2)

    def forward(self, correlation: Tensor) -> Tensor:
        """(n, places, rows, columns) → (n, 50) in -1 … 1."""
        return torch.tanh(self.linear(self.convolutions(correlation).flatten(1)))


class Warper(nn.Module):
    """Offsets of the control points; person and garment are read once each, a pair costs the correlation and the regression.

    Args:
        architecture: sizes and widths.
    """

    def __init__(self, architecture: Architecture = OFFICIAL) -> None:
        super().__init__()
        self.person = Tower(PERSON_INPUTS, architecture.warp_width)
        self.garment = Tower(3, architecture.warp_width)
        self.regressor = Regressor(architecture)

    def encode_garment(self, cloth: Tensor) -> Tensor:
        """(n, 3, h, w) in -1 … 1 at the small size → features of unit length."""
        return _unit(self.garment(cloth))

    def encode_person(self, person: Tensor) -> Tensor:
        """(n, 7, h, w) at the small size → features of unit length."""
        return _unit(self.person(person))

    def forward(self, person: Tensor, garment: Tensor) -> Tensor:
        """Features of both → (n, 50) fp32."""
        theta: Tensor = self.regressor(correlation(person, garment))
        return theta.float()


def correlation(person: Tensor, garment: Tensor) -> Tensor:
    """How alike every place of the person and every place of the garment are.

    Args:
        person, garment: (n, c, h, w).

    Returns:
        (n, w * h, h, w): the person's places column by column as channels, the garment's as map.
    """
    columns = person.transpose(2, 3).flatten(2)
    alike = columns.transpose(1, 2) @ garment.flatten(2)
    return alike.reshape(len(person), -1, *garment.shape[2:])


def _unit(features: Tensor) -> Tensor:
    length = (features.float().square().sum(1, keepdim=True) + NORM_FLOOR).sqrt()
    return (features.float() / length).to(features.dtype)


def _chain(*widths: int) -> list[tuple[int, int]]:
    return list(pairwise(widths))
