"""How much memory the activations of a network need, counted without computing anything.

    python -m benchmarks.live_memory

Runs the full network on the meta device, whose tensors have shapes and no contents, and follows which are alive at once. What
the kernels themselves need (workspaces, packed weights) is not in it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tryon.engines.stableviton.architecture import FULL
from tryon.engines.stableviton.checkpoint import empty_network
from tryon.networks.savings import ALL
from tryon.networks.vae import decode_latents, encode_pictures


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


def counted(size: tuple[int, int], pictures: int = 1) -> dict[str, float]:
    """Bytes per pixel of one picture's activations in 16 bits: a model call, encoding, decoding; and the weights, in 1e9.

    Args:
        size: (height, width) in pixels.
        pictures: computed in one call.
    """
    network = empty_network(FULL, replace(ALL, block_attention=False)).to(torch.bfloat16)
    grid = (size[0] // 8, size[1] // 8)
    with torch.device("meta"):
        stack, latents = torch.empty(pictures, 13, *grid), torch.empty(pictures, 4, *grid)
        picture, token = torch.empty(pictures, 3, *size), torch.empty(pictures, 1, FULL.context_dim, dtype=torch.bfloat16)
        shifts, contexts = network.time_shifts(torch.empty(1)), network.contexts(token)

    def call() -> Tensor:
        return network.noise(stack, network.garment_features(stack, latents, shifts, contexts), shifts, contexts)

    works: dict[str, Callable[[], object]] = {
        "call": call,
        "encode": lambda: encode_pictures(network.vae, picture),
        "decode": lambda: decode_latents(network.vae, latents),
    }
    for work in works.values():
        peak_bytes(work)  # enlargements fold their weights in the first call
    pixels = size[0] * size[1] * pictures
    weights = sum(each.numel() for each in network.parameters()) / 1e9
    return {name: peak_bytes(work) / pixels for name, work in works.items()} | {"weights": weights}


def main() -> None:
    """Count and print."""
    for size in ((512, 384), (1024, 768)):
        row = ", ".join(f"{name} {value:.2f}" for name, value in counted(size).items())
        print(f"{size[0]}x{size[1]}, bytes per pixel in 16 bits: {row}e9")


if __name__ == "__main__":
    main()
