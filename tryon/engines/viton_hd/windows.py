"""The different 5 x 5 windows of a label map: scale and shift of a pixel depend on nothing else.

Two 3 x 3 convolutions of the label map stand behind a norm's scale and shift. Most windows show one label, and among the
others many are alike, so each different window is convolved once (docs/facts/viton_hd.md#table). Exact: windows are compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

REACH = 2
"""Pixels around a pixel that count: one per convolution."""
SIDE = 2 * REACH + 1
_CODE_BITS = 10
"""Up to eight channels and the mask, each 0 or 1, make codes below this power of two."""
_OUTSIDE = 2**_CODE_BITS


@dataclass(frozen=True)
class Windows:
    """One picture's label map at one size.

    Args:
        rows: (h * w,) int64, the window of each pixel.
        patches: (windows, 9, 9 * labels) fp32, what the first convolution sees at each of the inner 3 x 3 places.
        inside: (windows, 9, 1) fp32, 0 where such a place lies outside of the picture.
        mask: (windows, 1) fp32, the mask at the window's centre.
    """

    rows: Tensor
    patches: Tensor
    inside: Tensor
    mask: Tensor


def windows_of(labels: Tensor, mask: Tensor) -> Windows:
    """Find the different windows.

    Args:
        labels: (k, h, w) fp32.
        mask: (h, w) fp32; pixels that it tells apart are different windows.
    """
    codes = functional.pad(_codes(labels, mask), [REACH] * 4, value=_OUTSIDE)
    rows, places = _rows(codes, (labels.shape[1], labels.shape[2]))
    y, x = places // labels.shape[2], places % labels.shape[2]
    padded = functional.pad(labels, [REACH] * 4)
    seen = padded.unfold(1, SIDE, 1).unfold(2, SIDE, 1)[:, y, x].transpose(0, 1)
    patches = functional.unfold(seen, 3).transpose(1, 2)
    known = (codes != _OUTSIDE)[1:-1, 1:-1].unfold(0, 3, 1).unfold(1, 3, 1)[y, x]
    return Windows(rows, patches.contiguous(), known.reshape(len(places), 9, 1).to(labels.dtype), mask[y, x, None])


def _codes(labels: Tensor, mask: Tensor) -> Tensor:
    """(h, w) int64: the same number where labels and mask are the same; pixels with a fraction have numbers of their own."""
    planes = torch.cat([labels, mask[None]])
    powers = 2.0 ** torch.arange(len(planes), device=planes.device)
    codes = torch.einsum("khw,k->hw", planes, powers).round().long()
    fraction = (planes * (1 - planes) != 0).any(0)
    codes[fraction] = _OUTSIDE + 1 + torch.arange(int(fraction.sum()), device=codes.device)
    return codes


def _rows(codes: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The window of each pixel, and for each window a pixel that has it."""
    inner = codes[REACH:-REACH, REACH:-REACH].flatten()
    same = _uniform(codes).flatten()
    kinds, first = torch.unique(inner[same], return_inverse=True)
    rows = torch.empty_like(inner)
    rows[same] = first
    mixed = torch.nonzero(~same)[:, 0]
    numbers, alike = _alike(codes.unfold(0, SIDE, 1).unfold(1, SIDE, 1)[mixed // size[1], mixed % size[1]].flatten(1))
    rows[mixed] = numbers + len(kinds)
    places = torch.empty(len(kinds) + alike, dtype=torch.long, device=codes.device)
    places[rows] = torch.arange(len(rows), device=codes.device)
    return rows, places


def _uniform(codes: Tensor) -> Tensor:
    """(h, w) bool: the whole window has one code."""
    height, width = codes.shape[0] - 2 * REACH, codes.shape[1] - 2 * REACH
    centre = codes[:, REACH : REACH + width]
    across = torch.ones_like(centre, dtype=torch.bool)
    for shift in range(SIDE):
        across &= codes[:, shift : shift + width] == centre
    same = across[REACH : REACH + height].clone()
    for shift in range(SIDE):
        same &= across[shift : shift + height] & (centre[shift : shift + height] == centre[REACH : REACH + height])
    return same


def _alike(windows: Tensor) -> tuple[Tensor, int]:
    """A number per window, the same for equal ones, and how many there are; sums find candidates, values decide.

    Args:
        windows: (n, 25) int64.
    """
    generator = torch.Generator().manual_seed(0)
    weights = torch.randint(-(2**62), 2**62, (windows.shape[1],), generator=generator).to(windows.device)
    sums, numbers = torch.unique((windows * weights).sum(1), return_inverse=True)
    shown = torch.empty(len(sums), dtype=torch.long, device=windows.device)
    shown[numbers] = torch.arange(len(windows), device=windows.device)
    if torch.equal(windows[shown[numbers]], windows):
        return numbers, len(sums)
    return torch.arange(len(windows), device=windows.device), len(windows)
