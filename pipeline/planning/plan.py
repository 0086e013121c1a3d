"""What would run, and why: per item one decision, from the ledger and what is on disk.

The same decisions serve the dry run and the run itself. The dry run cannot know whether an upstream artefact that will be made
anew comes out different; items that depend on one `follow`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipeline.core.items import Item
from pipeline.core.layout import Ref
from pipeline.core.machine.process import gc_paused
from pipeline.core.records.fingerprint import Fingerprinter, basis_from_json
from pipeline.core.records.ledger_rows import FileRow, Outcome
from pipeline.core.records.transaction import Records
from pipeline.core.step import Stage, Step
from pipeline.planning import reasons
from pipeline.planning.decisions import Action, Decision, Plan, StagePlan
from pipeline.planning.policy import RerunPolicy
from pipeline.planning.reasons import Code, KnownItems, Reason


@dataclass(slots=True)
class Outlook:
    """What a plan knows about files beyond the disk; it grows from stage to stage.

    Args:
        will_change: files that will be made anew → the step that makes them; dry run only.
        unavailable: files that could not be made → why.
        failures: last failures, by slot.
    """

    will_change: dict[Ref, str] = field(default_factory=dict)
    unavailable: dict[Ref, Reason] = field(default_factory=dict)
    failures: dict[Ref, Outcome] = field(default_factory=dict)


Earlier = Callable[[], Sequence[Stage]]
"""The stages that come before a run's own; asked only when something failed before, because most runs need none."""


def outlook_of(records: Records, earlier: Earlier = tuple) -> Outlook:
    """The outlook before the first stage: what failed before is not available to later stages, nor what would follow from it."""
    failures = records.ledger.failures()
    unavailable: dict[Ref, Reason] = {}
    for outcome in failures.values():
        reason = reasons.failed_earlier(outcome.step, outcome.item, outcome.message)
        unavailable |= dict.fromkeys(outcome.writes, reason)
    if unavailable:
        for stage in earlier():
            _pass_on(stage, records, unavailable)
    return Outlook(unavailable=unavailable, failures=failures)


def _pass_on(stage: Stage, records: Records, unavailable: dict[Ref, Reason]) -> None:
    """What a stage never made, because something it reads is not available, is not available for the same reason."""
    for item in stage.items:
        reads = (ref for ref in stage.step.reads(item) if ref in unavailable and not records.is_hand_edit(ref))
        if (lacking := next(reads, None)) is None:
            continue
        for ref in stage.step.writes(item):
            if not records.contents.is_there(ref):
                unavailable.setdefault(ref, unavailable[lacking])


@gc_paused()
def make_plan(stages: Sequence[Stage], records: Records, policy: RerunPolicy | None = None, earlier: Earlier = tuple) -> Plan:
    """What a run would do, without doing it.

    Args:
        stages: in running order.
        records: of the outputs folder, opened for looking or for writing.
        policy: options that change what runs.
        earlier: the stages before them, which do not run.
    """
    outlook, plans = outlook_of(records, earlier), []
    for stage in stages:
        plan = plan_stage(stage, records, policy or RerunPolicy(), outlook)
        for decision in plan.of(Action.RUN, Action.FOLLOW):
            for ref in stage.step.writes(decision.item):
                if ref not in decision.kept or (policy is not None and policy.force):
                    outlook.will_change[ref] = stage.name
        plans.append(plan)
    return Plan(tuple(plans))


def plan_stage(stage: Stage, records: Records, policy: RerunPolicy, outlook: Outlook) -> StagePlan:
    """Decide about every item of one stage, and tell the outlook what will not be available."""
    plan = StagePlan(stage.name, stage.step.unit, about=stage.about)
    planner = ItemPlanner(stage.step, records, policy, outlook)
    writes_of = stage.step.writes
    for item in stage.items:
        writes = writes_of(item)
        if not writes:
            continue
        plan.total += 1
        decision, kept = planner.decide(item, writes)
        if kept:
            plan.kept[writes[0]] = (item.id, kept)
        if decision is not None:
            plan.decisions.append(decision)
        if decision is not None and decision.action in {Action.REFUSED, Action.BLOCKED, Action.FAILED}:
            outlook.unavailable.update(dict.fromkeys(writes, _cause(decision, stage.name)))
        elif outlook.unavailable:
            for ref in writes:
                outlook.unavailable.pop(ref, None)
    return plan


def _cause(decision: Decision, stage: str) -> Reason:
    """Why later stages get nothing: what stopped this one, or that it failed itself."""
    return decision.reason if decision.reason.code is Code.UPSTREAM_FAILED else reasons.upstream_failed(stage)


