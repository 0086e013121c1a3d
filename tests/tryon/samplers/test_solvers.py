"""Solvers against recorded schedules and against a score that is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tryon.samplers.ddim import ddim  # noqa: E402
from tryon.samplers.library import SOLVERS  # noqa: E402
from tryon.samplers.schedule import add_noise, alphas_cumprod, leading_timesteps  # noqa: E402

pytestmark = pytest.mark.slow


class Mixture:
    """A mixture of Gaussians in 64 dimensions, whose noise prediction is known in closed form."""

    def __init__(self, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.means = (torch.randn(12, 64, generator=generator) * 1.2).double()
        self.deviations = (torch.rand(12, 64, generator=generator) * 0.5 + 0.02).double()
        clean = self.means[torch.randint(0, 12, (64,), generator=generator)].reshape(64, 4, 4, 4)
        self.start = add_noise(clean, torch.randn(clean.shape, generator=generator).double(), 999)

    def predict(self, latents, timestep):
        signal = float(alphas_cumprod()[timestep])
        variance = signal * self.deviations**2 + 1 - signal
        away = latents.flatten(1)[:, None] - signal**0.5 * self.means
        share = (-0.5 * (away**2 / variance + variance.log()).sum(-1)).softmax(-1)
        return ((1 - signal) ** 0.5 * (share[..., None] * away / variance).sum(1)).reshape(latents.shape)


@pytest.fixture(scope="module")
def mixture():
    return Mixture()


@pytest.fixture(scope="module")
def trajectory_end(mixture):
    """The end of the 1,000-step trajectory."""
    return ddim(mixture.predict, mixture.start, 1000)


def error(latents, reference) -> float:
    """Relative error of the middle sample: the mean would hang on the few that change sides between two Gaussians."""
    away, size = ((x.flatten(1).norm(dim=1)) for x in (latents - reference, reference))
    return float((away / size).median())


@pytest.fixture(scope="module")
def mean_errors():
    """Error of each solver by number of steps, mean over three mixtures."""
    errors = {(name, steps): [] for name in SOLVERS for steps in (10, 20)}
    for mixture in (Mixture(1), Mixture(2), Mixture(3)):
        end = ddim(mixture.predict, mixture.start, 1000)
        for (name, steps), found in errors.items():
            found.append(error(SOLVERS[name](mixture.predict, mixture.start, steps), end))
    return {key: float(np.mean(found)) for key, found in errors.items()}


@pytest.mark.parametrize("name, bound", [("plms", 0.01), ("ddim", 0.03), ("dpmpp_2m", 0.01), ("unipc", 0.01)])
def test_fifty_steps_come_close_to_a_thousand(mixture, trajectory_end, name, bound):
    assert error(SOLVERS[name](mixture.predict, mixture.start, 50), trajectory_end) < bound


@pytest.mark.parametrize("steps", [10, 20])
def test_the_fast_solvers_need_fewer_steps_than_the_official_ones(mean_errors, steps):
    assert mean_errors["unipc", steps] < mean_errors["dpmpp_2m", steps] < 0.6 * mean_errors["plms", steps]
    assert mean_errors["plms", steps] < mean_errors["ddim", steps]


@pytest.mark.parametrize(
    "name, steps, calls", [("plms", 50, 51), ("plms", 30, 32), ("ddim", 50, 50), ("dpmpp_2m", 20, 20), ("unipc", 10, 10)]
)
def test_a_solver_makes_the_calls_it_says(name, steps, calls):
    timesteps = []

    def predict(latents, timestep):
        timesteps.append(timestep)
        return torch.zeros_like(latents)

    SOLVERS[name](predict, torch.ones(1, 4, 2, 2), steps)
    assert len(timesteps) == calls
    assert timesteps[0] == {"plms": leading_timesteps(steps)[0], "ddim": leading_timesteps(steps)[0]}.get(name, 999)


def test_the_official_timesteps_are_odd_on_purpose():
    assert leading_timesteps(4) == [751, 501, 251, 1]
    assert leading_timesteps(50)[:2] == [981, 961]
    assert len(leading_timesteps(30)) == 31
    assert len(leading_timesteps(70)) == 72
    assert max(max(leading_timesteps(steps)) for steps in range(1, 1001)) == 999


def test_the_schedule_is_the_recorded_one(fixtures_root):
    recorded = np.load(fixtures_root / "stableviton" / "public" / "core.npz")
    np.testing.assert_array_equal(alphas_cumprod(), recorded["sched/alphas_cumprod"])
    for steps in (4, 8, 50):
        assert leading_timesteps(steps)[::-1] == recorded[f"sched/timesteps_S{steps}"].tolist()
        np.testing.assert_array_equal(alphas_cumprod()[leading_timesteps(steps)[::-1]], recorded[f"sched/alphas_S{steps}"])


@pytest.mark.parametrize("name", list(SOLVERS))
def test_a_solver_keeps_nothing_from_the_last_picture(mixture, name):
    first = SOLVERS[name](mixture.predict, mixture.start[:4], 6)
    SOLVERS[name](mixture.predict, mixture.start[4:8], 5)
    assert torch.equal(first, SOLVERS[name](mixture.predict, mixture.start[:4], 6))
