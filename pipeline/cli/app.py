"""The front door: parses, calls `pipeline.api`, prints. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.catalog import STEPS, backend_settings, step_names, step_range
from pipeline.cli.datasets import PICTURES, export_app, import_app
from pipeline.cli.review import add_commands
from pipeline.cli.review import export as export_pictures
from pipeline.cli.weights import app as weights_app
from pipeline.core.console import Colour, Console
from pipeline.core.errors import ExitCode, LookbookError, UsageError
from pipeline.core.gc_pause import leave
from pipeline.core.layout import LEDGER
from pipeline.core.records.stat_ahead import StatsAhead

app = typer.Typer(
    name="lookbook",
    help="Folders of people, garments and backgrounds in; finished try-on pictures out.",
    epilog="Steps: " + " · ".join(f"{number} {name}" for number, name in enumerate(STEPS, 1)),
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Inputs = Annotated[Path, typer.Option(help="Photos, garments, backgrounds.")]
Outputs = Annotated[Path, typer.Option(help="Everything that is made.")]
Weights = Annotated[Path, typer.Option(help="Model files.")]
Config = Annotated[Path | None, typer.Option(help="Settings file [default: lookbook.toml beside the inputs].")]
Overrides = Annotated[list[str], typer.Option("--set", metavar="SECTION.KEY=VALUE", help="One setting, for this run.")]
Json = Annotated[bool, typer.Option("--json", help="Events as JSON lines on standard output.")]

INPUTS, OUTPUTS, WEIGHTS = Path("inputs"), Path("outputs"), Path("weights")


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    step: Annotated[str | None, typer.Option(help="all, a name, a number, or several with commas: densepose,parsing.")] = None,
    start: Annotated[str, typer.Option("--from", metavar="STEP", help="First step.")] = "",
    until: Annotated[str, typer.Option(metavar="STEP", help="Last step.")] = "",
    only: Annotated[list[str], typer.Option(metavar="GLOB", help="Keep the people, garments or backgrounds that match.")] = [],  # noqa: B006
    skip: Annotated[list[str], typer.Option(metavar="GLOB", help="Leave out what matches.")] = [],  # noqa: B006
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many people.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Redo, and overwrite artefacts edited by hand.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed with the same inputs.")] = False,
    retry_bad: Annotated[
        int, typer.Option(min=0, max=20, metavar="N", help="Draw pairs with a low score again, up to N times; keep the best.")
    ] = 0,
    another: Annotated[
        bool, typer.Option("--another", help="Draw another picture of the selected pairs, from the next attempt's seed.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and why.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Hash every file again instead of trusting size and time.")] = False,
    json_events: Json = False,
    engine: Annotated[str, typer.Option(help="Try-on engine, or auto.")] = "",
    backend: Annotated[list[str], typer.Option(metavar="STEP=NAME", help="Model of a preprocessing step.")] = [],  # noqa: B006
    overrides: Overrides = [],  # noqa: B006
    seed: Annotated[int | None, typer.Option(help="Run seed.")] = None,
    commercial_only: Annotated[
        bool, typer.Option("--commercial-only", help="Only models whose licence allows business use.")
    ] = False,
    price_per_hour: Annotated[
        float | None, typer.Option(metavar="PRICE", help="Of the machine: say what 1,000 pictures cost, from this run's time.")
    ] = None,
    save_attention: Annotated[
        bool, typer.Option("--save-attention", help="Also draw, per pair, where on the garment each patch looks (StableVITON).")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Only paste people onto backgrounds: no light, shadow, grain.")] = False,
    layers: Annotated[
        bool, typer.Option("--layers", help="Also write background, shadow and person of each scene as separate RGBA files.")
    ] = False,
    strip_metadata: Annotated[
        bool, typer.Option("--strip-metadata", help="Finished pictures without a recipe; their colour profile stays.")
    ] = False,
    inputs: Inputs = INPUTS,
    outputs: Outputs = OUTPUTS,
    weights: Weights = WEIGHTS,
    config: Config = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a large run.")] = False,
) -> None:
    """Run steps: python run.py --step all."""
    if context.invoked_subcommand:
        return
    if not _asks_for_something(context):
        typer.echo(context.get_help())
        return
    ahead = context.with_resource(StatsAhead((inputs, outputs), outputs / LEDGER))  # it works while all this is imported
    from pipeline.api import Request
    from pipeline.cli.session import Session
    from pipeline.settings import sections_with

    shortcuts = [f"run.engine={engine}"] * bool(engine) + [f"run.seed={seed}"] * (seed is not None)
    shortcuts += [f"run.price_per_hour={price_per_hour}"] * (price_per_hour is not None)
    shortcuts += ["run.commercial_only=true"] * commercial_only
    shortcuts += ["compose.plain=true"] * plain + ["compose.layers=true"] * layers + ["compose.metadata=false"] * strip_metadata
    if save_attention:
        shortcuts += [f"{section}.save_attention=true" for section in sections_with("save_attention")]
    request = Request(
        steps=tuple(_steps(step, start, until)),
        inputs=inputs,
        outputs=outputs,
        weights=weights,
        config=config,
        overrides=(*overrides, *shortcuts, *backend_settings(backend)),
        only=tuple(only),
        skip=tuple(skip),
        limit=limit,
        force=force,
        retry_failed=retry_failed,
        fail_fast=fail_fast,
        verify=verify,
        workers=workers,
        retry_bad=retry_bad,
        another=another,
    )
    session = Session(request, Console(json_events), ahead)
    raise typer.Exit(session.show_plan() if dry_run else session.run(ask=not yes))


def _asks_for_something(context: typer.Context) -> bool:
    """Whether any option was typed; a bare call is answered with the help."""
    sources = (context.get_parameter_source(name) for name in context.params)
    return any(source is not None and source.name == "COMMANDLINE" for source in sources)


def _steps(step: str | None, start: str, until: str) -> list[str]:
    """The steps that --step, --from and --until ask for together; all when none of them is given."""
    if step is None:
        return step_range(start or None, until or None)
    if start or until:
        raise UsageError("--step and --from/--until exclude each other", "use one of the two forms")
    return step_names(step)


app.add_typer(weights_app, name="weights")
add_commands(app)
app.add_typer(import_app, name="import")
export_app.command(PICTURES)(export_pictures)
app.add_typer(export_app, name="export")


@app.command()
def demo(inputs: Inputs = INPUTS) -> None:
    """Fill the inputs folder with a photo, garments and backgrounds to try things with."""
    from pipeline.demo import fill_inputs

    console = Console()
    written = fill_inputs(inputs)
    console.say(f"{len(written)} files written to {inputs}" if written else f"{inputs} has the demo files already")
    console.say("next: python run.py --step all")


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
    """Stop when another package called `pipeline` or `compose` hides ours, instead of failing somewhere strange."""
    import compose

    ours = Path(__file__).resolve().parents[2]
    if ours not in Path(compose.__file__ or "").resolve().parents:
        raise UsageError(f"'compose' is somebody else's package: {compose.__file__}", "python run.py doctor")


def main() -> None:
    """Run the command line; every error a user can cause becomes one message and an exit code."""
    try:
        _guard()
        app()
    except LookbookError as problem:
        console = Console(json_events="--json" in sys.argv)
        console.event("error", {"message": problem.message, "remedy": problem.remedy})
        console.say(f"error: {problem}", Colour.BAD)
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            leave(end.code or 0)
        raise
