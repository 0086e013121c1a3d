"""`torch.compile` with its price shown: the first call of every new shape takes minutes, and says so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

Made = TypeVar("Made")

_log = logging.getLogger("lookbook")


class Compiled(Generic[Made]):
    """A compiled half of the network.

    Args:
        function: takes a batch (b, c, h, w) first.
        about: what it computes, for the lines it logs.
        graphs: record CUDA graphs, one per shape: a call is then one command to the GPU, which no longer waits for Python. What
            the function keeps between calls beside its result would be overwritten by the next one.
    """

    def __init__(self, function: Callable[..., Made], about: str, graphs: bool = False) -> None:
        self._function: Callable[..., Made] = _recorded(function) if graphs else torch.compile(function)
        self._about = about
        self._seen: set[tuple[Any, ...]] = set()

    def __call__(self, x: Tensor, *rest: Any) -> Made:
        """Call it; the first call with a shape and number format is announced and timed."""
        kind = (tuple(x.shape), tuple(part is None for part in rest))
        if kind in self._seen:
            return self._function(x, *rest)
        _log.info("compiling %s for batches of %d: the first call takes minutes, later ones gain", self._about, len(x))
        begun = time.perf_counter()
        made = self._function(x, *rest)
        self._seen.add(kind)
        _log.info("compiled %s in %.0f s", self._about, time.perf_counter() - begun)
        return made


def _recorded(function: Callable[..., Made]) -> Callable[..., Made]:
    """Compiled with CUDA graphs. Each replay writes into the same memory, so results are copied out of it."""
    compiled = torch.compile(function, mode="reduce-overhead", dynamic=False)

    def call(*given: Any) -> Made:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        made: Made = tree_map_only(Tensor, Tensor.clone, compiled(*given))
        return made

    return call
