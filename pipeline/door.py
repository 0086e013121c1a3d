"""The entry point: a missing package is named with the command that installs it, before anything that needs it is imported."""

from __future__ import annotations

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
        sys.stderr.write(f"error: the Python package {package!r} is missing from {sys.executable}\n  → pip install -e .\n")
        sys.exit(ExitCode.USAGE)
