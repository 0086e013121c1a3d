"""UniPC: each call first corrects the step that led to it, then predicts the next (Zhao et al. 2023, arXiv 2302.04867).

Facts: docs/facts/samplers.md#unipc.

In the paper's terms: UniP-2 and UniC-1, which both are of second order, with B(h) = e^h - 1 and predictions of the clean latents.
UniP-2 then is the step of DPM-Solver++(2M), and UniC-1 the trapezoidal rule: the mean of the beliefs at both ends of a step.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor

from tryon.samplers.dpmpp_2m import extrapolate
from tryon.samplers.levels import NoiseLevel, advance, karras_levels, level_at
from tryon.samplers.solver import Predict, Watch

RHO = 4.0  # fewer nearly clean levels than the usual 7: of few calls, more are left for where the picture takes shape
LAST_CALL = 1  # timestep of the last call, as in the official lists; from there the last step lands on 0


def unipc(predict: Predict, latents: Tensor, steps: int, watch: Watch | None = None) -> Tensor:
    """Sample with one call per step; see `Solver`."""
    levels = [*karras_levels(steps, RHO, LAST_CALL), level_at(0)]
    before: tuple[NoiseLevel, Tensor] | None = None
    origin = latents  # where the last step began
    for here, following in pairwise(levels):
        clean = here.clean(latents, predict(latents, here.timestep))
        if before is not None:
            level, earlier = before
            latents = advance(origin, (earlier + clean) / 2, level, here)
        origin, latents = latents, advance(latents, extrapolate(clean, before, here, following), here, following)
        before = here, clean
        if watch is not None:
            watch(latents, clean)
    return latents
