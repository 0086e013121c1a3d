"""The command `demo`: fills the inputs folder, makes the demo's pictures with the preview engine, says where to look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import INPUTS, OUTPUTS, WEIGHTS, Inputs, Outputs, Weights
from pipeline.core.console import Colour, Console
from pipeline.core.layout import FINAL
from pipeline.core.machine.process import give_freed_memory_back, share_freed_memory
from pipeline.request import Request

ENGINE = "preview"
"""Here at once and everywhere; `--step all` takes a model where one is."""

WORKERS, WORKERS_GB = 2, 3.0
"""Two processes make the demo's pictures in two thirds of the time, where there are two cores and this much free memory."""


def demo(
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
    weights: Weights = WEIGHTS,
    files_only: Annotated[bool, typer.Option("--files-only", help="Fill the inputs folder, make no pictures.")] = False,
) -> None:
    """Fill the inputs folder with people, garments and backgrounds to try things with, and make the demo's pictures."""
    from pipeline.core.pixels.foreground import compiling_meanwhile
    from pipeline.demo import fill_inputs

    share_freed_memory()
    console = Console()
    with compiling_meanwhile():  # what the first run on this machine would wait for
        written = fill_inputs(inputs)
    console.say(
        f"{len(written)} file{'s' if len(written) > 1 else ''} written to {inputs}"
        if written
        else f"{inputs} has the demo files already"
    )
    chosen = () if files_only else _chosen(console, inputs)
    if not chosen:
        console.say("next: python run.py --step all")
        return
    raise typer.Exit(_make(console, Request(inputs=inputs, outputs=outputs, weights=weights, only=chosen, workers=_workers())))


def _chosen(console: Console, inputs: Path) -> tuple[str, ...]:
    """The ids of the demo's pairs; a pair list or names of the user's own may leave some out."""
    from pipeline.core.inputs.collection import discover
    from pipeline.core.layout import Layout
    from pipeline.demo.choice import PAIRS

    there = {pair.id for pair in discover(Layout(inputs), lambda category: "").pairs}
    wanted = [f"{person}__{garment}" for person, garment in PAIRS]
    chosen = tuple(pair for pair in wanted if pair in there)
    if missing := len(wanted) - len(chosen):
        console.say(
            f"{missing} of the demo's {len(wanted)} pairs are not in {inputs}: it has a pair list or names of its own",
            Colour.WARN,
        )
    return chosen


def _workers() -> int:
    """How many processes make the pictures; `auto` sees no step that is worth one alone."""
    from pipeline.executors.machine import this_machine

    machine = this_machine()
    return WORKERS if machine.cores >= WORKERS and machine.free_memory_gb > WORKERS_GB else 1


def _make(console: Console, request: Request) -> int:
    """Make the pictures of the demo's pairs, and nothing of the user's own."""
    from pipeline.cli.session import Session
    from pipeline.demo.choice import GROUP_BACKGROUND

    give_freed_memory_back()  # of the drawings
    code = Session(replace(request, overrides=(f"run.engine={ENGINE}",)), console).run(ask=False)
    pictures = request.outputs / FINAL.path / ENGINE
    console.say(f"look at: {pictures}; {request.only[-1]}__{GROUP_BACKGROUND}.png shows a group")
    console.say(f"next: your own pictures into {request.inputs}, then python run.py --step all")
    return code
