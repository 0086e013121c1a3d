"""The entry point: a missing package is named with the command that installs it, before anything that needs it is imported."""

from __future__ import annotations

import re
import sys

from pipeline.core.errors import ExitCode

OUR_PACKAGES = frozenset({"pipeline", "preprocess", "tryon", "compose"})


def main() -> None:
    """Run the command line.

    Raises:
        ModuleNotFoundError: one of our own modules is missing, which no installation cures.
    """
    try:
        from pipeline.cli.app import main as command_line

        command_line()
    except ModuleNotFoundError as problem:
        package = (problem.name or "").partition(".")[0]
        if package in {"", *OUR_PACKAGES}:
            raise
        # Not through the console, which needs packages itself.
        cure = f"pip install -e {_install_target(package)}"
        sys.stderr.write(f"error: the Python package {package!r} is missing from {sys.executable}\n  → {cure}\n")
        sys.exit(ExitCode.USAGE)


def _install_target(package: str) -> str:
    """What pip is to install for an imported package: us with the first of our extras that brings it, else us."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        wanted = requires("lookbook") or []
    except PackageNotFoundError:  # run from a checkout that was never installed
        wanted = []
    for line in wanted:
        name, _, extra = line.partition("extra == ")
        if extra and re.match(rf"{re.escape(package)}\b", name.replace("-", "_"), re.IGNORECASE):
            return f"'.[{extra.strip(chr(34) + chr(39) + ' )')}]'"
    return "."
