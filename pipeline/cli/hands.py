"""The commands `hands …`: what became of hands; what they call is imported when one runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.catalog import HANDS, resolve
from pipeline.cli.options import OUTPUTS, Outputs

app = typer.Typer(
    help="Hands: how many survive the try-on; see docs/hands.md.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def hands() -> None:
    """Commands about hands; a callback keeps each of them a word of its own."""


@app.command()
def report(
    outputs: Outputs = OUTPUTS,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write hands.json, and hands.csv with a line per hand.")
    ] = None,
) -> None:
    """Of the hands in the photos: how many are untouched, kept, pasted, repaired, flagged; shares with 95 % intervals."""
    from pipeline.core.console import Console

    console = Console()
    content = resolve(HANDS["report"])(outputs, report)
    for engine, rows in content["engines"].items():
        console.say(engine)
        console.table([("hands", "count", "share", "95 %"), *rows])
        console.say()
    console.say("95 %: Wilson's interval, as if every hand were another person's; two garments on one person say less than that.")
    if report is not None:
        console.say(f"written: {report / 'hands.json'}, {report / 'hands.csv'}")
