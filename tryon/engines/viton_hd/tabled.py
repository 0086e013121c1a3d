"""The generator with tables in place of label convolutions: the same pictures with a quarter of the operations.

Facts: docs/facts/viton_hd.md#table.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from tryon.engines.viton_hd.alias import Block, Draw, Generator, Guide, drawn
from tryon.engines.viton_hd.modulation import Moments, Table, moments, strips, table_of
from tryon.engines.viton_hd.normalisation import LabelNorm
from tryon.engines.viton_hd.windows import Windows, windows_of

Noise = Callable[[str], Tensor]


def paint(generator: Generator, shown: Tensor, guide: Guide, draw: Draw) -> Tensor:
    """As `Generator.forward`: (n, 9, h, w) → (n, 3, h, w) fp32 in -1 … 1."""
    x: Tensor | None = None
    for (name, block), features in zip(generator.named_blocks(), generator.features(shown), strict=True):
        size = (features.shape[2], features.shape[3])
        x = features.contiguous(memory_format=torch.channels_last) if x is None else _joined(x, features)
        x = _block(block, x, guide, partial(drawn, draw, name, size))
    assert x is not None
    return torch.tanh(generator.picture(functional.leaky_relu_(x, 0.2)).float())


def _joined(x: Tensor, features: Tensor) -> Tensor:
    """Doubled (nearest) beside the features, written once: (n, c, h, w) and (n, f, 2h, 2w) → (n, c + f, 2h, 2w)."""
    count, channels, height, width = x.shape
    both = _map_like(features, channels + features.shape[1])
    places = both.permute(0, 2, 3, 1).view(count, height, 2, width, 2, -1)
    places[..., :channels] = x.permute(0, 2, 3, 1)[:, :, None, :, None]
    both[:, channels:] = features
    return both


def _block(block: Block, x: Tensor, guide: Guide, draw: Noise) -> Tensor:
    """As `Block.forward`."""
    labels, mask = guide.at((x.shape[2], x.shape[3]), block.fine)
    known = [windows_of(*each) for each in zip(labels.float(), mask[:, 0].float(), strict=True)]
    norms = {"first_norm": block.first_norm}
    if block.shortcut_norm is not None:
        norms = {"shortcut_norm": block.shortcut_norm} | norms
    noises = [draw(name) for name in norms]
    inner = torch.empty_like(x)
    passed = x if block.shortcut_norm is None else _map_like(x, block.shortcut.out_channels)
    for each, windows in enumerate(known):
        tables = _tables(x[each], list(norms.values()), windows, mask[each], [noise[each] for noise in noises])
        _apply(block, x[each], tables, inner[each], passed[each])
    inner = block.first(inner)
    noise = draw("second_norm")
    for each, windows in enumerate(known):
        (table,) = _tables(inner[each], [block.second_norm], windows, mask[each], [noise[each]])
        rows = _rows(inner[each])
        for strip in strips(rows):
            rows[strip] = functional.leaky_relu_(table.of(strip, rows[strip].float()), 0.2)
    return block.second(inner).add_(passed)  # type: ignore[no-any-return]


def _tables(x: Tensor, norms: list[LabelNorm], windows: Windows, mask: Tensor, noises: list[Tensor]) -> list[Table]:
    rows, inside = _rows(x), mask.float().flatten()
    regions = torch.stack([inside, 1 - inside]) if norms[0].by_region else torch.ones_like(inside)[None]
    flat = [noise.flatten() for noise in noises]
    found: Moments = moments(rows, regions, flat)
    return [table_of(norm, windows, found, number, regions, flat[number]) for number, norm in enumerate(norms)]


def _apply(block: Block, x: Tensor, tables: list[Table], inner: Tensor, passed: Tensor) -> None:
    """Fill what the first convolution reads, and where there is a shortcut what passes by it."""
    rows, into, beside = _rows(x), _rows(inner), _rows(passed)
    *shortcut, first = tables
    for strip in strips(rows):
        values = rows[strip].float()
        into[strip] = functional.leaky_relu_(first.of(strip, values), 0.2)
        for table in shortcut:
            beside[strip] = functional.linear(table.of(strip, values).to(x.dtype), block.shortcut.weight.flatten(1))


def _rows(x: Tensor) -> Tensor:
    """(c, h, w) with channels last → (h * w, c), the same memory."""
    return x.permute(1, 2, 0).view(-1, x.shape[0])


def _map_like(x: Tensor, channels: int) -> Tensor:
    shape = (len(x), channels, x.shape[2], x.shape[3])
    return torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
