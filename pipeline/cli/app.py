"""The command line: parses options, calls `pipeline.api`, prints. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import importlib.util
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from pipeline.catalog import STEPS
from pipeline.cli.datasets import PICTURES, export_app, import_app
from pipeline.cli.demo import demo
from pipeline.cli.engines import engines
from pipeline.cli.evaluate import app as evaluate_app
from pipeline.cli.hands import app as hands_app
from pipeline.cli.options import (
    INPUTS,
    OUTPUTS,
    WEIGHTS,
    CommandLineOptions,
    Config,
    Inputs,
    Outputs,
    Overrides,
    Weights,
    takes_options,
)
from pipeline.cli.review import add_commands
from pipeline.cli.review import export as export_pictures
from pipeline.cli.study import study
from pipeline.cli.sweep import sweep
from pipeline.cli.train import app as train_app
from pipeline.cli.weights_here import app as weights_app
from pipeline.core.console import Colour, Console
from pipeline.core.errors import ExitCode, LookbookError, UsageError, system_refusal
from pipeline.core.layout import LEDGER
from pipeline.core.machine.process import exit_without_teardown, share_freed_memory
from pipeline.core.machine.start_checks import refuse_obstacles
from pipeline.core.records.stat_ahead import StatsAhead

app = typer.Typer(
    name="lookbook",
    help="Folders of people, garments and backgrounds in; finished try-on pictures out.",
    epilog="Steps: " + " · ".join(f"{number} {name}" for number, name in enumerate(STEPS, 1)),
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback(invoke_without_command=True)
@takes_options(CommandLineOptions)
def run(context: typer.Context, options: CommandLineOptions) -> None:
    """Run steps: python run.py --step all."""
    if context.invoked_subcommand:
        return
    if not _asks_for_something(context):
        typer.echo(context.get_help())
        return
    refuse_obstacles()
    share_freed_memory()
    # The child process lists the folders while the heavy libraries are imported here.
    ahead = context.with_resource(StatsAhead((options.inputs, options.outputs), options.outputs / LEDGER))
    from pipeline.cli.session import Session

    session = Session(options.request(), Console(options.json_events), ahead)
    raise typer.Exit(session.show_plan() if options.dry_run else session.run(ask=not options.yes))


def _asks_for_something(context: typer.Context) -> bool:
    """Whether any option was typed; without one the help is printed."""
    sources = (context.get_parameter_source(name) for name in context.params)
    return any(source is not None and source.name == "COMMANDLINE" for source in sources)


app.add_typer(weights_app, name="weights")
app.command()(demo)
app.command()(engines)
app.add_typer(train_app, name="train")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(hands_app, name="hands")
app.command()(study)
app.command()(sweep)
add_commands(app)
app.add_typer(import_app, name="import")
export_app.command(PICTURES)(export_pictures)
app.add_typer(export_app, name="export")


@app.command()
def doctor(inputs: Inputs = INPUTS, outputs: Outputs = OUTPUTS, weights: Weights = WEIGHTS) -> None:
    """Check Python, packages, GPU, disk and weights; one line each, with a remedy."""
    from pipeline.doctor.survey import show  # not the session: it needs what the doctor may find missing

    raise typer.Exit(show(Console(), outputs, weights))


@app.command("config")
def show_config(
    init: Annotated[bool, typer.Option("--init", help="Write lookbook.toml with every setting and its comment.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print the resolved settings.")] = False,
    inputs: Inputs = INPUTS,
    config: Config = None,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Write or print the settings."""
    from pipeline.cli.session import settings_text, write_settings

    console = Console()
    if init:
        console.say(f"written: {write_settings(inputs, config)}")
    if show or not init:
        console.data(settings_text(inputs, config, tuple(overrides)))


@app.command()
def clean(
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove them; without this they are only listed.")] = False,
) -> None:
    """List, and with --yes remove, artefacts whose inputs are gone."""
    from pipeline.cli.session import clean_outputs

    raise typer.Exit(clean_outputs(Console(), inputs, outputs, remove=yes))


def _guard() -> None:
    """Stop when another package called `compose` hides ours, before an import of it fails with a confusing message."""
    ours = Path(__file__).resolve().parents[2]
    found = importlib.util.find_spec("compose")
    place = Path(found.origin or "") if found else Path()
    if ours not in place.resolve().parents:
        raise UsageError(f"Python finds another package called 'compose': {place}", "python run.py doctor")


def main() -> None:
    """Run the command line; every error a user can cause becomes one message and an exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        _guard()
        app()
    except LookbookError as problem:
        _tell(problem)
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            exit_without_teardown(end.code or 0)
        raise
    except Exception as problem:
        error = system_refusal(problem)
        if error is None:
            raise
        _tell(error)
        sys.exit(error.exit_code)


def _terminate(number: int, frame: FrameType | None) -> None:
    """End like a program that was asked to: what is half-written is taken away on the way out."""
    sys.exit(ExitCode.TERMINATED)


def _tell(problem: LookbookError) -> None:
    """Write an error as one message; standard output may lie on the full disk, then to standard error."""
    console = Console(json_events="--json" in sys.argv)
    try:
        console.event("error", {"message": problem.message, "remedy": problem.remedy})
        console.say(f"error: {problem}", Colour.BAD)
    except OSError:
        with suppress(OSError):
            sys.stderr.write(f"error: {problem}\n")
