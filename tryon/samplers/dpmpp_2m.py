"""DPM-Solver++(2M): second order at one call per step (Lu et al. 2022, arXiv 2211.01095, algorithm 2)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor

from tryon.samplers.levels import NoiseLevel, advance, karras_levels
from tryon.samplers.solver import Predict, Watch

RHO = 7.0  # what Karras et al. use


def dpmpp_2m(predict: Predict, latents: Tensor, steps: int, watch: Watch | None = None) -> Tensor:
    """Sample with one call per step; see `Solver`.

    The step lands on timestep 0 like the official samplers' last; there is no call at 0, because nothing would follow from it.
    """
    before: tuple[NoiseLevel, Tensor] | None = None
    for here, following in pairwise(karras_levels(steps + 1, RHO)):
        clean = here.clean(latents, predict(latents, here.timestep))
        latents = advance(latents, extrapolate(clean, before, here, following), here, following)
        before = here, clean
        if watch is not None:
            watch(latents, clean)
    return latents


def extrapolate(clean: Tensor, before: tuple[NoiseLevel, Tensor] | None, here: NoiseLevel, following: NoiseLevel) -> Tensor:
    """Clean latents half-way to the following level, on the line through this belief and the one before it.

    Args:
        clean: (b, 4, h, w) belief of this level.
        before: the level before and its belief; None on the first step, which is of first order.
        here: this level.
        following: the next.
    """
    if before is None:
        return clean
    level, earlier = before
    ahead = (following.half_log_snr - here.half_log_snr) / (here.half_log_snr - level.half_log_snr)
    return clean + ahead / 2 * (clean - earlier)
