"""The commands `evaluate RESULTS --truth DIR` and `evaluate compare A B`; what they call is imported when one runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pipeline.catalog import COMPARISON, ENGINES, EVALUATION, resolve
from pipeline.cli.options import INPUTS, OUTPUTS, WEIGHTS, Inputs, Outputs, Weights

RESULTS = "results"
"""The command that a folder, or options alone, mean."""
REPORT = Path("evaluation")


class Evaluations(TyperGroup):
    """`evaluate DIR …` is `evaluate results DIR …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the command where it was left out; `ctx` is click's, of which some releases of typer have their own."""
        named = not args or args[0] in self.commands or args[0] == "--help"
        return super().parse_args(ctx, args if named else [RESULTS, *args])


app = typer.Typer(
    cls=Evaluations,
    help="Measure results: python run.py evaluate RESULTS --truth DIR, or --engine NAME; evaluate compare A B.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class PairSetting(StrEnum):
    """Whether the garment of each pair is the one that the person wears."""

    PAIRED = "paired"
    UNPAIRED = "unpaired"


@app.command(RESULTS)
def results(
    folder: Annotated[Path | None, typer.Argument(metavar="[RESULTS]", help="Folder of results.", file_okay=False)] = None,
    truth: Annotated[Path | None, typer.Option(metavar="DIR", help="The photos: what a paired result should be")] = None,
    engine: Annotated[str, typer.Option(help="Take this engine's canvases of the outputs folder.")] = "",
    pairs: Annotated[Path | None, typer.Option(metavar="FILE", help="Which pairs: a line each, person garment.")] = None,
    setting: Annotated[PairSetting, typer.Option(help="Is the garment the one in the photo?")] = PairSetting.PAIRED,
    masks: Annotated[Path | None, typer.Option(metavar="DIR", help="Repaint masks by person; white = repaint.")] = None,
    cloth: Annotated[Path | None, typer.Option(metavar="DIR", help="Garment pictures, for CLIP-I.")] = None,
    allow_missing: Annotated[int, typer.Option(min=0, metavar="N", help="So many pairs may have no result.")] = 0,
    report: Annotated[Path, typer.Option(metavar="DIR", help="Where JSON, CSV and table go.")] = REPORT,
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
    weights: Weights = WEIGHTS,
) -> None:
    """SSIM, LPIPS, FID, KID, Inception Score, PSNR outside the mask, colour, CLIP-I: each by its convention, with intervals."""
    from pipeline.core.console import Console
    from pipeline.core.errors import UsageError, nearest

    if (folder is None) == (not engine):
        raise UsageError("evaluate: a folder of results, or --engine NAME", "python run.py evaluate RESULTS --truth DIR")
    if engine and engine not in ENGINES:
        raise UsageError(f"unknown engine {engine!r}", nearest(engine, ENGINES))
    if folder is not None and truth is None:
        raise UsageError("evaluate: --truth is missing", f"python run.py evaluate {folder} --truth DIR")
    places: dict[str, Any] = {"results": folder, "truth": truth, "masks": masks, "cloth": cloth}
    if engine:
        places = _own(inputs, outputs, engine) | {name: path for name, path in places.items() if path is not None}
    console = Console()
    own = {"pairs": pairs, "setting": setting.value, "weights": weights, "allow_missing": allow_missing, "engine": engine}
    content = resolve(EVALUATION)(report, _progress(console), **places, **own)
    _show(console, content, report)


def _own(inputs: Path, outputs: Path, engine: str) -> dict[str, Any]:
    """Where a run left an engine's canvases, and what belongs to them; the mask of a pair is that of its garment's category."""
    from pipeline.core.inputs.collection import discover
    from pipeline.core.layout import AGNOSTIC_MASK, CLOTH, IMAGE, TRYON, Layout
    from pipeline.garment_guess import GarmentGuesser

    layout = Layout(inputs, outputs)
    garments = discover(layout, lambda category: engine, guess=GarmentGuesser(layout)).garments if inputs.is_dir() else ()
    folders = {garment.id: outputs / AGNOSTIC_MASK.folder(garment.category).path for garment in garments}
    cloth = outputs / CLOTH.path
    return {
        "results": outputs / TRYON.path / engine,
        "truth": outputs / IMAGE.path,
        "masks": {name: folder for name, folder in folders.items() if folder.is_dir()},
        "cloth": cloth if cloth.is_dir() else None,
    }


def _progress(console: Any) -> Any:
    def say(done: int, count: int) -> None:
        if done == count or done % max(1, count // 20) == 0:
            console.say(f"  {done} of {count} pairs")

    return say


def _show(console: Any, content: Any, report: Path) -> None:
    from pipeline.core.console import Colour

    rows = [("measure", *content["rows"])]
    names = list(dict.fromkeys(name for row in content["rows"].values() for name in row))
    rows += [(name, *(_short(row.get(name)) for row in content["rows"].values())) for name in names]
    console.table(rows)
    for name, why in content["not_computed"].items():
        console.say(f"{name}: not computed: {why}", Colour.DIM)
    console.say(f"{content['n']} pairs, list sha256 {content['pairs_sha256'][:12]}…; report: {report}")


def _short(number: Any) -> str:
    if number is None:
        return "-"
    value = number["value"]
    return value if isinstance(value, str) else f"{value:.4f}"


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Report folder of the first.", file_okay=False)],
    second: Annotated[Path, typer.Argument(metavar="B", help="Report folder of the second.", file_okay=False)],
    report: Annotated[Path, typer.Option(metavar="DIR", help="Where table and sheet go.")] = Path("comparison"),
) -> None:
    """Two evaluations of the same pairs: paired differences with intervals, and a sheet of the twenty worst."""
    from pipeline.core.console import Console

    console = Console()
    rows, files = resolve(COMPARISON)(first, second, report)
    console.table([("measure", "second - first", "95 %", "verdict"), *rows])
    console.say(f"written: {', '.join(map(str, files))}")
