"""The commands of the command line, between parsing and the API: they ask, print, and return the exit code."""

from __future__ import annotations

from pathlib import Path

import typer

from pipeline.api import Estimate, PreparedRun, Request, prepare, prepare_run
from pipeline.catalog import OUTFIT, STEPS, resolve
from pipeline.cli.progress import Progress, say_plan, say_problems, say_summary
from pipeline.core.config import to_toml
from pipeline.core.console import Colour, Console, duration, follow_log, printable
from pipeline.core.errors import ExitCode, UsageError
from pipeline.core.inputs.collection import discover
from pipeline.core.inputs.existing import existing
from pipeline.core.items import Unit
from pipeline.core.layout import CONFIG_FILE, REPORT, Layout
from pipeline.core.machine.process import gc_freeze
from pipeline.core.records.stat_ahead import StatsAhead
from pipeline.core.records.transaction import open_records
from pipeline.planning.decisions import Plan
from pipeline.settings import RunConfig, read_settings


class Session:
    """One call of `python run.py --step …`.

    Args:
        request: of the run.
        console: prints lines and events.
        ahead: the listing of the folders by the child process; None where a session runs several times.
    """

    def __init__(self, request: Request, console: Console, ahead: StatsAhead | None = None) -> None:
        self.request = request
        self._ahead = ahead or StatsAhead((), Path())
        self.console = console
        follow_log(console)

    def show_plan(self) -> ExitCode:
        """Print what would run, and why; write nothing."""
        prepared = self._told(prepare(self.request))
        with open_records(self.request.layout, writable=False, verify=self.request.verify) as records:
            records.contents.ahead = self._ahead.of
            plan, warning = prepared.plan(records), prepared.retry_warning(records)
        gc_freeze()
        say_plan(self.console, plan)
        for line in filter(None, (warning, prepared.fetch_note(plan))):
            self.console.say(line, Colour.WARN)
        self._say_estimate(prepared.estimate(plan))
        return ExitCode.ITEMS_FAILED if prepared.left_out else ExitCode.DONE

    def run(self, ask: bool) -> ExitCode:
        """Run, and print the result.

        Args:
            ask: ask before a large run.
        """
        progress = Progress(self.console)
        prepared = self._told(prepare_run(self.request, progress))
        with open_records(self.request.layout, verify=self.request.verify) as records:
            records.contents.ahead = self._ahead.of
            for line in prepared.take_given_masks(records):
                self.console.say(line, Colour.WARN)
            plan = prepared.plan(records)
            self._ahead.forget()
            gc_freeze()
            self._say_estimate(prepared.estimate(plan))
            self._send_estimate(prepared, plan)
            if ask and not self._may_start(prepared, plan):
                return ExitCode.USAGE
            summary = prepared.run(records, progress, plan)
        say_summary(self.console, summary, str(self.request.layout.path(REPORT)), _run_config(prepared).price_per_hour)
        return summary.exit_code

    def _told(self, prepared: PreparedRun) -> PreparedRun:
        """Print what was found and chosen.

        Raises:
            UsageError: there is nothing to work on.
        """
        found, pairs = prepared.assembly.everything, prepared.assembly.collection.pairs
        outfits = sum(bool(pair.outfit) for pair in pairs)
        counts = (
            _count(len(found.persons), "person", "people"),
            _count(len(found.garments), "garment"),
            _count(len(found.backgrounds), "background"),
            _count(len(pairs) - outfits, "pair"),
            *([_count(outfits, "outfit")] if outfits else []),
        )
        self.console.say(f"{', '.join(self.request.steps)}: {', '.join(counts)}")
        for note in prepared.assembly.notes:
            self.console.say(note, Colour.WARN)
        say_problems(self.console, found.problems)
        prepared.require_items()
        engines = sorted({each.engine for pair in pairs for each in pair.passes})
        if engines:
            self.console.say(f"try-on engine: {', '.join(engines)}")
        return prepared

    def _say_estimate(self, cost: Estimate) -> None:
        if not cost.pictures:
            return
        self.console.say(f"about {duration(cost.seconds)} and {_size(cost.megabytes)} on disk")
        if cost.megabytes > cost.free_megabytes:
            self.console.say(f"only {_size(cost.free_megabytes)} are free on that disk", Colour.WARN)

    def _send_estimate(self, prepared: PreparedRun, plan: Plan) -> None:
        """Write the number of items and the time of each as an event, for programs that show progress."""
        stages = [
            {"stage": stage.name, "to_do": planned.to_run, "seconds_each": stage.step.seconds}
            for stage, planned in zip(prepared.stages, plan.stages, strict=True)
        ]
        self.console.event("estimate", {"to_do": plan.to_run, "stages": stages})

    def _may_start(self, prepared: PreparedRun, plan: Plan) -> bool:
        config = _run_config(prepared)
        if plan.to_run <= config.confirm_above:
            return True
        question = f"{plan.to_run} pictures to make. Start?"
        if not self.console.interactive:
            raise UsageError(f"{plan.to_run} pictures to make, more than {config.confirm_above}", "confirm with --yes")
        return typer.confirm(question)


def _run_config(prepared: PreparedRun) -> RunConfig:
    config = prepared.assembly.settings["run"]
    assert isinstance(config, RunConfig)
    return config


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _size(megabytes: float) -> str:
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"


def settings_text(inputs: Path, config: Path | None, overrides: tuple[str, ...]) -> str:
    """The resolved settings as TOML."""
    return to_toml(read_settings(inputs, config, overrides))


def write_settings(inputs: Path, config: Path | None) -> Path:
    """Write every default with its comment.

    Raises:
        UsageError: the file exists.
    """
    path = config or inputs.absolute().parent / CONFIG_FILE
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(to_toml(read_settings(inputs, None, ())))
    except FileExistsError:
        raise UsageError(f"{path} exists already", "edit it, or move it away first") from None
    return path


def clean_outputs(console: Console, inputs: Path, outputs: Path, remove: bool) -> ExitCode:
    """List, or remove, artefacts whose inputs were deleted; never files that the user edited.

    Raises:
        UsageError: the inputs contain no picture; a folder that is not mounted must not empty the outputs.
    """
    prepared = prepare(Request(inputs=inputs, outputs=outputs))
    found = discover(Layout(inputs, outputs), lambda category: "")
    if not (found.persons or found.garments or found.backgrounds):
        raise UsageError(
            f"{inputs} contains no pictures, so nothing can be compared", f"to start over, remove {outputs} yourself"
        )
    there = existing(found)
    with open_records(Layout(inputs, outputs), writable=remove) as records:
        known = {stage.name: there[stage.step.unit] for stage in prepared.stages}
        known[resolve(OUTFIT.target).name] = there[Unit.PERSON]  # also when there are no outfits any more
        known |= {entry.of_engines: there[Unit.PAIR] for entry in STEPS["tryon"] if entry.of_engines}  # nor pairs of such engines
        orphans = records.orphans(known)
        for ref, item in sorted(orphans.items()):
            console.say(f"{printable(str(prepared.request.layout.path(ref)))}  (of {printable(item)})")
        removed = records.remove(orphans) if remove else 0
    console.say(f"{removed} removed" if remove else f"{_count(len(orphans), 'artefact')} without inputs; remove with --yes")
    return ExitCode.DONE
