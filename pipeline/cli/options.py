"""Options of the command line: those that several commands share, and the options of a run as one dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast, get_type_hints

import typer

from pipeline.catalog import backend_settings, step_names, step_range
from pipeline.core.errors import UsageError
from pipeline.core.layout import Layout
from pipeline.imported_steps import as_ours
from pipeline.request import LIMIT, RETRY_BAD, Request

Inputs = Annotated[Path, typer.Option(help="Photos, garments, backgrounds.")]
Outputs = Annotated[Path, typer.Option(help="Everything that is made.")]
Weights = Annotated[Path, typer.Option(help="Model files.")]
Config = Annotated[Path | None, typer.Option(help="Settings file [default: lookbook.toml beside the inputs].")]
Overrides = Annotated[list[str], typer.Option("--set", metavar="SECTION.KEY=VALUE", help="One setting, for this run.")]
JsonEvents = Annotated[bool, typer.Option("--json", help="Events as JSON lines on standard output.")]

INPUTS, OUTPUTS, WEIGHTS = Request.inputs, Request.outputs, Request.weights


@dataclass(frozen=True, kw_only=True)
class CommandLineOptions:
    """What can be typed after `python run.py`: a field per option, in the order of the help.

    The fields of `Request` have its names and its defaults. The others decide the steps, are shortcuts for settings, or say how
    the command line behaves.
    """

    step: Annotated[str | None, typer.Option(help="all, a name, a number, or several with commas: densepose,parsing.")] = None
    start: Annotated[str, typer.Option("--from", metavar="STEP", help="First step.")] = ""
    until: Annotated[str, typer.Option(metavar="STEP", help="Last step.")] = ""
    only: Annotated[list[str], typer.Option(metavar="GLOB", help="Keep the people, garments or backgrounds that match.")] = field(
        default_factory=list
    )
    skip: Annotated[list[str], typer.Option(metavar="GLOB", help="Leave out what matches.")] = field(default_factory=list)
    limit: Annotated[int | None, typer.Option(min=LIMIT.least, help="At most so many people.")] = Request.limit
    force: Annotated[bool, typer.Option("--force", help="Redo, and overwrite artefacts edited by hand.")] = Request.force
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed with the same inputs.")] = (
        Request.retry_failed
    )
    retry_bad: Annotated[
        int,
        typer.Option(
            min=RETRY_BAD.least,
            max=RETRY_BAD.most,
            metavar="N",
            help="Draw pairs with a low score again, up to N times; keep the best.",
        ),
    ] = Request.retry_bad
    another: Annotated[
        bool, typer.Option("--another", help="Draw another picture of the selected pairs, from the next attempt's seed.")
    ] = Request.another
    invert_masks: Annotated[
        bool, typer.Option("--invert-masks", help="Black means yes in masks you gave whose pictures do not show what it means.")
    ] = Request.invert_masks
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = Request.fail_fast
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and why.")] = False
    verify: Annotated[bool, typer.Option("--verify", help="Hash every file again instead of trusting size and time.")] = (
        Request.verify
    )
    json_events: JsonEvents = False
    engine: Annotated[str, typer.Option(help="Try-on engine, or auto.")] = ""
    backend: Annotated[list[str], typer.Option(metavar="STEP=NAME", help="Model of a preprocessing step.")] = field(
        default_factory=list
    )
    overrides: Overrides = field(default_factory=list)
    seed: Annotated[int | None, typer.Option(help="Run seed.")] = None
    commercial_only: Annotated[bool, typer.Option("--commercial-only", help="Only models whose licence allows business use.")] = (
        False
    )
    price_per_hour: Annotated[
        float | None, typer.Option(metavar="PRICE", help="Of the machine: say what 1,000 pictures cost, from this run's time.")
    ] = None
    save_attention: Annotated[
        bool,
        typer.Option("--save-attention", help="Also draw, per pair, where on the garment each patch looks, if the engine can."),
    ] = False
    repair_hands: Annotated[
        bool, typer.Option("--repair-hands", help="Draw badly drawn hands once more (Stable Diffusion 1.5; see docs/hands.md).")
    ] = False
    plain: Annotated[bool, typer.Option("--plain", help="Only paste people onto backgrounds: no light, shadow, grain.")] = False
    layers: Annotated[
        bool, typer.Option("--layers", help="Also write background, shadow and person of each scene as separate RGBA files.")
    ] = False
    strip_metadata: Annotated[
        bool, typer.Option("--strip-metadata", help="Finished pictures without a recipe; their colour profile stays.")
    ] = False
    inputs: Inputs = INPUTS
    outputs: Outputs = OUTPUTS
    weights: Weights = WEIGHTS
    config: Config = Request.config
    workers: Annotated[
        str, typer.Option(metavar="N|auto", help="Worker processes; auto decides by the machine and the work, step by step.")
    ] = str(Request.workers)
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a large run.")] = False

    def request(self) -> Request:
        """The request that these options describe.

        Raises:
            UsageError: a step or a backend that does not exist, or options that exclude each other.
        """
        overrides = (*self.overrides, *self._shortcuts(), *backend_settings(self.backend))
        others = {each.name: getattr(self, each.name) for each in fields(Request) if each.name not in {"steps", "overrides"}}
        return Request(steps=self._steps(), overrides=overrides, **others)

    def _steps(self) -> tuple[str, ...]:
        """The steps that --step, --from and --until ask for together; all when none of them is given."""
        layout = Layout(self.inputs, self.outputs)
        if self.step is None:
            first, last = (as_ours(word, layout).split(",") for word in (self.start, self.until))
            return tuple(step_range(first[0] or None, last[-1] or None))
        if self.start or self.until:
            raise UsageError("--step and --from/--until exclude each other", "use one of the two forms")
        return tuple(step_names(as_ours(self.step, layout)))

    def _shortcuts(self) -> list[str]:
        """Options that are settings of `lookbook.toml`, as `section.key=value`."""
        settings = [f"run.engine={self.engine}"] * bool(self.engine) + [f"run.seed={self.seed}"] * (self.seed is not None)
        settings += [f"run.price_per_hour={self.price_per_hour}"] * (self.price_per_hour is not None)
        settings += ["run.commercial_only=true"] * self.commercial_only
        settings += ["repair.on=true"] * self.repair_hands
        settings += ["compose.plain=true"] * self.plain + ["compose.layers=true"] * self.layers
        settings += ["compose.metadata=false"] * self.strip_metadata
        if self.save_attention:
            from pipeline.settings import sections_with  # imports pydantic

            settings += [f"{section}.save_attention=true" for section in sections_with("save_attention")]
        return settings


Options = TypeVar("Options")


def takes_options(kind: type[Options]) -> Callable[[Callable[[typer.Context, Options], None]], Callable[..., None]]:
    """Let a command take its options as one dataclass, whose fields typer reads as if they were the command's parameters.

    Args:
        kind: the dataclass; the type of each field is `Annotated` with its `typer.Option`.
    """

    def decorate(command: Callable[[typer.Context, Options], None]) -> Callable[..., None]:
        def with_parameters(context: typer.Context, **values: Any) -> None:
            command(context, kind(**values))

        types = get_type_hints(kind, include_extras=True)
        parameters = [inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)]
        for each in fields(cast(Any, kind)):
            parameters.append(
                inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=_default(each), annotation=types[each.name])
            )
        with_parameters.__doc__ = command.__doc__
        cast(Any, with_parameters).__signature__ = inspect.Signature(parameters)
        return with_parameters

    return decorate


def _default(option: Field[Any]) -> Any:
    return option.default if option.default_factory is MISSING else option.default_factory()
