"""What would run, and why: per item one decision, from the ledger and what is on disk.

The same decisions serve the dry run and the run itself. The dry run cannot know whether an upstream artefact that will be made
anew comes out different; items that depend on one `follow`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline import reasons
from pipeline.core.fingerprint import Fingerprinter, basis_from_json
from pipeline.core.items import Item, Unit
from pipeline.core.layout import Ref
from pipeline.core.ledger_rows import FileRow, Outcome
from pipeline.core.records import Records
from pipeline.core.stage import Stage
from pipeline.core.step import Step
from pipeline.reasons import Code, Reason

MANY = 5
"""More texts of one kind than this are counted together."""


class Action(StrEnum):
    """What is to happen to an item."""

    DONE = "done"
    RUN = "run"
    FOLLOW = "follow"
    BLOCKED = "blocked"
    KEPT = "kept"
    FAILED = "failed-before"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to happen to one item, and why. `kept` names its files that somebody edited or gave."""

    item: Item
    action: Action
    reason: Reason
    kept: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plan: so many items, one action, one reason."""

    stage: str
    unit: Unit
    action: Action
    count: int
    code: Code
    reason: str

    @property
    def text(self) -> str:
        """For people: `812 compose: background sea.jpg added`."""
        return f"{self.count} {self.stage}: {self.reason}"


@dataclass(slots=True)
class StagePlan:
    """What is to happen in one stage.

    Args:
        stage: the step's name.
        unit: what its items are.
        total: how many items there are.
        decisions: for all items that are not simply done.
        kept: files edited by hand, by slot, also of items that are otherwise done.
    """

    stage: str
    unit: Unit
    total: int = 0
    decisions: list[Decision] = field(default_factory=list)
    kept: dict[Ref, tuple[str, tuple[Ref, ...]]] = field(default_factory=dict)

    def of(self, *actions: Action) -> list[Decision]:
        """The decisions with one of these actions, in item order."""
        return [decision for decision in self.decisions if decision.action in actions]

    @property
    def done(self) -> int:
        """How many items are up to date."""
        return self.total - len(self.decisions)

    @property
    def to_run(self) -> int:
        """How many items run or may have to."""
        return len(self.of(Action.RUN, Action.FOLLOW))

    def lines(self) -> list[Line]:
        """The decisions counted by action and reason, most frequent first within an action."""
        counts = Counter((decision.action, decision.reason) for decision in self.decisions)
        texts = Counter((action, reason.code, reason.many) for action, reason in counts)
        lines: Counter[tuple[Action, Code, str]] = Counter()
        for (action, reason), count in counts.items():
            variety = texts[action, reason.code, reason.many]
            text = reason.many.format(variety) if reason.many and variety > MANY else reason.text
            lines[action, reason.code, text] += count
        order = list(Action)
        rows = sorted(lines.items(), key=lambda row: (order.index(row[0][0]), -row[1], row[0][2]))
        return [Line(self.stage, self.unit, action, count, code, text) for (action, code, text), count in rows]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen in all stages, in order."""

    stages: tuple[StagePlan, ...]

    @property
    def to_run(self) -> int:
        """How many items run or may have to, in all stages."""
        return sum(stage.to_run for stage in self.stages)

    def holds_at(self, position: int) -> bool:
        """Whether what it says of a stage is still true when the run reaches it: nothing before it was to run or out of order."""
        calm = all(not stage.of(Action.RUN, Action.FOLLOW) for stage in self.stages[:position])
        return calm and not any(stage.of(Action.BLOCKED, Action.FAILED) for stage in self.stages[: position + 1])

    def lines(self) -> list[Line]:
        """The lines of all stages."""
        return [line for stage in self.stages for line in stage.lines()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the user asked for.

    Args:
        force: run everything, edited files included.
        retry_failed: run what failed before although nothing changed.
    """

    force: bool = False
    retry_failed: bool = False


@dataclass(slots=True)
class Outlook:
    """What a plan knows about files beyond the disk; it grows from stage to stage.

    Args:
        will_change: files that will be made anew → the step that makes them; dry run only.
        unavailable: files that could not be made → the step that failed.
        failures: last failures, by slot.
    """

    will_change: dict[Ref, str] = field(default_factory=dict)
    unavailable: dict[Ref, str] = field(default_factory=dict)
    failures: dict[Ref, Outcome] = field(default_factory=dict)


def outlook_of(records: Records) -> Outlook:
    """The outlook before the first stage: what failed before is not available to later stages."""
    failures = records.ledger.failures()
    unavailable = {ref: outcome.step for outcome in failures.values() for ref in outcome.writes}
    return Outlook(unavailable=unavailable, failures=failures)


def make_plan(stages: Sequence[Stage], records: Records, choice: Choice | None = None) -> Plan:
    """What a run would do, without doing it.

    Args:
        stages: in running order.
        records: the books, opened for looking or for writing.
        choice: options that change what runs.
    """
    outlook, plans = outlook_of(records), []
    for stage in stages:
        plan = plan_stage(stage, records, choice or Choice(), outlook)
        for decision in plan.of(Action.RUN, Action.FOLLOW):
            for ref in stage.step.writes(decision.item):
                if ref not in decision.kept or (choice is not None and choice.force):
                    outlook.will_change[ref] = stage.name
        plans.append(plan)
    return Plan(tuple(plans))


def plan_stage(stage: Stage, records: Records, choice: Choice, outlook: Outlook) -> StagePlan:
    """Decide about every item of one stage, and tell the outlook what will not be available."""
    plan = StagePlan(stage.name, stage.step.unit)
    judge = Judge(stage.step, records, choice, outlook)
    writes_of = stage.step.writes
    for item in stage.items:
        writes = writes_of(item)
        if not writes:
            continue
        plan.total += 1
        decision, kept = judge.decide(item, writes)
        if kept:
            plan.kept[writes[0]] = (item.id, kept)
        if decision is not None:
            plan.decisions.append(decision)
        if decision is not None and decision.action in {Action.BLOCKED, Action.FAILED}:
            outlook.unavailable.update(dict.fromkeys(writes, stage.name))
        elif outlook.unavailable:
            for ref in writes:
                outlook.unavailable.pop(ref, None)
    return plan


class Judge:
    """Decides about the items of one step."""

    def __init__(self, step: Step, records: Records, choice: Choice, outlook: Outlook) -> None:
        self._step = step
        self._records = records
        self._choice = choice
        self._outlook = outlook
        self._files = records.ledger.files
        self._content_of = records.contents.of
        self._printer = Fingerprinter(step, records.contents.of)
        self._known_items: set[str] | None = None

    def decide(self, item: Item, writes: Sequence[Ref]) -> tuple[Decision | None, tuple[Ref, ...]]:
        """The decision, None when the item is up to date, and its files that were edited by hand."""
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
        found = self._action(item, writes[0], reads, ours, kept, missing)
        return (None if found is None else Decision(item, *found, tuple(kept))), tuple(kept)

    def _is_done(self, item: Item, reads: Sequence[Ref], writes: Sequence[Ref]) -> bool:
        """The short way for the many items that need nothing: all files are ours, made from what is there now."""
        if self._choice.force or self._outlook.unavailable or self._outlook.will_change:
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
        if not (ours or missing) and not self._choice.force:
            return Action.KEPT, reasons.BY_HAND
        if obstacle := self._obstacle(reads) or (self._absent(reads) if missing or self._choice.force else None):
            return Action.BLOCKED, obstacle
        if self._choice.force:
            return Action.RUN, reasons.FORCED
        if slot in self._outlook.failures:
            return self._after_failure(item, slot, reads)
        if missing:
            return Action.RUN, self._missing(item, missing, anything=bool(ours or kept))
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
                if ref in unavailable and not self._records.is_by_hand(ref):
                    return reasons.upstream_failed(unavailable[ref])
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
        if failure.sticky and not self._choice.retry_failed:
            return Action.FAILED, reasons.FAILED_BEFORE
        return Action.RUN, reasons.RETRY

    def _missing(self, item: Item, missing: list[Ref], *, anything: bool) -> Reason:
        if anything or any(ref in self._files for ref in missing):
            return reasons.output_missing(missing[0])
        if self._known_items is None:
            self._known_items = self._records.ledger.items_of(self._step.name)
        return reasons.added(item, self._known_items)

    def _difference(self, item: Item, slot: Ref) -> Reason:
        outcome = self._records.ledger.outcome(slot)
        old = basis_from_json(outcome.basis) if outcome is not None and outcome.basis else None
        return reasons.changed(self._step.name, item, old, self._printer.basis(item), self._records.is_by_hand)