class ItemPlanner:
    """Decides about the items of one step."""

    def __init__(self, step: Step, records: Records, policy: RerunPolicy, outlook: Outlook) -> None:
        self._step = step
        self._records = records
        self._policy = policy
        self._outlook = outlook
        self._files = records.ledger.files
        self._content_of = records.contents.of
        self._printer = Fingerprinter(step, records.contents.of)
        self._known_items: KnownItems | None = None

    def decide(self, item: Item, writes: Sequence[Ref]) -> tuple[Decision | None, tuple[Ref, ...]]:
        """The decision, None when the item is up to date, and its files that are hand edits."""
        reads = self._step.reads(item)
        if self._is_done(item, reads, writes):
            return None, ()
        ours: list[FileRow] = []
        kept: list[Ref] = []
        missing: list[Ref] = []
        for ref in writes:
            content, row = self._content_of(ref), self._files.get(ref)
            if content is None:
                missing.append(ref)
            elif row is None or row.made != content:
                kept.append(ref)
            else:
                ours.append(row)
        if missing and kept and not ours and set(missing) <= set(self._step.shows(item)):
            missing = []  # all that counts was given, and how it came about is not known
        found = self._action(item, writes[0], reads, ours, kept, missing)
        return (None if found is None else Decision(item, *found, tuple(kept))), tuple(kept)

    def _is_done(self, item: Item, reads: Sequence[Ref], writes: Sequence[Ref]) -> bool:
        """The short way for the many items that need nothing: all files are ours, made from what is there now."""
        if self._policy.force or self._outlook.unavailable or self._outlook.will_change:
            return False
        fingerprint = ""
        for ref in writes:
            row = self._files.get(ref)
            if row is None or self._content_of(ref) != row.made or (fingerprint and row.fingerprint != fingerprint):
                return False
            fingerprint = row.fingerprint
        return fingerprint == self._printer.of(item, reads)

    def _action(
        self, item: Item, slot: Ref, reads: Sequence[Ref], ours: list[FileRow], kept: list[Ref], missing: list[Ref]
    ) -> tuple[Action, Reason] | None:
        if not (ours or missing) and not self._policy.force:
            return Action.KEPT, reasons.HAND_EDIT
        if problem := self._step.refuses(item):
            return Action.REFUSED, reasons.refused(problem, self._step.name)
        if obstacle := self._obstacle(reads) or (self._absent(reads) if missing or self._policy.force else None):
            return Action.BLOCKED, obstacle
        if self._policy.force:
            return Action.RUN, reasons.FORCED
        if slot in self._outlook.failures:
            return self._after_failure(item, slot, reads)
        if missing:
            return Action.RUN, self._missing(item, slot, missing, anything=bool(ours or kept))
        if upstream := self._upstream(item, reads):
            return Action.FOLLOW, upstream
        fingerprint = self._printer.of(item, reads)
        if fingerprint is None and (absent := self._absent(reads)):
            return Action.BLOCKED, absent
        for row in ours:
            if row[1] != fingerprint:
                return Action.RUN, self._difference(item, slot)
        return None

    def _obstacle(self, reads: Sequence[Ref]) -> Reason | None:
        """A file it reads could not be made, unless somebody gave one."""
        unavailable = self._outlook.unavailable
        if unavailable:
            for ref in reads:
                if ref in unavailable and not self._records.is_hand_edit(ref):
                    return unavailable[ref]
        return None

    def _upstream(self, item: Item, reads: Sequence[Ref]) -> Reason | None:
        will_change = self._outlook.will_change
        if will_change:
            for ref in (*reads, *self._step.may_read(item)):
                if ref in will_change:
                    return reasons.upstream_will_run(will_change[ref])
        return None

    def _absent(self, reads: Sequence[Ref]) -> Reason | None:
        """The first file it must read that is not there and will not be."""
        for ref in reads:
            if ref not in self._outlook.will_change and not self._records.contents.is_there(ref):
                return reasons.input_missing(ref)
        return None

    def _after_failure(self, item: Item, slot: Ref, reads: Sequence[Ref]) -> tuple[Action, Reason]:
        failure = self._outlook.failures[slot]
        if absent := self._absent(reads):
            return Action.BLOCKED, absent
        if upstream := self._upstream(item, reads):
            return Action.FOLLOW, upstream
        fingerprint = self._printer.of(item, reads)
        if fingerprint != failure.fingerprint:
            return Action.RUN, self._difference(item, slot)
        if failure.sticky and not self._policy.retry_failed:
            return Action.FAILED, reasons.FAILED_BEFORE
        return Action.RUN, reasons.RETRY

    def _missing(self, item: Item, slot: Ref, missing: list[Ref], *, anything: bool) -> Reason:
        if any(ref in self._files for ref in missing):
            return reasons.output_missing(missing[0])
        if anything:
            earlier = self._records.ledger.namesakes(missing[0], self._step.name, item.id)
            return self._since(item, earlier[0]) if earlier else self._wanted_now(item, slot, missing[0])
        if self._known_items is None:
            self._known_items = KnownItems(self._records.ledger.items_of(self._step.name))
        if item.id in self._known_items.ids and (earlier := self._records.ledger.namesakes(missing[0], self._step.name, item.id)):
            return self._since(item, earlier[0])  # the picture is wanted in another format
        return reasons.added(item, self._known_items)

    def _wanted_now(self, item: Item, slot: Ref, missing: Ref) -> Reason:
        """Why a file is missing that was never made: what was asked for when the others were, was something else."""
        outcome = self._records.ledger.outcome(slot)
        if outcome is None or not outcome.basis or basis_from_json(outcome.basis) == self._printer.basis(item):
            return reasons.output_missing(missing)
        return self._since(item, outcome)

    def _difference(self, item: Item, slot: Ref) -> Reason:
        return self._since(item, self._records.ledger.outcome(slot))

    def _since(self, item: Item, outcome: Outcome | None) -> Reason:
        old = basis_from_json(outcome.basis) if outcome is not None and outcome.basis else None
        return reasons.changed(self._step.name, item, old, self._printer.basis(item), self._records.is_hand_edit)
