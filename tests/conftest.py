"""Fixtures every test may use: development photos, recorded results, and a place for failed pictures."""

from __future__ import annotations

import os
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A machine with other work on it is slow; that says nothing about how examples are drawn.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers are the parallel part: more threads each would only get in their way
    os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS") if name not in os.environ}

SHARED = Path(__file__).resolve().parents[2] / "shared"
WITH_SHARED = pytest.StashKey[int]()
NEEDS_TORCH = "needs torch: pip install -e '.[diffusion]'"
DIFFUSION = {"torch", "safetensors", "accelerate", "diffusers", "transformers", "einops"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Proofs take many minutes, so they run when they are asked for."""
    parser.addoption("--proofs", action="store_true", help="run the tests marked `proof` as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave proofs out, and say so, where they were not asked for."""
    if not config.getoption("--proofs"):
        for item in items:
            if item.get_closest_marker("proof"):
                item.add_marker(pytest.mark.skip(reason="a proof: run it with --proofs"))


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
        _count(item.config, 1)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of `pytest -n 2` hands its count on."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["with_shared"] = session.config.stash.get(WITH_SHARED, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """The counts of the workers come together."""
    _count(node.config, getattr(node, "workeroutput", {}).get("with_shared", 0))


def _count(config: pytest.Config, more: int) -> None:
    config.stash[WITH_SHARED] = config.stash.get(WITH_SHARED, 0) + more


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Test files that need torch are skipped where it is not installed: it is an extra."""
    report = yield
    if report.failed and find_spec("torch") is None and "No module named 'torch'" in str(report.longrepr):
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 0, NEEDS_TORCH)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """So are tests that import it only when they run; what the program itself says about a missing torch stays a failure."""
    report = yield
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, ModuleNotFoundError) and error.name in DIFFUSION and find_spec("torch") is None:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, NEEDS_TORCH)
    return report
