"""The command `sweep FILE.toml`: many settings side by side, one table, one contact sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import WEIGHTS

SWEEPS = Path("sweeps")


def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="What is tried; docs/sweep.md shows one.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder of all sweeps; results in DIR/FILE.")] = SWEEPS,
    weights: Annotated[Path, typer.Option("--weights", metavar="DIR", help="The weights folder.")] = WEIGHTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the grid and its cost; make nothing.")] = False,
) -> None:
    """Dress or train with every combination of settings in a file; the same command again goes on."""
    from pipeline.core.console import Console, follow_log
    from pipeline.sweep.run import SweepRun

    console = Console()
    follow_log(console)
    run = SweepRun(file, to, weights, console)
    run.check()
    raise typer.Exit(run.show() if dry_run else run.run())
