"""The generator's kernels as they are trained: divided by their largest singular value, which is estimated anew in every pass.

PyTorch's own layers (Miyato et al. 2018, arXiv 1802.05957), one power iteration each; folded for dressing.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tryon.engines.viton_hd.alias import Generator
from tryon.engines.viton_hd.checkpoint import unit_spectral

NORMALISED = ("shortcut", "first", "second")
"""Convolutions of a block."""
ORIGINAL, LEFT, RIGHT = ".weight_orig", ".weight_u", ".weight_v"
UNIT_WITHIN = 1e-3
"""A vector whose length is farther from 1 is none of a training's: a moving average of them."""
ITERATIONS = 15


def with_spectral_norms(generator: Generator) -> Generator:
    """The generator with spectral norms in its blocks, which keep `weight_orig`, `weight_u` and `weight_v`."""
    for _, block in generator.named_blocks():
        for name in NORMALISED:
            if (convolution := getattr(block, name, None)) is not None:
                nn.utils.spectral_norm(convolution)
    return generator


def settled(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A trained state whose vectors have length 1: those of a moving average are found anew."""
    found = dict(state)
    for name in state:
        if name.endswith(ORIGINAL) and abs(float(state[name.replace(ORIGINAL, LEFT)].norm()) - 1) > UNIT_WITHIN:
            left, right = _vectors(state[name].flatten(1), state[name.replace(ORIGINAL, LEFT)])
            found |= {name.replace(ORIGINAL, LEFT): left, name.replace(ORIGINAL, RIGHT): right}
    return found


def folded(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A trained state as the generator dresses with: kernels divided, without vectors."""
    whole = settled(state)
    found: dict[str, Tensor] = {}
    for name, tensor in whole.items():
        if name.endswith(ORIGINAL):
            vectors = whole[name.replace(ORIGINAL, LEFT)], whole[name.replace(ORIGINAL, RIGHT)]
            found[name.removesuffix("_orig")] = unit_spectral(tensor, *vectors)
        elif not name.endswith((LEFT, RIGHT)):
            found[name] = tensor
    return found


def _vectors(matrix: Tensor, left: Tensor) -> tuple[Tensor, Tensor]:
    """The largest singular value's vectors by power iteration."""
    for _ in range(ITERATIONS):
        right = torch.nn.functional.normalize(matrix.T @ left, dim=0)
        left = torch.nn.functional.normalize(matrix @ right, dim=0)
    return left, right
