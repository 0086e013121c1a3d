"""Layers whose weights lie in memory the way the CPU's kernels read them (an exact saving).

oneDNN wants weights in blocks and rearranges them inside every call; with as few positions as the coarse grids have, that costs
as much as the arithmetic. These layers do it at their first call and drop the plain weight: nothing is held twice. Whoever moves,
converts or saves the network gets the plain weights back by itself.
"""

from __future__ import annotations

import functools
import logging
from typing import Any, Literal

import torch
import torch.nn.functional as F
from diffusers.models.activations import GEGLU
from torch import Tensor, nn

OPERATORS = ("_reorder_convolution_weight", "_convolution_pointwise", "_reorder_linear_weight", "_linear_pointwise")

_log = logging.getLogger("lookbook")
_onednn: Any = torch.ops.mkldnn


class Packed(nn.Module):
    """What packed layers share; comes in front of the plain class, whose parameters it uses."""

    weight: Any  # a Parameter of the plain class
    bias: Any  # the same, or None
    pieces: tuple[Tensor, ...] = ()  # the packed weight, cut along its output channels; empty while the plain one is there

    def packed_for(self, x: Tensor) -> bool:
        """Whether the packed kernels serve an input; packs at the first one, because its size decides the best order."""
        if not _serves(x.device, x.dtype) or torch.is_grad_enabled():
            self.restore()
            return False
        if not self.pieces:
            with torch.inference_mode(False), torch.no_grad():
                self.pieces = self.pack(x)
                self.weight = nn.Parameter(self.weight.new_empty(0), requires_grad=False)
        return True

    def pack(self, x: Tensor) -> tuple[Tensor, ...]:
        """The weight rearranged for inputs like `x`."""
        raise NotImplementedError

    def plain_shape(self) -> tuple[int, ...]:
        """Shape of the plain weight."""
        raise NotImplementedError

    def restore(self) -> None:
        """Take the plain weight back, bit by bit the one that was packed."""
        if not self.pieces:
            return
        with torch.inference_mode(False), torch.no_grad():
            plain = torch.cat([piece.to_dense() for piece in self.pieces]).reshape(self.plain_shape())
            layout = torch.channels_last if plain.ndim == 4 else torch.contiguous_format
            self.weight = nn.Parameter(plain.contiguous(memory_format=layout), requires_grad=False)
        self.pieces = ()

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self.restore()  # about to move or change its number format
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]

    def _load_from_state_dict(self, *rest: Any) -> None:
        self.restore()
        super()._load_from_state_dict(*rest)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        self.restore()
        super()._save_to_state_dict(destination, prefix, keep_vars)


class PackedConv2d(Packed, nn.Conv2d):
    """A convolution padded with zeros, in one group."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, c_in, h, w) → (b, c_out, h', w')."""
        if not self.packed_for(x):
            return super().forward(x)
        out: Tensor = _onednn._convolution_pointwise(x, self.pieces[0], self.bias, *self._geometry(), "none", [], "")
        return out

    def pack(self, x: Tensor) -> tuple[Tensor, ...]:
        """See `Packed.pack`."""
        return (_onednn._reorder_convolution_weight(self.weight, *self._geometry(), list(x.shape)),)

    def plain_shape(self) -> tuple[int, ...]:
        """See `Packed.plain_shape`."""
        return (self.out_channels, self.in_channels, *self.kernel_size)

    def _geometry(self) -> tuple[list[int], list[int], list[int], int]:
        padding = [int(side) for side in self.padding]
        return padding, list(self.stride), list(self.dilation), self.groups


class _Rows(Packed):
    """A weight that multiplies tokens."""

    parts: int = 1  # pieces to cut it into

    def pack(self, x: Tensor) -> tuple[Tensor, ...]:
        """See `Packed.pack`."""
        rows, positions = self.weight.flatten(1), x.numel() // x.shape[-1]
        return tuple(_onednn._reorder_linear_weight(piece.contiguous(), positions) for piece in rows.chunk(self.parts))

    def multiply(self, x: Tensor, piece: int = 0, activation: str = "none") -> Tensor:
        """(…, c_in) times one piece, with its share of the bias: (…, c_out / parts)."""
        bias = None if self.bias is None else self.bias.chunk(self.parts)[piece]
        algorithm = "none" if activation == "gelu" else ""  # gelu by the error function, not by tanh
        out: Tensor = _onednn._linear_pointwise(x, self.pieces[piece], bias, activation, [], algorithm)
        return out


