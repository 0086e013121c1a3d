"""`torch.compile` with its price shown: the first call of every new shape takes minutes, and says so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

Made = TypeVar("Made")

_log = logging.getLogger("lookbook")


class Compiled(Generic[Made]):
    """A compiled half of the network.

    Args:
        function: takes a batch (b, c, h, w) first.
        about: what it computes, for the lines it logs.
    """

    def __init__(self, function: Callable[..., Made], about: str) -> None:
        self._function: Callable[..., Made] = torch.compile(function)
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
