"""The command `study ENGINE`: what a network is made of, what it costs, what of it has no say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.catalog import ANATOMIES, ENGINES, STUDY, resolve

REPORTS = Path("study")
Engine = Annotated[str, typer.Argument(metavar="ENGINE", help=f"One of: {', '.join(ANATOMIES)}.")]


def study(
    engine: Engine,
    weights: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Published file, or a folder made of one; else shapes alone.")
    ] = None,
    height: Annotated[int | None, typer.Option(min=64, help="Pixels of the canvas; default what it was trained at.")] = None,
    width: Annotated[int | None, typer.Option(min=64, help="Pixels, as height.")] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Time a run on this machine as well.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda, for the measurement.")] = "auto",
    dtype: Annotated[str, typer.Option(help="fp32, bf16 or fp16, for the measurement.")] = "bf16",
    extract: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write each sub-model of FILE there, a safetensors file each.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where page, picture and figures go.  [default: study/ENGINE]")
    ] = None,
) -> None:
    """Sub-models, bytes, arithmetic, dead weights and the drawn flow of a network, found by watching it; needs no weights."""
    from pipeline.core.console import Console
    from pipeline.core.errors import UsageError, nearest

    if engine not in ANATOMIES:
        why = "has no network" if engine in ENGINES else "is unknown"
        raise UsageError(f"study: engine {engine!r} {why}", nearest(engine, ANATOMIES))
    if (height is None) != (width is None):
        raise UsageError("study: height and width go together", f"study {engine} --height H --width W")
    console = Console()
    asked = {"weights": weights, "measure": measure, "device": device, "dtype": dtype, "extract": extract}
    size = None if height is None else (height, width)
    where = {"report": report or REPORTS / engine, "size": size}
    tables, lines = resolve(STUDY)(resolve(ANATOMIES[engine]), console.say, **asked, **where)
    for table in tables:
        console.table(table)
        console.say()
    for line in lines:
        console.say(line)
