"""Layers that keep their weights in 8 bits and compute in the network's number format (an approximation, off unless asked for).

Every output channel has its own scale: weight ≈ number × scale. A weight is spelt out when it is used and forgotten again, so a
network holds half the bytes of 16 bits, and a call costs the spelling. Weights are rounded to bf16 first: from a file in fp32,
from one in bf16 or from one in 8 bits come the same bits.

Quantised layers stand in place of packed ones (`packed.py`), which keep a copy in bf16 or fp32; whatever is not quantised stays
packed. Nothing here is opaque to `torch.compile`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.core.errors import UsageError

FULL_FORMAT = "full"
"""The weight format that leaves a network as it is."""

EIGHT_BITS: Mapping[str, tuple[torch.dtype, float]] = {"int8": (torch.int8, 127.0), "fp8": (torch.float8_e4m3fn, 448.0)}
"""Weight format → how a number is stored, and the largest one."""

KINDS_WITH_FP8 = ("cpu", "cuda")
"""Kinds of device that read `float8_e4m3fn`; no instruction of their own is needed for it."""

SCALE = "weight_scale"
"""Name of a layer's scales, beside its `weight`."""

SPARED = frozenset({"conv_in", "conv_out", "time_embedding", "patch_embedding"})
"""First and last layers: few weights, through which everything passes."""


def check_weight_format(weight_format: str, kind: str) -> None:
    """Refuse a weight format that a kind of device does not read.

    Raises:
        UsageError: with the formats that it does read.
    """
    if weight_format == "fp8" and kind not in KINDS_WITH_FP8:
        raise UsageError(
            f"weight_format 'fp8': a {kind!r} device does not read 8-bit floating-point numbers; allowed here: full, int8",
            "choose weight_format=int8, or run with --device cpu",
        )


def quantise(weight: Tensor, weight_format: str) -> tuple[Tensor, Tensor]:
    """Round a weight to 8 bits.

    Args:
        weight: (c_out, …), any floating-point format.
        weight_format: `int8` or `fp8`.

    Returns:
        Numbers in the shape and memory layout of the weight, and scales (c_out,) fp32 that bf16 holds exactly. int8 is off by at
        most half a scale, fp8 by a sixteenth of the number or a thousandth of the scale, each beside the rounding to bf16.
    """
    dtype, largest = EIGHT_BITS[weight_format]
    weight = weight.bfloat16().float()
    scale = (weight.abs().amax(tuple(range(1, weight.ndim))) / largest).bfloat16().float()
    scale = scale.masked_fill(scale == 0, 1.0)
    numbers = (weight / _along(scale, weight)).clamp_(-largest, largest)
    return (numbers.round_() if dtype == torch.int8 else numbers).to(dtype), scale


def plain_weight(layer: Any, dtype: torch.dtype) -> Tensor:
    """The weight that a layer multiplies with, in a number format; a layer that is not quantised gives its own."""
    if isinstance(layer, Quantised):
        return layer.spelt_out(dtype)
    weight: Tensor = layer.weight.to(dtype)
    return weight


def weight_format_of(network: nn.Module) -> str:
    """The weight format of a network: that of its quantised layers, `full` without any."""
    found = {layer.weight.dtype for layer in network.modules() if isinstance(layer, Quantised)}
    return next((name for name, (dtype, _) in EIGHT_BITS.items() if dtype in found), FULL_FORMAT)


def names_in_8_bits(network: nn.Module) -> dict[str, str]:
    """Names of the weights that are numbers in 8 bits → names of their scales."""
    quantised = [name for name, layer in network.named_modules() if isinstance(layer, Quantised)]
    return {f"{name}.weight": f"{name}.{SCALE}" for name in quantised}


class Quantised(nn.Module):
    """What quantised layers share; comes in front of the plain class, in whose place it stands."""

    weight: Any  # a Parameter of 8-bit numbers, in the plain weight's shape
    weight_scale: Any  # a Parameter, (c_out,) fp32
    bias: Any  # a Parameter in the network's number format, or None

    def spelt_out(self, dtype: torch.dtype) -> Tensor:
        """The weight in a number format."""
        return _times(self.weight, self.weight_scale.to(dtype))

    def quantise(self, weight_format: str) -> None:
        """Replace the plain weight; called once, when a plain layer has become this one."""
        with torch.inference_mode(False), torch.no_grad():
            numbers, scale = quantise(self.weight, weight_format)
            self.weight = nn.Parameter(numbers, requires_grad=False)
            self.weight_scale = nn.Parameter(scale, requires_grad=False)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """Move, but keep the number formats: another one for the network is none for its 8 bits."""
        kept = {name: getattr(self, name).detach() for name in ("weight", SCALE)}  # the parameters themselves are changed
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, before in kept.items():
            now = getattr(self, name)
            if now.dtype != before.dtype:
                setattr(self, name, nn.Parameter(before.to(now.device), requires_grad=False))
        return self


class QuantisedLinear(Quantised, nn.Linear):
    """A linear layer."""

    def forward(self, x: Tensor) -> Tensor:
        """(…, c_in) → (…, c_out)."""
        return F.linear(x, self.spelt_out(x.dtype), self.bias)

    def scaled(self, x: Tensor, ratio: float, how: Literal["mul", "div"]) -> Tensor:
        """See `PackedLinear.scaled`: the ratio goes into the scales before they are rounded; only without a bias."""
        assert self.bias is None, "queries and keys have none"
        scale = self.weight_scale * (ratio if how == "mul" else 1 / ratio)
        return F.linear(x, _times(self.weight, scale.to(x.dtype)))


class QuantisedConv2d(Quantised, nn.Conv2d):
    """A convolution."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, c_in, h, w) → (b, c_out, h', w')."""
        out: Tensor = self._conv_forward(x, self.spelt_out(x.dtype), self.bias)
        return out


QUANTISED: Mapping[type[nn.Module], type[Quantised]] = {nn.Linear: QuantisedLinear, nn.Conv2d: QuantisedConv2d}
"""Plain layer → its quantised form."""


def _times(numbers: Tensor, scale: Tensor) -> Tensor:
    """8-bit numbers (c_out, …) times scales (c_out,), in the scales' number format."""
    if numbers.dtype != torch.int8:  # PyTorch multiplies whole numbers with any other format as they are: one pass instead of two
        numbers = numbers.to(scale.dtype)
    return numbers * _along(scale, numbers)


def _along(scale: Tensor, weight: Tensor) -> Tensor:
    """(c_out,) in a shape that multiplies (c_out, …)."""
    return scale.view(-1, *[1] * (weight.ndim - 1))
