"""Every solver by its name in the settings: ours, and those that diffusers' schedulers give, behind one signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler
from torch import Tensor

from tryon.samplers.plms import plms
from tryon.samplers.schedule import SCHEDULE_OPTIONS, leading_timesteps
from tryon.samplers.solver import Predict, Solver, Watch


def scheduled(make: Callable[[int], Any]) -> Solver:
    """A solver that runs a diffusers scheduler.

    Args:
        make: gives a scheduler with its timesteps set, for a number of steps; a fresh one per call, since they keep state.
    """

    def solve(predict: Predict, latents: Tensor, steps: int, watch: Watch | None = None) -> Tensor:
        scheduler = make(steps)
        for timestep in scheduler.timesteps.tolist():
            noise = predict(latents, timestep)
            outcome = scheduler.step(noise, timestep, latents)
            latents = outcome.prev_sample
            if watch is not None:
                watch(latents, getattr(outcome, "pred_original_sample", latents))
        return latents

    return solve


def _ddim(steps: int) -> Any:
    """The official list of timesteps; the last step lands on timestep 0, not on infinite signal."""
    scheduler = DDIMScheduler(**SCHEDULE_OPTIONS, clip_sample=False, set_alpha_to_one=False, steps_offset=1)
    scheduler.set_timesteps(steps)
    scheduler.timesteps = torch.tensor(leading_timesteps(steps))
    return scheduler


def _dpmpp_2m(steps: int) -> Any:
    """Second order (Lu et al. 2022, arXiv 2211.01095), noise levels spaced after Karras et al. 2022.

    Against an analytic score 20 steps of it err several times less than evenly spaced ones (`benchmarks/solvers.py` shows it).
    It starts at 999, where the start code was noised to, and ends at timestep 0 as the official samplers do.
    """
    scheduler = DPMSolverMultistepScheduler(
        **SCHEDULE_OPTIONS, algorithm_type="dpmsolver++", solver_order=2, use_karras_sigmas=True, final_sigmas_type="sigma_min"
    )
    scheduler.set_timesteps(steps)
    return scheduler


def _unipc(steps: int) -> Any:
    """Predictor and corrector at one call per step (Zhao et al. 2023, arXiv 2302.04867), the same spacing as `_dpmpp_2m`."""
    scheduler = UniPCMultistepScheduler(**SCHEDULE_OPTIONS, solver_order=2, use_karras_sigmas=True, final_sigmas_type="sigma_min")
    scheduler.set_timesteps(steps)
    return scheduler


ddim: Solver = scheduled(_ddim)
dpmpp_2m: Solver = scheduled(_dpmpp_2m)
unipc: Solver = scheduled(_unipc)

SOLVERS: dict[str, Solver] = {"plms": plms, "ddim": ddim, "dpmpp_2m": dpmpp_2m, "unipc": unipc}
