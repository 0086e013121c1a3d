"""The very first door: a package that is missing is named with its cure, before anything is imported that needs it."""

from __future__ import annotations

import sys

from pipeline.core.errors import ExitCode

OUR_PACKAGES = frozenset({"pipeline", "preprocess", "tryon", "compose"})


def main() -> None:
    """Run the command line.

    Raises:
        ModuleNotFoundError: a module of ours is missing, which is our mistake and nobody's installation.
    """
    try:
        from pipeline.cli.app import main as command_line

        command_line()
    except ModuleNotFoundError as problem:
        package = (problem.name or "").partition(".")[0]
        if package in {"", *OUR_PACKAGES}:
            raise
        # Not through the console: the console is made of packages too.
        sys.stderr.write(f"error: the Python package {package!r} is missing from {sys.executable}\n  → pip install -e .\n")
        sys.exit(ExitCode.USAGE)
