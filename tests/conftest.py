"""Fixtures every test may use: development photos, recorded results, and a place for failed pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _shared_folder(name: str) -> Path:
    """Skips where the shared folder is absent; fails where it exists without the piece, so that CI cannot pass by skipping."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside the project")
    folder = SHARED / name
    assert folder.is_dir(), f"../shared exists but has no {name}"
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """`../shared/samples`: person/, cloth/, background/, vitonhd_like/."""
    return _shared_folder("samples")


@pytest.fixture(scope="session")
def fixtures_root() -> Path:
    """`../shared/fixtures`: recorded results of the reference implementations."""
    return _shared_folder("fixtures")


@pytest.fixture(scope="session")
def failures() -> Path:
    """Where a failing test leaves pictures to look at."""
    folder = Path(__file__).parent / "failures"
    folder.mkdir(exist_ok=True)
    return folder
