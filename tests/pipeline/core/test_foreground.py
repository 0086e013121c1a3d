"""Foreground colours: halos go, everything else stays."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.core.pixels import foreground

ROOT = Path(__file__).resolve().parents[3]
PERSON, WALL = np.array([200, 40, 30.0]), np.array([20, 180, 60.0])


@pytest.fixture
def mixed() -> tuple[np.ndarray, np.ndarray]:
    """A red disc with a 20 px soft edge before a green wall: (photo, alpha)."""
    rows, columns = np.mgrid[:160, :120]
    alpha = np.clip((50 - np.hypot(rows - 80, columns - 60)) / 20 + 0.5, 0, 1)
    photo = alpha[..., None] * PERSON + (1 - alpha[..., None]) * WALL
    return photo.round().astype(np.uint8), (alpha * 255).round().astype(np.uint8)


@pytest.fixture
def fresh_solver():
    foreground._solver.cache_clear()
    yield
    foreground._solver.cache_clear()


def _halo(colours: np.ndarray, alpha: np.ndarray) -> float:
    soft = (alpha > 25) & (alpha < 230)
    return float(np.abs(colours[soft] - PERSON).mean())


def test_the_walls_colour_leaves_the_soft_band(mixed):
    photo, alpha = mixed
    assert _halo(foreground.estimate_foreground(photo, alpha), alpha) < 0.1 * _halo(photo, alpha)


def test_a_photo_solved_small_loses_its_halo_too(mixed):
    photo, alpha = mixed
    assert _halo(foreground.estimate_foreground(photo, alpha, work_side_px=60), alpha) < 0.15 * _halo(photo, alpha)


def test_pixels_that_are_all_person_are_the_photos_own(mixed):
    photo, alpha = mixed
    colours = foreground.estimate_foreground(photo, alpha)
    assert np.array_equal(colours[alpha == 255], photo[alpha == 255])


def test_texture_inside_the_soft_band_survives_solving_small():
    rng = np.random.default_rng(3)
    photo = cv2.resize(rng.integers(0, 255, (100, 80, 3), np.uint8), (320, 400), interpolation=cv2.INTER_NEAREST)
    alpha = np.full((400, 320), 240, np.uint8)
    alpha[:, :8] = 0
    colours = foreground.estimate_foreground(photo, alpha, work_side_px=100)
    inside = np.s_[:, 40:]
    assert np.corrcoef(colours[inside].ravel(), photo[inside].ravel())[0, 1] > 0.97


def test_a_cutout_is_straight_alpha_and_black_far_from_the_person(mixed):
    photo, alpha = mixed
    before = photo.copy(), alpha.copy()
    rgba = foreground.cutout(photo, alpha)
    assert rgba.shape == (160, 120, 4)
    assert np.array_equal(rgba[..., 3], alpha)
    assert not rgba[0, 0].any()
    faint = (alpha > 25) & (alpha < 60)
    assert rgba[faint][:, 0].mean() > 180, "faint pixels must carry the person's full colour, not a darkened one"
    assert np.array_equal(photo, before[0]) and np.array_equal(alpha, before[1])


@pytest.mark.parametrize("level", [0, 255])
def test_a_matte_without_soft_pixels_changes_no_colour(level):
    photo = np.random.default_rng(1).integers(0, 255, (40, 30, 3), np.uint8)
    assert np.array_equal(foreground.estimate_foreground(photo, np.full((40, 30), level, np.uint8)), photo)


def test_blur_fusion_alone_halves_the_halo(mixed):
    photo, alpha = mixed
    colours, _ = foreground.blur_fusion((photo / 255).astype(np.float32), (alpha / 255).astype(np.float32))
    assert _halo(colours * 255, alpha) < 0.5 * _halo(photo, alpha)


def test_a_solver_that_cannot_compile_is_replaced_and_said_so(fresh_solver, monkeypatch, caplog, mixed):
    def refuse():
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(foreground, "_load_multilevel", refuse)
    with caplog.at_level(logging.WARNING, "lookbook"):
        assert foreground.warm() == "blur fusion"
    assert "blur fusion" in caplog.text and "no locator" in caplog.text
    assert _halo(foreground.estimate_foreground(*mixed), mixed[1]) < 0.6 * _halo(*mixed)


@pytest.mark.parametrize(("kept", "said"), [(False, True), (True, False), (None, False)])
def test_only_a_slow_load_that_compiles_says_so(fresh_solver, monkeypatch, caplog, kept, said):
    """A busy machine may be as slow with code that it keeps."""
    monkeypatch.setattr(foreground, "SLOW_LOAD_SECONDS", 0.01)
    monkeypatch.setattr(foreground, "is_kept", lambda source: kept)
    monkeypatch.setattr(foreground, "_load_multilevel", lambda: time.sleep(0.2) or foreground.blur_fusion)
    with caplog.at_level(logging.INFO, "lookbook"):
        foreground.warm()
    assert ("compiling colour estimation, once" in caplog.text) is said


def test_a_quick_load_says_nothing(fresh_solver, monkeypatch, caplog):
    monkeypatch.setattr(foreground, "_load_multilevel", lambda: foreground.blur_fusion)
    with caplog.at_level(logging.INFO, "lookbook"):
        foreground.warm()
    assert caplog.text == ""


@pytest.mark.slow
def test_a_second_run_uses_what_the_first_one_compiled(tmp_path):
    """Once, the second run fell back to blur fusion: the cache names a module that was no longer there."""
    program = "from pipeline.core.pixels import foreground; print(foreground.warm())"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=ROOT, check=True, timeout=240
        )
        assert done.stdout.strip() == "multilevel", done.stderr
    assert list(tmp_path.rglob("*.nbi"))
