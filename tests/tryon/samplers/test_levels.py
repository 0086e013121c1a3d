"""Noise levels: where they lie, and that going from one to another is exact for a belief that does not change."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from tryon.samplers.levels import advance, karras_levels, level_at  # noqa: E402
from tryon.samplers.schedule import add_noise, alphas_cumprod  # noqa: E402


def test_a_level_of_the_schedule_has_the_schedules_signal():
    for timestep in (0, 1, 500, 999):
        level = level_at(timestep)
        assert level.signal**2 == pytest.approx(float(alphas_cumprod()[timestep]), rel=1e-6)
        assert level.signal**2 + level.noise**2 == pytest.approx(1)


@pytest.mark.parametrize("rho", [4.0, 7.0])
@pytest.mark.parametrize("count", [2, 9, 50, 1000])
@pytest.mark.parametrize("end", [0, 1])
def test_levels_fall_from_the_noisiest_to_the_end_asked_for(rho: float, count: int, end: int):
    levels = karras_levels(count, rho, end)
    sigmas = [level.sigma for level in levels]
    assert len(levels) == count
    assert (levels[0].timestep, levels[-1].timestep) == (999, end)
    assert sigmas == sorted(sigmas, reverse=True)
    assert (sigmas[0], sigmas[-1]) == (pytest.approx(level_at(999).sigma), pytest.approx(level_at(end).sigma))
    roots = [sigma ** (1 / rho) for sigma in sigmas]
    assert roots[0] - roots[1] == pytest.approx(roots[-2] - roots[-1])


def test_a_timestep_is_the_one_whose_noise_is_nearest():
    for level in karras_levels(12, 7.0):
        away = [abs(level_at(timestep).half_log_snr - level.half_log_snr) for timestep in range(1000)]
        assert abs(away.index(min(away)) - level.timestep) <= 1


def test_going_on_from_a_true_belief_ends_where_the_noise_would_have_put_it():
    generator = torch.Generator().manual_seed(0)
    clean, noise = (torch.randn(1, 4, 3, 3, generator=generator).double() for _ in range(2))
    latents = add_noise(clean, noise, 700)
    assert torch.allclose(level_at(700).clean(latents, noise), clean, atol=1e-5)
    assert torch.allclose(advance(latents, clean, level_at(700), level_at(200)), add_noise(clean, noise, 200), atol=1e-5)
