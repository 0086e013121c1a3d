"""Constant matrices that are calculated once a process, for everybody: whoever asks first may be dressing, or only planning."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

import torch
from torch import Tensor

Given = ParamSpec("Given")


def kept_matrix(most: int) -> Callable[[Callable[Given, Tensor]], Callable[Given, Tensor]]:
    """Keep what a function calculates, free of the mode and the default device of the first who asks.

    Args:
        most: matrices that are kept.
    """

    def keep(calculate: Callable[Given, Tensor]) -> Callable[Given, Tensor]:
        @functools.lru_cache(maxsize=most)
        @functools.wraps(calculate)
        def calculated(*given: Given.args, **named: Given.kwargs) -> Tensor:
            with torch.inference_mode(False), torch.no_grad(), torch.device("cpu"):
                return calculate(*given, **named)

        return calculated  # type: ignore[return-value]  # its arguments are hashable: sizes and a device

    return keep
