"""Our solvers against diffusers' schedulers, step by step: fp64 latents, coefficients of diffusers in fp32 (relative 1e-5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from tryon.samplers.ddim import ddim  # noqa: E402
from tryon.samplers.dpmpp_2m import dpmpp_2m  # noqa: E402
from tryon.samplers.levels import karras_levels, level_at  # noqa: E402
from tryon.samplers.schedule import BETA_END, BETA_START, TRAIN_STEPS, leading_timesteps  # noqa: E402
from tryon.samplers.unipc import LAST_CALL, RHO, unipc  # noqa: E402

pytestmark = pytest.mark.slow

SCHEDULE = {
    "num_train_timesteps": TRAIN_STEPS,
    "beta_start": BETA_START,
    "beta_end": BETA_END,
    "beta_schedule": "scaled_linear",
}
START = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0)).double()
RELATIVE = 1e-5


def believed(latents, timestep):
    return 0.9 * latents + 0.1 * torch.sin(3 * latents) * (1 - timestep / 1000)


def ours(solver: Callable[..., Any], steps: int) -> list[Any]:
    trajectory = []
    solver(believed, START, steps, lambda latents, clean: trajectory.append(latents))
    return trajectory


def theirs(scheduler: Any, timesteps: list[int], predict: Any = believed, start: Any = START) -> list[Any]:
    latents, trajectory = start, []
    for timestep in timesteps:
        latents = scheduler.step(predict(latents, timestep), timestep, latents).prev_sample
        trajectory.append(latents)
    return trajectory


def assert_same(ours: list[Any], theirs: list[Any]) -> None:
    assert len(ours) == len(theirs)
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        away = float((one - other).norm() / other.norm())
        assert away < RELATIVE, f"outputs differ at step {number}: {away:.1e}"


@pytest.mark.parametrize("steps", range(1, 21))
def test_dpmpp_2m_is_that_of_diffusers_without_its_last_call(steps: int):
    """diffusers repeats its last sigma, so that its last of `steps + 1` calls changes nothing."""
    scheduler = diffusers.DPMSolverMultistepScheduler(
        **SCHEDULE, algorithm_type="dpmsolver++", solver_order=2, use_karras_sigmas=True, final_sigmas_type="sigma_min"
    )
    scheduler.set_timesteps(steps + 1)
    timesteps = scheduler.timesteps.tolist()
    assert [level.timestep for level in karras_levels(steps + 1, rho=7.0)] == timesteps
    assert_same(ours(dpmpp_2m, steps), theirs(scheduler, timesteps[:-1]))


class TrapezoidalUniPC(diffusers.UniPCMultistepScheduler):
    """diffusers' UniPC, whose corrector is held at first order (UniC-1)."""

    def multistep_uni_c_bh_update(self, this_model_output, **rest):
        return super().multistep_uni_c_bh_update(this_model_output, **{**rest, "order": 1})


def unipc_of_diffusers(kind: type, steps: int, predict: Any = believed, start: Any = START) -> list[Any]:
    """Second order, bh2, at our levels: diffusers knows neither our spacing nor our end."""
    levels = [*karras_levels(steps, RHO, LAST_CALL), level_at(0)]
    scheduler = kind(**SCHEDULE, solver_order=2, solver_type="bh2", predict_x0=True, final_sigmas_type="sigma_min")
    scheduler.set_timesteps(len(levels))
    scheduler.timesteps = torch.tensor([level.timestep for level in levels])
    scheduler.sigmas = torch.tensor([level.sigma for level in levels] + [levels[-1].sigma])
    scheduler.set_begin_index(0)
    return theirs(scheduler, [level.timestep for level in levels[:-1]], predict, start)


@pytest.mark.parametrize("steps", range(1, 21))
def test_unipc_is_that_of_diffusers_with_a_corrector_of_first_order(steps: int):
    assert_same(ours(unipc, steps), unipc_of_diffusers(TrapezoidalUniPC, steps))


@pytest.mark.parametrize("steps", range(1, 21))
def test_unipc_differs_from_the_papers_pair_from_its_second_corrector_on(steps: int):
    paper = unipc_of_diffusers(diffusers.UniPCMultistepScheduler, steps)
    assert_same(ours(unipc, steps)[:2], paper[:2])
    if steps > 2:
        with pytest.raises(AssertionError, match="outputs differ at step 2"):
            assert_same(ours(unipc, steps), paper)


@pytest.mark.parametrize("steps", [8, 10, 17])
def test_unipc_errs_less_than_the_papers_pair(steps: int):
    from benchmarks.solvers import Mixture

    ours, paper = [], []
    for mixture in map(Mixture, range(3)):
        end = ddim(mixture.predict, mixture.start, TRAIN_STEPS)
        pair = unipc_of_diffusers(diffusers.UniPCMultistepScheduler, steps, mixture.predict, mixture.start)[-1]
        for errors, latents in ((ours, unipc(mixture.predict, mixture.start, steps)), (paper, pair)):
            errors.append(float(((latents - end).flatten(1).norm(dim=1) / end.flatten(1).norm(dim=1)).median()))
    assert sum(ours) < 0.8 * sum(paper), (ours, paper)


@pytest.mark.parametrize("steps", range(1, 21))
def test_ddim_is_that_of_diffusers_on_the_official_timesteps(steps: int):
    scheduler = diffusers.DDIMScheduler(**SCHEDULE, clip_sample=False, set_alpha_to_one=False, steps_offset=1)
    scheduler.set_timesteps(steps)
    assert_same(ours(ddim, steps), theirs(scheduler, leading_timesteps(steps)))
