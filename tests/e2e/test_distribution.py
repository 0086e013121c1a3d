"""A built distribution is whole: it runs where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("pipeline", "preprocess", "tryon", "compose")
BESIDE = {"LICENSE", "README.md", "CHANGELOG.md", "environment.yml", "pyproject.toml", "run.py"}
BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"


def tracked(*folders: str) -> set[str]:
    """What the repository holds, below some folders."""
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.split("\0") if name}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files alone, as a clean clone has them."""
    folder = tmp_path_factory.mktemp("clone")
    for name in tracked():
        if not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def build(clone: Path, kind: str) -> Path:
    """`wheel` or `sdist`, built without a network by the backend that `pyproject.toml` names."""
    target = clone / "dist"
    target.mkdir(exist_ok=True)
    command = [sys.executable, "-c", BUILD, f"build_{kind}", str(target)]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return target / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(clone: Path) -> Path:
    return build(clone, "wheel")


def test_the_wheel_holds_every_file_of_the_rooms_and_nothing_else(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        (entry,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        script = archive.read(entry).decode()
    assert held == tracked(*ROOMS)
    assert "lookbook = pipeline.door:main" in script


def test_the_source_distribution_holds_what_a_wheel_is_built_from(clone: Path):
    with tarfile.open(build(clone, "sdist")) as archive:
        held = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert tracked(*ROOMS) | BESIDE <= held
    assert not {name for name in held if name.startswith(("tests/", "docs/pictures"))}


@pytest.mark.slow
def test_an_unpacked_wheel_runs_the_demo_away_from_the_checkout(wheel: Path, tmp_path: Path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    place = tmp_path / "work"
    place.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    for words in (["demo", "--files-only"], ["--step", "all", "--only", "printed_tee", "--only", "seaside"]):
        command = [sys.executable, "-c", "from pipeline.door import main; main()", *words]
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        assert str(ROOT) not in done.stdout + done.stderr
    assert list((place / "outputs" / "final").rglob("*.png"))
