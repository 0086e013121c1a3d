"""UniPC as diffusers runs it for OOTDiffusion: order 2, bh2, evenly spread timesteps, and repainting between the steps.

Facts: docs/facts/ootdiffusion.md#sampling. `unipc.py` is this project's own list of levels and corrector, for other engines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffusers import UniPCMultistepScheduler
from torch import Tensor

from tryon.samplers.schedule import BETA_END, BETA_START, TRAIN_STEPS
from tryon.samplers.solver import Predict, Watch

Repaint = Callable[[Tensor, int | None], Tensor]
"""(latents, the next call's timestep, None after the last) → latents. The solver remembers its own, as published."""


def published_schedule(steps: int, spacing: str = "linspace") -> Any:
    """diffusers' scheduler as the published one ends: at the sigma of timestep 0, and not at zero.

    Args:
        steps: calls.
        spacing: `linspace`, `leading` or `trailing`, as diffusers names them.
    """
    scheduler = UniPCMultistepScheduler(
        num_train_timesteps=TRAIN_STEPS,
        beta_start=BETA_START,
        beta_end=BETA_END,
        beta_schedule="scaled_linear",
        timestep_spacing=spacing,
        steps_offset=1,
        final_sigmas_type="sigma_min",
    )
    scheduler.set_timesteps(steps)
    return scheduler


def unipc_published(
    predict: Predict,
    latents: Tensor,
    steps: int,
    repaint: Repaint,
    *,
    spacing: str = "linspace",
    watch: Watch | None = None,
) -> Tensor:
    """Sample.

    Args:
        predict: the network.
        latents: (b, 4, h, w) fp32 start noise.
        steps: calls.
        repaint: puts back what is kept, after each step.
        spacing: see `published_schedule`.
        watch: sees (latents before repainting, predicted noise) of each step.

    Returns:
        (b, 4, h, w) fp32 clean latents.
    """
    scheduler = published_schedule(steps, spacing)
    timesteps = [int(timestep) for timestep in scheduler.timesteps]
    for timestep, following in zip(timesteps, [*timesteps[1:], None], strict=True):
        noise = predict(latents, timestep)
        latents = scheduler.step(noise, timestep, latents, return_dict=False)[0]
        if watch is not None:
            watch(latents, noise)
        latents = repaint(latents, following)
    return latents
