"""The Inception network of FID, with the tensors of pytorch-fid's file.

Unlike torchvision's its average pools leave the padding out, and the last block takes the maximum.

Facts: docs/facts/evaluation.md#fid-and-kid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, max_pool2d

if TYPE_CHECKING:
    from torch import Tensor

Size = int | tuple[int, int]


class ConvNorm(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, inside: int, outside: int, kernel: Size, stride: int = 1, padding: Size = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outside, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(b inside h w) → (b outside h' w')."""
        y: Tensor = self.bn(self.conv(x)).relu()
        return y


def _mean3(x: Tensor) -> Tensor:
    return avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class BlockA(nn.Module):
    """35 × 35: branches of 1 × 1, 5 × 5, twice 3 × 3, and a pool."""

    def __init__(self, inside: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = ConvNorm(inside, 64, 1)
        self.branch5x5_1 = ConvNorm(inside, 48, 1)
        self.branch5x5_2 = ConvNorm(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = ConvNorm(inside, 64, 1)
        self.branch3x3dbl_2 = ConvNorm(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvNorm(96, 96, 3, padding=1)
        self.branch_pool = ConvNorm(inside, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b inside h w) → (b 224 + pooled h w)."""
        five = self.branch5x5_2(self.branch5x5_1(x))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, three, self.branch_pool(_mean3(x))], 1)


class BlockB(nn.Module):
    """35 × 35 → 17 × 17."""

    def __init__(self, inside: int) -> None:
        super().__init__()
        self.branch3x3 = ConvNorm(inside, 384, 3, 2)
        self.branch3x3dbl_1 = ConvNorm(inside, 64, 1)
        self.branch3x3dbl_2 = ConvNorm(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvNorm(96, 96, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(b inside h w) → (b 480 + inside h/2 w/2)."""
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), three, max_pool2d(x, 3, 2)], 1)


class BlockC(nn.Module):
    """17 × 17: factored 7 × 7."""

    def __init__(self, inside: int, middle: int) -> None:
        super().__init__()
        self.branch1x1 = ConvNorm(inside, 192, 1)
        self.branch7x7_1 = ConvNorm(inside, middle, 1)
        self.branch7x7_2 = ConvNorm(middle, middle, (1, 7), padding=(0, 3))
        self.branch7x7_3 = ConvNorm(middle, 192, (7, 1), padding=(3, 0))
        self.branch7x7dbl_1 = ConvNorm(inside, middle, 1)
        self.branch7x7dbl_2 = ConvNorm(middle, middle, (7, 1), padding=(3, 0))
        self.branch7x7dbl_3 = ConvNorm(middle, middle, (1, 7), padding=(0, 3))
        self.branch7x7dbl_4 = ConvNorm(middle, middle, (7, 1), padding=(3, 0))
        self.branch7x7dbl_5 = ConvNorm(middle, 192, (1, 7), padding=(0, 3))
        self.branch_pool = ConvNorm(inside, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b inside h w) → (b 768 h w)."""
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        return torch.cat([self.branch1x1(x), seven, twice, self.branch_pool(_mean3(x))], 1)


class BlockD(nn.Module):
    """17 × 17 → 8 × 8."""

    def __init__(self, inside: int) -> None:
        super().__init__()
        self.branch3x3_1 = ConvNorm(inside, 192, 1)
        self.branch3x3_2 = ConvNorm(192, 320, 3, 2)
        self.branch7x7x3_1 = ConvNorm(inside, 192, 1)
        self.branch7x7x3_2 = ConvNorm(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = ConvNorm(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = ConvNorm(192, 192, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(b inside h w) → (b 512 + inside h/2 w/2)."""
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), seven, max_pool2d(x, 3, 2)], 1)


class BlockE(nn.Module):
    """8 × 8: 3 × 3 split into a row and a column side by side."""

    def __init__(self, inside: int, by_maximum: bool) -> None:
        super().__init__()
        self._by_maximum = by_maximum
        self.branch1x1 = ConvNorm(inside, 320, 1)
        self.branch3x3_1 = ConvNorm(inside, 384, 1)
        self.branch3x3_2a = ConvNorm(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = ConvNorm(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = ConvNorm(inside, 448, 1)
        self.branch3x3dbl_2 = ConvNorm(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = ConvNorm(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = ConvNorm(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = ConvNorm(inside, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b inside h w) → (b 2048 h w)."""
        once = self.branch3x3_1(x)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = max_pool2d(x, 3, 1, 1) if self._by_maximum else _mean3(x)
        parts = [self.branch3x3_2a(once), self.branch3x3_2b(once), self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice)]
        return torch.cat([self.branch1x1(x), *parts, self.branch_pool(pooled)], 1)


class Inception(nn.Module):
    """Pooled features and class scores.

    Args:
        tensors: of the published file.

    Raises:
        RuntimeError: tensors are missing, too many, or have other shapes.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvNorm(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = ConvNorm(32, 32, 3)
        self.Conv2d_2b_3x3 = ConvNorm(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = ConvNorm(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvNorm(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = BlockA(192, 32), BlockA(256, 64), BlockA(288, 64)
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b, self.Mixed_6c = BlockC(768, 128), BlockC(768, 160)
        self.Mixed_6d, self.Mixed_6e = BlockC(768, 160), BlockC(768, 192)
        self.Mixed_7a = BlockD(768)
        self.Mixed_7b, self.Mixed_7c = BlockE(1280, by_maximum=False), BlockE(2048, by_maximum=True)
        self.fc = nn.Linear(2048, 1008)
        self.load_state_dict(tensors, strict=True)
        self.eval()

    @torch.inference_mode()
    def pooled(self, x: Tensor) -> Tensor:
        """(b 3 299 299) on -1..1 → (b 2048)."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(max_pool2d(x, 3, 2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(max_pool2d(x, 3, 2))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        features: Tensor = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x))).mean((2, 3))
        return features

    @torch.inference_mode()
    def scores(self, pooled: Tensor) -> Tensor:
        """(b 2048) → (b 1008) before softmax."""
        scores: Tensor = self.fc(pooled)
        return scores
