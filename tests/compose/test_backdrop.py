"""A background is read once for all people before it, and anew whenever what decides its reading changes."""

from __future__ import annotations

import numpy as np
import pytest

from compose import backdrop
from compose.backdrop import read_backdrop
from pipeline.core.inputs.placement_file import PlacementSettings

AUTOMATIC = PlacementSettings()


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that a background is really read."""
    counted: list[int] = []
    read = backdrop._stage

    def counting(background: np.ndarray, said: PlacementSettings) -> backdrop.Stage:
        counted.append(1)
        return read(background, said)

    monkeypatch.setattr(backdrop, "_stage", counting)
    return counted


def picture(seed: int, size: tuple[int, int] = (90, 120)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)


def test_the_second_person_before_a_background_finds_it_read(readings: list[int]) -> None:
    first = read_backdrop(picture(1), AUTOMATIC)
    assert read_backdrop(picture(1).copy(), AUTOMATIC) is first
    assert len(readings) == 1


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (picture(3), AUTOMATIC),
        (picture(2).reshape(120, 90, 3), AUTOMATIC),
        (picture(2), PlacementSettings(horizon=0.4)),
        (picture(2), PlacementSettings(ground="none")),
    ],
    ids=["another picture", "the same bytes in another shape", "a horizon given", "no ground, says the file"],
)
def test_what_decides_the_reading_is_part_of_what_is_remembered(
    readings: list[int], other: np.ndarray, said: PlacementSettings
) -> None:
    before = read_backdrop(picture(2), AUTOMATIC)
    readings.clear()
    assert read_backdrop(other, said) is not before


def test_one_changed_pixel_is_another_background() -> None:
    changed = picture(4)
    before = read_backdrop(picture(4), AUTOMATIC)
    changed[50, 60] ^= 255
    assert read_backdrop(changed, AUTOMATIC) is not before


def test_no_more_than_the_last_few_are_kept() -> None:
    for seed in range(100, 100 + backdrop.MOST_KEPT + 5):
        read_backdrop(picture(seed, (40, 40)), AUTOMATIC)
    assert len(backdrop._kept) == backdrop.MOST_KEPT
