"""The commands `hands …`: what became of hands, and data to train a hand LoRA on; what they call is imported when one runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.catalog import HANDS, resolve
from pipeline.cli.options import OUTPUTS, Outputs

RULES = ("ours", "seed")

app = typer.Typer(
    help="Hands: how many survive the try-on, and data to learn them from; see docs/hands.md.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Root of a VITON-HD tree, or the folder with image/ in it.")]
Split = Annotated[str, typer.Option(help="train or test.")]
Rule = Annotated[str, typer.Option(metavar="ours|seed", help="Which hands; seed = as the published scripts choose them.")]


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


@app.command()
def dataset(
    to: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    data: Data,
    split: Split = "train",
    rule: Rule = "ours",
    factor: Annotated[float, typer.Option(min=1.2, max=6, help="Side of a crop over the hand's size.")] = 2.25,
    least_px: Annotated[float, typer.Option("--least-px", min=1, help="Least size of a hand.")] = 32.0,
    repeats: Annotated[int, typer.Option(min=1, help="N of kohya's N_hands: how often a picture counts in an epoch.")] = 10,
    test_share: Annotated[float, typer.Option("--test-share", min=0, max=0.9, help="Share of the people held out.")] = 0.1,
) -> None:
    """Crops of hands with masks, captions and a split, and kohya's folders; for `train hand-lora` and other trainers."""
    from pipeline.core.console import Console

    _known(rule)
    wanted = resolve(HANDS["wanted"])(
        data=data,
        to=to,
        split=split,
        rule=rule,
        factor=factor,
        least_px=least_px,
        repeats=repeats,
        test_share=test_share,
    )
    resolve(HANDS["dataset"])(wanted, Console().say)


@app.command()
def masks(
    to: Annotated[Path, typer.Argument(metavar="DIR", help="Where the masks go.")],
    data: Data,
    split: Split = "test",
    rule: Rule = "ours",
) -> None:
    """A mask of the hands for every photo: hulls of key-points, or (seed) both bare arms of the parse map."""
    from pipeline.core.console import Console

    _known(rule)
    resolve(HANDS["masks"])(data, split, to, rule, Console().say)


def _known(rule: str) -> None:
    from pipeline.core.errors import UsageError, nearest

    if rule not in RULES:
        raise UsageError(f"--rule {rule}: no such rule", nearest(rule, RULES))
