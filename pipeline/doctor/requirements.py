"""The project's own requirements, held against the installed distributions."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pipeline.doctor.facts import Requirement

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


def check_line(line: str, versions: Mapping[str, str]) -> Requirement:
    """A requirement line such as `numpy>=1.26,<2` against what is installed."""
    match = _LINE.match(line)
    assert match, line  # our own pyproject
    return check_rule(normal(match["name"]), match["rule"].strip(), versions)


def check_rule(package: str, rule: str, versions: Mapping[str, str]) -> Requirement:
    """Whether a package is absent, fits its rule, or does not."""
    version = versions.get(package)
    if version is None:
        return Requirement(package, rule)
    return Requirement(package, rule, version, satisfied=_fits(version, rule))


def _fits(version: str, rule: str) -> bool:
    """PEP 440. Nearly every environment has `packaging`, but the doctor must also work in a broken one."""
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return True
    return SpecifierSet(rule).contains(version, prereleases=True)
