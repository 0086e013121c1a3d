"""No call of the network is wasted, and no solver waits for the device."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from tryon.engines.stableviton.presets import PRESETS  # noqa: E402
from tryon.samplers.library import SOLVERS  # noqa: E402
from tryon.samplers.schedule import leading_timesteps  # noqa: E402

START = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
NOISE = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(1))


def believed(latents, timestep):
    """A noise prediction that depends on both."""
    return 0.9 * latents + 0.1 * torch.sin(3 * latents) * (1 - timestep / 1000)


class Calls:
    """Predicts, notes the timesteps, and answers one of the calls with noise."""

    def __init__(self, spoilt: int | None = None) -> None:
        self.spoilt, self.timesteps = spoilt, []

    def __call__(self, latents, timestep):
        self.timesteps.append(timestep)
        return NOISE if len(self.timesteps) - 1 == self.spoilt else believed(latents, timestep)


def moved(solver: str, steps: int, spoilt: int) -> float:
    """How far the result moves, relatively, when noise stands in for one prediction."""
    honest, other = (SOLVERS[solver](calls, START, steps) for calls in (Calls(), Calls(spoilt)))
    return float((other - honest).norm() / honest.norm())


def calls_of(solver: str, steps: int) -> list[int]:
    calls = Calls()
    SOLVERS[solver](calls, START, steps)
    return calls.timesteps


@pytest.mark.parametrize("steps", range(2, 21))
@pytest.mark.parametrize("solver", list(SOLVERS))
def test_noise_in_place_of_any_prediction_changes_the_result(solver: str, steps: int):
    for number, timestep in enumerate(calls_of(solver, steps)):
        assert moved(solver, steps, number) > 1e-3, f"{solver}, {steps} steps: call {number} (timestep {timestep}) is wasted"


@pytest.mark.parametrize("preset", list(PRESETS))
def test_no_preset_wastes_its_last_call(preset: str):
    solver, steps = PRESETS[preset].solver, PRESETS[preset].steps
    assert moved(solver, steps, len(calls_of(solver, steps)) - 1) > 1e-3


@pytest.mark.parametrize("steps", range(2, 21))
@pytest.mark.parametrize("solver", list(SOLVERS))
def test_a_solver_makes_the_calls_it_says(solver: str, steps: int):
    """As many as steps; the official solvers their whole list, and PLMS one more."""
    timesteps, official = calls_of(solver, steps), leading_timesteps(steps)
    if solver in ("plms", "ddim"):
        assert len(timesteps) == len(official) + (solver == "plms")
        assert timesteps[0] == official[0]
    else:
        assert len(timesteps) == steps
        assert timesteps[0] == 999
    assert timesteps[-1] > 0


@pytest.mark.parametrize("steps", [2, 20])
@pytest.mark.parametrize("solver", list(SOLVERS))
def test_a_solver_reads_nothing_back_from_the_device(solver: str, steps: int):
    """A meta tensor has no values: whoever asks for one fails."""
    seen = []
    start = torch.empty(2, 4, 8, 6, device="meta")
    end = SOLVERS[solver](
        lambda latents, timestep: torch.empty_like(latents), start, steps, lambda latents, clean: seen.append(latents)
    )
    assert end.shape == start.shape and end.dtype == torch.float32
    assert len(seen) == (steps if solver in ("dpmpp_2m", "unipc") else len(leading_timesteps(steps)))
