"""The project's own requirements, held against the installed distributions."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.doctor.facts import Requirement
from pipeline.doctor.opencv import OPENCV

OURS = Path(__file__).resolve().parents[2]
_LINE = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?P<rule>[^;]*)")


def installed_versions() -> dict[str, str]:
    """Normalised distribution name → version, the first one on the path."""
    versions: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        if name := distribution.metadata["Name"]:
            versions.setdefault(normal(name), distribution.version)
    return versions


def normal(name: str) -> str:
    """A distribution name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project_rules() -> tuple[list[str], dict[str, list[str]], str]:
    """Base requirements, extras, and the Python rule: from pyproject in a checkout, else from the installed metadata."""
    path = OURS / "pyproject.toml"
    if path.is_file():
        project = tomllib.loads(path.read_text("utf-8"))["project"]
        return project["dependencies"], project["optional-dependencies"], project["requires-python"]
    metadata = importlib.metadata.metadata("lookbook")
    base: list[str] = []
    extras: dict[str, list[str]] = {}
    for line in metadata.get_all("Requires-Dist") or []:
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        (extras.setdefault(extra[1], []) if extra else base).append(line)
    return base, extras, str(metadata["Requires-Python"])


def lines_here(lines: Sequence[str], extra: str = "", environment: Mapping[str, str] | None = None) -> list[str]:
    """The requirement lines whose condition holds; without `packaging`, which reads conditions, those that have none.

    Args:
        lines: such as `mediapipe==0.10.14 ; python_version < '3.13'`.
        extra: the extra that they belong to.
        environment: variables that differ from this machine's; for tests.
    """
    marker = _packaging("markers")
    given = {**(environment or {}), "extra": extra}
    parted = [(line, line.partition(";")[2].strip()) for line in lines]
    return [line for line, condition in parted if not condition or (marker and marker.Marker(condition).evaluate(given))]


def check_line(line: str, versions: Mapping[str, str]) -> Requirement:
    """A requirement line such as `numpy>=1.26,<2` against what is installed; one OpenCV distribution serves for another."""
    match = _LINE.match(line)
    assert match, line  # our own pyproject
    package, rule = normal(match["name"]), match["rule"].strip()
    if package in OPENCV and package not in versions:
        for name in OPENCV:
            if name in versions and _fits(versions[name], rule):
                return Requirement(package, rule, f"{versions[name]} ({name})", satisfied=True)
    return check_rule(package, rule, versions)


def check_rule(package: str, rule: str, versions: Mapping[str, str]) -> Requirement:
    """Whether a package is absent, fits its rule, or does not."""
    version = versions.get(package)
    if version is None:
        return Requirement(package, rule)
    return Requirement(package, rule, version, satisfied=_fits(version, rule))


def _fits(version: str, rule: str) -> bool:
    """PEP 440."""
    specifiers = _packaging("specifiers")
    return specifiers is None or bool(specifiers.SpecifierSet(rule).contains(version, prereleases=True))


def _packaging(module: str) -> Any:
    """A module of `packaging`, or of pip's own copy; None without either: the doctor must also work in a broken environment."""
    for package in ("packaging", "pip._vendor.packaging"):
        try:
            return importlib.import_module(f"{package}.{module}")
        except ImportError:
            continue
    return None
