"""A norm's whole work with a table: statistics in one pass, then one product and one sum per pixel.

Exact against `normalisation.py` beyond rounding: noise and normalisation are linear in the map, so with scale and shift from a
table each pixel becomes `(x + noise * s) * A + D` with rows A and D of its window. Statistics and this arithmetic are fp32
whatever the maps are; they run over strips of pixels that fit the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tryon.engines.viton_hd.normalisation import EPSILON, LabelNorm
from tryon.engines.viton_hd.windows import Windows

STRIP_VALUES = 2**18
"""Values of a strip on a CPU: a megabyte in fp32."""
_SHIFT_SAMPLE = 64
"""Every n-th pixel gives the value from which squares are counted, so that they keep their digits."""


@dataclass(frozen=True)
class Moments:
    """Sums over the pixels of a map, by region; squares are counted from `shift`.

    Args:
        shift: (c,) fp64.
        plain: (regions, c) sum of r x.
        squared: (regions, c) sum of r² x.
        noisy: (norms, regions, c) sum of r² x n.
        power: (regions, c) sum of r² x².
    """

    shift: Tensor
    plain: Tensor
    squared: Tensor
    noisy: Tensor
    power: Tensor


def moments(x: Tensor, regions: Tensor, noises: Sequence[Tensor]) -> Moments:
    """Read a map once for all norms that normalise it.

    Args:
        x: (pixels, c).
        regions: (regions, pixels) fp32, weights.
        noises: (pixels,) fp32 each.
    """
    shift = x[:: max(1, len(x) // _SHIFT_SAMPLE**2)].float().mean(0)
    squares = regions.square()
    weights = torch.cat([regions, squares, *(squares * noise for noise in noises)])
    sums = torch.zeros(len(weights), x.shape[1], dtype=torch.float64, device=x.device)
    power = torch.zeros(len(regions), x.shape[1], dtype=torch.float64, device=x.device)
    for strip in strips(x):
        values = x[strip].float() - shift
        sums += weights[:, strip] @ values
        power += squares[:, strip] @ values.square_()
    plain, squared, *noisy = sums.reshape(-1, len(regions), x.shape[1])
    return Moments(shift.double(), plain, squared, torch.stack(noisy), power)


@dataclass(frozen=True)
class Table:
    """`out = (x + noise * scale) * product[row] + added[row]`; everything fp32.

    Args:
        noise: (pixels,).
        scale: (c,).
        product, added: (windows, c).
        rows: (pixels,) int64.
    """

    noise: Tensor
    scale: Tensor
    product: Tensor
    added: Tensor
    rows: Tensor

    def of(self, strip: slice, values: Tensor) -> Tensor:
        """A strip of the normalised map; (n, c) fp32 → the same."""
        rows = self.rows[strip]
        noisy = torch.addr(values, self.noise[strip], self.scale)
        return torch.addcmul(self.added.index_select(0, rows), noisy, self.product.index_select(0, rows))


def table_of(norm: LabelNorm, windows: Windows, found: Moments, number: int, regions: Tensor, noise: Tensor) -> Table:
    """What a norm does to each window.

    Args:
        norm: the layer.
        windows: of the label map at this size.
        found: of the map that it normalises.
        number: which of the noises is its own.
        regions: (regions, pixels), as for `moments`.
        noise: (pixels,).
    """
    slope, offset = _normaliser(norm, found, number, regions, noise)
    share = torch.cat([windows.mask, 1 - windows.mask], dim=1) if norm.by_region else torch.ones_like(windows.mask)
    scale, shift = _scale_and_shift(norm, windows)
    scale = scale + 1
    product, added = (share @ slope) * scale, (share @ offset) * scale + shift
    return Table(noise, norm.noise_scale.float(), product, added, windows.rows)


def _normaliser(norm: LabelNorm, found: Moments, number: int, regions: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """(regions, c) fp32 twice: z = sum of r (slope * (x + noise * s) + offset)."""
    s = norm.noise_scale.double()
    weights, own = regions.double(), noise.double()
    squares = weights.square()
    pixels = regions.shape[1]
    total = weights.sum(1, keepdim=True)
    total = torch.where(total == 0, 1, total)
    mean = (found.plain + s * (weights @ own)[:, None]) / total
    first = found.squared + s * (squares @ own)[:, None]
    second = found.power + 2 * s * found.noisy[number] + s.square() * (squares @ own.square())[:, None]
    variance = (second - 2 * mean * first + mean.square() * squares.sum(1, keepdim=True)) / pixels
    slope = (variance.clamp(min=0) + EPSILON).rsqrt() * (total / pixels).sqrt()
    return slope.float(), (-slope * (mean + found.shift)).float()


def _scale_and_shift(norm: LabelNorm, windows: Windows) -> tuple[Tensor, Tensor]:
    """(windows, c) fp32 twice: the two convolutions at the centre of each window."""
    dtype = norm.shared.weight.dtype
    hidden = functional.linear(windows.patches.to(dtype), norm.shared.weight.flatten(1), norm.shared.bias)
    seen = (hidden.relu_() * windows.inside.to(dtype)).flatten(1)
    kernels = (norm.scale, norm.shift)
    scale, shift = (functional.linear(seen, _by_place(each.weight), each.bias).float() for each in kernels)
    return scale, shift


def _by_place(kernel: Tensor) -> Tensor:
    """(c, hidden, 3, 3) → (c, 9 * hidden); no copy where channels lie last."""
    return kernel.permute(0, 2, 3, 1).flatten(1)


def strips(x: Tensor) -> Iterator[slice]:
    """Parts of (pixels, c) that fit a processor's cache; on other devices one part."""
    length = max(1, STRIP_VALUES // x.shape[1]) if x.device.type == "cpu" else len(x)
    for start in range(0, len(x), length):
        yield slice(start, start + length)