class PackedLinear(_Rows, nn.Linear):
    """A linear layer."""

    def forward(self, x: Tensor) -> Tensor:
        """(…, c_in) → (…, c_out)."""
        return self.multiply(x) if self.packed_for(x) else super().forward(x)

    def scaled(self, x: Tensor, ratio: float, how: Literal["mul", "div"]) -> Tensor:
        """What `forward` gives, times or divided by a number, and rounded once; only where `packed_for` says yes.

        Args:
            x: (…, c_in).
            ratio: a number that the format of x holds exactly.
            how: `mul` or `div`.
        """
        constant = x.new_full((*x.shape[:-1], self.out_features), ratio)
        out: Tensor = _onednn._linear_pointwise.binary(x, constant, self.pieces[0], self.bias, how)
        return out

    def plain_shape(self) -> tuple[int, ...]:
        """See `Packed.plain_shape`."""
        return self.out_features, self.in_features


class PackedHalves(PackedLinear):
    """The projection of a gated linear unit: value and gate, packed apart."""

    parts = 2


class PackedGate(GEGLU):  # type: ignore[misc]  # the library ships no types
    """A gated linear unit, value · gelu(gate), with the activation and the product inside the two matrix products."""

    def forward(self, x: Tensor) -> Tensor:
        """(…, c_in) → (…, c_out)."""
        halves: PackedHalves = self.proj
        if not halves.packed_for(x):
            plain: Tensor = super().forward(x)
            return plain
        gate, bias = halves.multiply(x, 1, "gelu"), None if halves.bias is None else halves.bias.chunk(2)[0]
        out: Tensor = _onednn._linear_pointwise.binary(x, gate, halves.pieces[0], bias, "mul")
        return out


class PackedPointwise(_Rows, nn.Conv2d):
    """A 1x1 convolution that is only ever asked about tokens."""

    def on_tokens(self, tokens: Tensor) -> Tensor:
        """(b, n, c_in) → (b, n, c_out)."""
        return self.multiply(tokens) if self.packed_for(tokens) else F.linear(tokens, self.weight.flatten(1), self.bias)

    def plain_shape(self) -> tuple[int, ...]:
        """See `Packed.plain_shape`."""
        return (self.out_channels, self.in_channels, *self.kernel_size)


def pack_rows(rows: Tensor, positions: int) -> Tensor:
    """Pack a matrix (n, c) whose rows will be multiplied with about `positions` vectors at a time."""
    packed: Tensor = _onednn._reorder_linear_weight(rows.contiguous(), positions)
    return packed


def times_packed_rows(x: Tensor, packed: Tensor, activation: str = "none") -> Tensor:
    """(p, c) times what `pack_rows` made of (n, c), through an activation: (p, n)."""
    product: Tensor = _onednn._linear_pointwise(x, packed, None, activation, [], "")
    return product


def packed_kind(layer: nn.Module) -> type[nn.Module] | None:
    """The packed form of a layer; None where it has none."""
    if type(layer) is nn.Conv2d:
        simple = layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
        return PackedConv2d if simple else None
    return {nn.Linear: PackedLinear, GEGLU: PackedGate}.get(type(layer))


def _serves(device: torch.device, dtype: torch.dtype) -> bool:
    return device.type == "cpu" and (dtype == torch.float32 or dtype == torch.bfloat16) and kernels_work(dtype)


@functools.cache
def kernels_work(dtype: torch.dtype) -> bool:
    """Whether this build and CPU have the packed kernels, and they multiply as the plain ones do."""
    try:
        with torch.inference_mode():
            works = all(hasattr(_onednn, name) for name in OPERATORS) and _agrees(dtype)
    except (RuntimeError, AttributeError, NotImplementedError) as error:  # oneDNN left out, or a CPU it has no such kernels for
        _log.debug("oneDNN refused a packed layer: %s", error)
        works = False
    if not works:
        _log.info("no prepacked %s layers here: weights are rearranged in every call, which is a little slower", dtype)
    return works


def _agrees(dtype: torch.dtype) -> bool:
    x, weight = (torch.linspace(-1, 1, 256, dtype=dtype).reshape(16, 16) for _ in range(2))
    product = _onednn._linear_pointwise(x, _onednn._reorder_linear_weight(weight, 16), None, "none", [], "")
    return torch.allclose(product.float(), F.linear(x, weight).float(), rtol=1e-2, atol=1e-2)
