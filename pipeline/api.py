"""What the command line does, for programs and notebooks: `plan(Request(...))`, `run(Request(...))`."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.assembly import (
    Assembly,
    engine_chooser,
    has_seed,
    keep_note,
    make_parts,
    make_stages,
    mask_rule_of,
    repair_note,
    repairs_hands,
    stages_before,
    unheard_note,
)
from pipeline.choice import Chooser
from pipeline.core.console import LOG
from pipeline.core.errors import UsageError
from pipeline.core.inputs.collection import Collection, discover, pair_lists, paired_only, select
from pipeline.core.inputs.pairs import pair_files
from pipeline.core.inputs.scan import Problem
from pipeline.core.layout import PAIR_LISTS, REPORT_KEY
from pipeline.core.machine.process import gc_paused
from pipeline.core.machine.start_checks import refuse_obstacles
from pipeline.core.people_networks import PACKAGES, use_weights
from pipeline.core.people_networks.files import fetch_files, fetch_note, missing_files
from pipeline.core.records.attempts import Attempts, read_attempts
from pipeline.core.records.transaction import Records, open_records
from pipeline.core.step import Context, Stage
from pipeline.core.weights.download import network_from
from pipeline.garment_guess import GarmentGuesser, guess_note
from pipeline.planning.decisions import Plan
from pipeline.planning.plan import make_plan
from pipeline.report.page import Failure
from pipeline.report.report import report_key, write_report
from pipeline.request import Request
from pipeline.running.given_masks import take_given_masks
from pipeline.running.retry import Retry
from pipeline.running.runner import run_stages
from pipeline.running.summary import ItemFailure, Listener, RunSummary, by_cause
from pipeline.settings import RunConfig, read_settings

__all__ = ["Estimate", "PreparedRun", "Request", "plan", "prepare", "prepare_run", "run"]


@dataclass(frozen=True)
class Estimate:
    """The time and disk space that a plan needs, with the chosen backends and engines.

    Args:
        pictures: items to make.
        seconds: working time on two CPU cores.
        megabytes: disk space needed.
        free_megabytes: disk space available.
    """

    pictures: int
    seconds: float
    megabytes: float
    free_megabytes: float


@dataclass(frozen=True)
class PreparedRun:
    """A request with its items, steps and settings. `prepare` makes it; then it can be planned and run."""

    request: Request
    assembly: Assembly
    guesser: GarmentGuesser
    attempts: Attempts
    stages: tuple[Stage, ...] = field(default_factory=tuple)

    def plan(self, records: Records) -> Plan:
        """The items that would run, and the reasons."""
        plan = make_plan(self.stages, records, self.request, self.earlier)
        return replace(plan, retries=self._retry(records).lines(plan)) if self.request.retry_bad else plan

    @property
    def left_out(self) -> tuple[Problem, ...]:
        """Inputs that cannot be used, so that something wanted is missing from the items."""
        return tuple(problem for problem in self.assembly.everything.problems if not problem.harmless)

    @property
    def empty(self) -> bool:
        """Whether there is neither a person nor a garment."""
        return not (self.assembly.everything.persons or self.assembly.everything.garments)

    def require_items(self) -> None:
        """Refuse a run that has nothing to work on.

        Raises:
            UsageError: there is neither a person nor a garment; a pairs file without usable lines needs another remedy than
                empty folders.
        """
        if not self.empty:
            return
        layout = self.request.layout
        if listed := pair_files(layout):
            files = " or ".join(map(str, listed))
            message = f"{files}: no line names an existing person and garment"
            raise UsageError(message, "write: person garment, or remove the file")
        folder = layout.inputs
        raise UsageError(f"no pictures in {folder}/person and {folder}/cloth", "put photos there, or: python run.py demo")

    def take_given_masks(self, records: Records) -> list[str]:
        """Judge the masks that the user edited or gave; call it before planning a run. Returns what was converted."""
        if self.request.force:
            return []
        return take_given_masks(self.assembly.collection, records, self.request.invert_masks)

    def lacks_people(self) -> bool:
        """Whether files of the networks that find people are missing here."""
        return bool(missing_files(self.request.weights))

    def needs_people(self, plan: Plan) -> bool:
        """Whether what the plan would run asks the networks that find people."""
        uses = (PACKAGES in stage.step.packages for stage in self.stages)
        return any(use and (each.to_run or self.request.retry_bad) for use, each in zip(uses, plan.stages, strict=True))

    def fetch_note(self, plan: Plan) -> str:
        """What a run of this plan would fetch first, or ""."""
        needed = self.lacks_people() and (self.guesser.unseen or self.needs_people(plan))
        return f"would fetch first: {fetch_note(self.request.weights)}" if needed else ""

    def retry_warning(self, records: Records) -> str:
        """A line about pairs that `--retry-bad` cannot improve, or ""."""
        return self._retry(records).warning()

    def _retry(self, records: Records) -> Retry:
        return Retry(self.stages, records, self.request.retry_bad)

    def earlier(self) -> Sequence[Stage]:
        """The stages before the requested ones, whose failures in earlier runs explain missing artefacts."""
        parts = self.assembly
        return stages_before(self.request.steps, parts.settings, parts.context, parts.collection)

    def estimate(self, plan: Plan) -> Estimate:
        """The time and disk space that the plan needs."""
        counts = [stage.to_run for stage in plan.stages]
        place = next(
            folder for folder in (self.request.outputs.absolute(), *self.request.outputs.absolute().parents) if folder.exists()
        )
        return Estimate(
            plan.to_run,
            sum(stage.step.seconds * count for stage, count in zip(self.stages, counts, strict=True)),
            sum(part.builder.entry.megabytes * count for part, count in zip(self.assembly.parts, counts, strict=True)),
            shutil.disk_usage(place).free / 1e6,
        )

    def run(self, records: Records, listener: Listener | None = None, plan: Plan | None = None) -> RunSummary:
        """Bring everything up to date and write the report; a `plan` that the caller has just made is not made again."""
        request = self.request
        if self.lacks_people() and self.needs_people(plan := plan or self.plan(records)):
            _fetch_people(request, listener)
        lists = pair_lists(self.assembly.everything)
        for ref in PAIR_LISTS.values():
            if ref in lists or records.layout.path(ref).exists():  # an outdated list must not stay
                records.store.write_if_changed(ref, lists.get(ref, "").encode("utf-8"))
        self.guesser.save(records.store)
        if request.another:
            self.attempts.save(records.store)
        settings = {name: config.model_dump(mode="json") for name, config in self.assembly.settings.items()}
        records.ledger.note_run(" ".join(request.steps), json.dumps(settings))
        shown = _pop(records.layout.path(REPORT_KEY))
        summary = run_stages(self.stages, records, request, listener, plan, self.earlier)
        summary.left_out, summary.empty = self.left_out, self.empty
        if not summary.interrupted:
            records.given.save(records.store)
        self._report(records, summary, shown)
        return summary

    def _report(self, records: Records, summary: RunSummary, shown: str) -> None:
        """Write the report unless its content is the same: ten thousand rows take longer than a run with nothing to do."""
        own = [failure for failure in summary.failures if not failure.blocked]
        failures = [_failure(same) for same in by_cause(own)]
        key = report_key(self.assembly.everything, failures)
        if summary.made or key != shown:
            write_report(records, self.assembly.everything, failures)
        records.store.write_if_changed(REPORT_KEY, key.encode())


def _failure(same: Sequence[ItemFailure]) -> Failure:
    """One row of the report for all items that failed for the same reason."""
    first = same[0]
    return Failure(first.item, first.stage, first.message, first.remedy, len(same))


def _pop(path: Path) -> str:
    """The key of the last report; the file is deleted, so that after a killed run the report is written again."""
    if not path.is_file():
        return ""
    text = path.read_text("utf-8", "replace")
    path.unlink()
    return text


def _fetch_people(request: Request, listener: Listener | None) -> None:
    """Bring the files of the networks that find people, after saying so."""
    fetch_files(request.weights, network_from(os.environ), listener.note if listener else logging.getLogger(LOG).warning)


def prepare(request: Request) -> PreparedRun:
    """Read settings and inputs, choose engines and backends; the log says which garments could not be judged.

    Raises:
        LookbookError: no run can work on this machine (`start_checks`), or a setting, a name, a glob or an explicitly asked-for
            model does not fit; nothing has been touched then.
    """
    prepared = _read(request)
    if note := prepared.guesser.unseen_note():
        logging.getLogger(LOG).warning(note)
    return prepared


def prepare_run(request: Request, listener: Listener | None = None) -> PreparedRun:
    """The same for a run: garments are not guessed before the networks that find people have their files.

    Raises:
        LookbookError: as `prepare`, or the files cannot be fetched.
    """
    prepared = _read(request)
    if prepared.guesser.unseen:
        _fetch_people(request, listener)
        prepared = _read(request)
        prepared.guesser.require_sight()
    return prepared


@gc_paused()
def _read(request: Request) -> PreparedRun:
    refuse_obstacles()
    settings = read_settings(request.inputs, request.config, request.overrides)
    run_config = settings["run"]
    assert isinstance(run_config, RunConfig)
    layout = request.layout
    if not layout.inputs.is_dir():
        raise UsageError(f"there is no folder {layout.inputs}", "python run.py demo, or point --inputs at your photos")
    chooser = Chooser(layout.weights, run_config.commercial_only)
    use_weights(layout.weights)
    guesser = GarmentGuesser(layout)
    engines = engine_chooser(settings, chooser)
    everything = discover(layout, engines, mask_rule_of, guesser)
    everything = paired_only(everything, layout)
    collection = select(everything, request.only, request.skip, request.limit)
    attempts = read_attempts(layout)
    seedless = _next_attempts(collection, attempts) if request.another else ""
    everything, collection = attempts.apply(everything), attempts.apply(collection)
    unrepaired = repair_note(settings, chooser)
    repairs = repairs_hands(settings) and not unrepaired
    context = Context(layout, run_config.seed, run_config.max_megapixels, run_config.device, repairs)
    parts, notes = make_parts(request.steps, settings, context, collection, chooser)
    said = (guess_note(collection), seedless, unrepaired, keep_note(settings, collection))
    lines = (
        *everything.notes,
        *engines.notes,
        *notes,
        *filter(None, (*said, unheard_note(request.overrides, collection))),
    )
    assembly = Assembly(context, settings, collection, everything, tuple(parts), lines)
    stages = tuple(make_stages(parts))
    refuse_obstacles(max((stage.step.resources.memory_gb for stage in stages if stage.items), default=0.0))
    return PreparedRun(request, assembly, guesser, attempts, stages)


def _next_attempts(collection: Collection, attempts: Attempts) -> str:
    """Ask for another picture of every pair; returns a line about pairs whose engine has no seed, or ""."""
    pairs = {each.id: each for pair in collection.pairs for each in pair.passes}.values()
    still = [pair for pair in pairs if not has_seed(pair.engine)]
    for pair in pairs:
        if has_seed(pair.engine):
            attempts.move_on(pair)
    engines = " and ".join(sorted({pair.engine for pair in still}))
    return f"the {engines} engine has no seed: --another leaves {len(still)} pair{'s' * (len(still) > 1)} alone" if still else ""


def plan(request: Request) -> Plan:
    """What a run would do, and why; writes nothing."""
    prepared = prepare(request)
    with open_records(request.layout, writable=False, verify=request.verify) as records:
        return prepared.plan(records)


def run(request: Request, listener: Listener | None = None) -> RunSummary:
    """Bring everything up to date.

    Args:
        request: what is wanted.
        listener: receives the events of the run; default: nobody.
    """
    prepared = prepare_run(request, listener)
    with open_records(request.layout, verify=request.verify) as records:
        for line in prepared.take_given_masks(records):
            (listener.note if listener else logging.getLogger(LOG).warning)(line)
        return prepared.run(records, listener)
