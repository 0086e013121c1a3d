"""How much memory the activations of a network need, counted without computing anything.

    python -m benchmarks.live_memory

Runs the full network on the meta device, whose tensors have shapes and no contents, and follows which are alive at once. What
the kernels themselves need (workspaces, packed weights) is not in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from tryon.engines.stableviton.architecture import FULL
from tryon.engines.stableviton.checkpoint import empty_network
from tryon.networks.savings.switches import ALL
from tryon.networks.vae import decode_latents, encode_pictures
from tryon.training.memory import LiveBytes


def peak_bytes(work: Callable[[], object]) -> int:
    """Most bytes alive at once of what a piece of work makes, its inputs and weights left out."""
    with torch.inference_mode(), LiveBytes() as memory:
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
