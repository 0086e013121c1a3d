"""Fixtures every test may use: development photos, recorded results, and a place for failed pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
WITH_SHARED = pytest.StashKey[int]()


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests had the shared folder, so that a green run without it is not mistaken for a full one."""
    ran = terminalreporter.config.stash.get(WITH_SHARED, 0)
    where = "present" if SHARED.is_dir() else "absent"
    terminalreporter.write_line(f"../shared is {where}: {ran} tests used its samples or recorded results")


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Count the tests that used the shared folder."""
    if {"samples", "fixtures_root"} & set(getattr(item, "fixturenames", ())) and SHARED.is_dir():
        item.config.stash[WITH_SHARED] = item.config.stash.get(WITH_SHARED, 0) + 1
