"""The network: from a noisy picture, a person and a garment to the velocity that leads to the dressed person.

Facts: docs/facts/fashn_vton.md#network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tryon.engines.fashn.architecture import CATEGORIES, FULL, TIME_CHANNELS, Architecture
from tryon.engines.fashn.blocks import DoubleBlock, SingleBlock, Stream, modulated
from tryon.engines.fashn.rotary import Turn, turn_of
from tryon.networks.precision import dtype_of
from tryon.networks.savings.swapping import use_cheaper_layers
from tryon.networks.savings.switches import ALL, Savings


class FashnVton(nn.Module):
    """The published network.

    Args:
        architecture: its widths.
        savings: which exact savings to use.
    """

    def __init__(self, architecture: Architecture = FULL, savings: Savings = ALL) -> None:
        super().__init__()
        hidden, patch, kernel = architecture.hidden, architecture.patch, savings.attention
        self.architecture, self.savings = architecture, savings
        self.time = nn.Sequential(nn.Linear(TIME_CHANNELS, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.category = nn.Embedding(CATEGORIES, hidden)
        self.person_in = nn.Conv2d(7, hidden, patch, stride=patch)  # noisy picture, person, person's pose
        self.garment_in = nn.Conv2d(4, hidden, patch, stride=patch)  # garment, wearer's pose
        self.mixer_blocks = nn.ModuleList(SingleBlock(architecture, kernel) for _ in range(architecture.mixer_blocks))
        self.pair_blocks = nn.ModuleList(DoubleBlock(architecture, kernel) for _ in range(architecture.double_blocks))
        self.joint_blocks = nn.ModuleList(SingleBlock(architecture, kernel) for _ in range(architecture.single_blocks))
        self.out_modulation = nn.Linear(hidden, 2 * hidden)
        self.out = nn.Linear(hidden, architecture.patch_values)
        self._turn: Turn | None = None
        use_cheaper_layers((self,), savings)

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        return dtype_of(self.category)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.category.weight.device

    def forward(self, noisy: Tensor, person: Tensor, garment: Tensor, modulation: Tensor) -> Tensor:
        """The velocity, (b, 3, h, w) fp32.

        Args:
            noisy: (b, 3, h, w) fp32.
            person: (b, 4, h, w): RGB and pose, -1..1; zeros where the call is without conditions.
            garment: (b, n, hidden), of `garment_tokens`.
            modulation: (b, parts, hidden), of `modulations`.
        """
        parts, turn = modulation.to(self.dtype), self.turn
        x = _tokens(self.person_in(torch.cat([noisy, person], dim=1).to(self.dtype)))
        taken = 0
        for block in self.mixer_blocks:
            x, taken = block(x, parts[:, taken : taken + 3], turn), taken + 3
        for block in self.pair_blocks:
            (x, garment), taken = block(x, garment, parts[:, taken : taken + 12], turn), taken + 12
        both, turn, last = torch.cat([garment, x], dim=1), turn.twice(), len(self.joint_blocks) - 1
        for number, block in enumerate(self.joint_blocks):
            asked = x.shape[1] if number == last and self.savings.wanted_tokens_only else 0
            both, taken = block(both, parts[:, taken : taken + 3], turn, asked), taken + 3
        out = self.out(modulated(both[:, -x.shape[1] :], parts[:, taken], parts[:, taken + 1]))
        return self._picture(out).float()

    def garment_tokens(self, garment: Tensor) -> Tensor:
        """(b, n, hidden) of (b, 4, h, w): RGB and the wearer's pose, -1..1."""
        return _tokens(self.garment_in(garment.to(self.dtype)))

    def modulations(self, times: Tensor, categories: Tensor) -> Tensor:
        """Everything that time and category say to the blocks: (b, parts, hidden), in the order in which blocks run.

        Args:
            times: (b,) fp32, 0 noise … 1 picture.
            categories: (b,) int64, 0 = none.
        """
        vector = self.time(time_features(times).to(self.dtype)) + self.category(categories)
        vector = F.silu(vector)
        told = [linear(vector) for linear in self._modulation_layers()]
        return torch.cat(told, dim=1).reshape(len(times), -1, self.architecture.hidden)

    def _modulation_layers(self) -> Sequence[nn.Module]:
        """Those of all blocks in running order, then the output's."""
        inside = [module for blocks in (self.mixer_blocks, self.pair_blocks, self.joint_blocks) for module in blocks.modules()]
        return [module.modulation for module in inside if isinstance(module, SingleBlock | Stream)] + [self.out_modulation]

    @property
    def turn(self) -> Turn:
        """Rotary tables of one picture on the network's device, made once."""
        if self._turn is None or self._turn.cosine.device != self.device:
            self._turn = Turn(*(part.to(self.device) for part in turn_of(self.architecture)))
        return self._turn

    def _picture(self, out: Tensor) -> Tensor:
        """(b, n, values) → (b, 3, h, w): a token's values are channel by channel, row by row."""
        (rows, columns), patch = self.architecture.grid, self.architecture.patch
        tiles = out.reshape(-1, rows, columns, 3, patch, patch)
        return tiles.permute(0, 3, 1, 4, 2, 5).reshape(-1, 3, rows * patch, columns * patch)


def time_features(times: Tensor) -> Tensor:
    """(b, 256) fp32 of 1,000 t: cosines, then sines, at 128 frequencies from 1 down to almost 1 / 10,000."""
    half = TIME_CHANNELS // 2
    frequencies = torch.exp(-math.log(10_000) * torch.arange(half, dtype=torch.float32, device=times.device) / half)
    angles = 1000 * times.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def _tokens(maps: Tensor) -> Tensor:
    """(b, c, rows, columns) → (b, n, c), row by row."""
    return maps.flatten(2).transpose(1, 2)
