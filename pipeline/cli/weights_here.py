"""The commands `weights find | use`: model files that are on this machine already; what they call is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import WEIGHTS
from pipeline.cli.weights import Folder, app

__all__ = ["app"]

if TYPE_CHECKING:
    from pipeline.core.console import Console
    from pipeline.core.weights.elsewhere import Sighting


@app.command()
def find(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Rows of the table; default all.")] = None,
    weights: Folder = WEIGHTS,
    move: Annotated[bool, typer.Option("--move", help="Put them where they belong; from other caches they are copied.")] = False,
) -> None:
    """Model files that lie elsewhere: one folder too high, renamed, in ~/.u2net or a hub's cache. Listed; moved with --move."""
    from pipeline.core.console import Console
    from pipeline.core.weights.elsewhere import Elsewhere, command
    from pipeline.core.weights.table import table

    console, places = Console(), Elsewhere(weights)
    sighted = [each for name in names or table() for each in places.of(name)]
    if not sighted:
        console.say("no model file of the table lies elsewhere on this machine")
        return
    if not move:
        for each in sighted:
            console.say(each.line())
        console.say(f"to put them where they belong: {command((each.weight.name for each in sighted), weights)}")
        return
    raise typer.Exit(_bring_all(console, sighted, weights))


def _bring_all(console: Console, sighted: list[Sighting], weights: Path) -> int:
    """A file that is another one is told, and the others are brought; 2 when there was one."""
    from pipeline.core.console import Colour
    from pipeline.core.errors import DiskFullError, ExitCode, WeightsError
    from pipeline.core.weights.elsewhere import bring

    wrong = 0
    for each in sighted:
        if not each.path.exists():
            continue  # two rows share it, and the first one has it now
        try:
            console.say(f"{bring(each, weights).line()}, from {each.path}")
        except DiskFullError:
            raise
        except WeightsError as problem:
            wrong += 1
            console.say(str(problem), Colour.BAD)
    return ExitCode.USAGE if wrong else ExitCode.DONE


@app.command()
def use(
    name: Annotated[str, typer.Argument(help="A row of the table.")],
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The file to take in place of the published one.")] = None,
    weights: Folder = WEIGHTS,
    undo: Annotated[bool, typer.Option("--undo", help="Hold what is there against the table again.")] = False,
) -> None:
    """Take an equivalent file of another hash on purpose; the recipe of every picture made with it says so."""
    from pipeline.core.console import Colour, Console
    from pipeline.core.errors import UsageError
    from pipeline.core.weights.chosen import forget_choice, use_file
    from pipeline.engine_of_file import refuse_other_model

    console = Console()
    if undo == (file is not None):
        raise UsageError("weights use: takes a file, or --undo", f"python run.py weights use {name} FILE")
    if file is None:
        count = forget_choice(name, weights)
        console.say(f"{name}: {count} files are held against the table again" if count else f"{name}: no file was chosen")
        return
    refuse_other_model(name, file)
    found = use_file(name, file, weights)
    console.say(found.line(), Colour.WARN if found.chosen else None)
    console.say(f"  sha256 {found.sha256}, written into the recipes of what it makes")
