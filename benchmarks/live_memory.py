"""How much memory the activations of a network need, counted without computing anything.

    python -m benchmarks.live_memory

Runs the full network on the meta device, whose tensors have shapes and no contents, and follows which are alive at once. What
the kernels themselves need (workspaces, packed weights) is not in it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveMemory(TorchDispatchMode):
    """Follows the storages that are made inside its block: `now` and `peak` in bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {id(each.untyped_storage()) for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)}
        made = function(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, Tensor):
                self._follow(each.untyped_storage(), given)
        self.peak = max(self.peak, self.now)
        return made

    def _follow(self, storage: Any, given: set[int]) -> None:
        if id(storage) in self._known or id(storage) in given:
            return
        self._known.add(id(storage))
        self.now += storage.nbytes()
        weakref.finalize(storage, self._forget, id(storage), storage.nbytes())

    def _forget(self, storage: int, nbytes: int) -> None:
        self._known.discard(storage)
        self.now -= nbytes


def peak_bytes(work: Callable[[], object]) -> int:
    """Most bytes alive at once of what a piece of work makes, its inputs and weights left out."""
    with torch.inference_mode(), LiveMemory() as memory:
        work()
    return memory.peak
