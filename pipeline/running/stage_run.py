"""One stage at work: plan, work on items, put results in place, write them down. One bad item fails alone."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime

from pipeline.core.errors import MissingArtefactError
from pipeline.core.items import Item
from pipeline.core.layout import FINAL, Ref
from pipeline.core.records.fingerprint import Fingerprinter
from pipeline.core.records.ledger_rows import Outcome, Status
from pipeline.core.records.transaction import Finished, Records
from pipeline.core.step import Stage
from pipeline.executors.protocol import Executor, FailureCause, Result, Stopped, Ticket
from pipeline.planning.decisions import TRIED, Action, Decision, StagePlan
from pipeline.planning.plan import Outlook, plan_stage
from pipeline.planning.reasons import upstream_failed
from pipeline.running.options import RunOptions
from pipeline.running.summary import ItemEvent, ItemFailure, Listener, StageResult
from pipeline.running.writer import Entry, Writer

ERROR_LOG = "errors.log"


class StageRun:
    """Plans one stage, works on it and writes down the results.

    Args:
        stage: which.
        records: opened for writing.
        writer: puts results in place.
        options: of the run.
        listener: is told what happens.
    """

    def __init__(self, stage: Stage, records: Records, writer: Writer, options: RunOptions, listener: Listener) -> None:
        self.result = StageResult(stage.name)
        self._stage = stage
        self._records = records
        self._writer = writer
        self._options = options
        self._listener = listener
        self._outlook = Outlook()
        self._printer = Fingerprinter(stage.step, records.contents.of)

    def work(self, executor: Executor, outlook: Outlook, stopped: Stopped, known: StagePlan | None) -> None:
        """Bring the items of the stage up to date.

        Args:
            executor: works on the items.
            outlook: what is known of files beyond the disk; this stage adds what it could not make.
            stopped: True once no further item is to be begun.
            known: the stage's plan, where it is known and still true.
        """
        self._outlook = outlook
        plan = known or plan_stage(self._stage, self._records, self._options, outlook)
        todo = [decision.item for decision in plan.of(*TRIED)]
        self._record_what_stays(plan)
        self._listener.stage_started(plan)
        if todo and not stopped():
            answered = 0
            with closing(executor.run(self._stage, todo, self._prepare, stopped)) as results:
                for result in results:
                    answered += 1
                    self._writer.put(self._entry(result))
                    self._report()
            assert stopped() or answered == len(todo), f"{self._stage.name}: {answered} results for {len(todo)} items"
        self._writer.flush()
        self._report()
        self._listener.stage_finished(self.result)

    def _record_what_stays(self, plan: StagePlan) -> None:
        """Count what does not run, and write down which files were found to be hand edits."""
        self.result.up_to_date = plan.done + len(plan.of(Action.KEPT))
        self.result.kept = dict(plan.kept.values()) if not self._options.force else {}
        for decision in plan.of(Action.BLOCKED, Action.FAILED):
            self.result.failures.append(self._standing_failure(decision))
        running = {self._stage.step.writes(decision.item)[0] for decision in plan.of(*TRIED)}
        before = self._records.ledger.kept(self._stage.name)
        if before:  # of items that this run leaves alone nothing new is known
            own = {slot for item in self._stage.items for slot in self._stage.step.writes(item)[:1]}
            before = {slot: kept for slot, kept in before.items() if slot in own}
        now = {slot: kept for slot, (_, kept) in plan.kept.items()}
        items = {slot: item for slot, (item, _) in plan.kept.items()}
        fresh = self._records.given.fresh
        for slot in sorted({*before, *now} - running):
            if before.get(slot) != now.get(slot) or not fresh.isdisjoint((*before.get(slot, ()), *now.get(slot, ()))):
                self._writer.put(Entry(self._kept_outcome(slot, items.get(slot, ""), now.get(slot, ())), quiet=True))

    def _kept_outcome(self, slot: Ref, item: str, kept: tuple[Ref, ...]) -> Outcome:
        known = self._records.ledger.outcome(slot)
        if known is None:
            found = Outcome(slot=slot, step=self._stage.name, item=item, status=Status.KEPT, writes=kept, kept=kept)
        elif set(kept) >= set(known.writes):
            found = replace(known, kept=kept, status=Status.KEPT)
        else:
            found = replace(known, kept=kept, status=Status.DONE if known.status is Status.KEPT else known.status)
        self._records.given.note_recorded(kept)
        return self._records.given.applied(found)

    def _standing_failure(self, decision: Decision) -> ItemFailure:
        failed = self._outlook.failures.get(self._stage.step.writes(decision.item)[0])
        if decision.action is Action.FAILED and failed is not None:
            return ItemFailure(self._stage.name, decision.item.id, failed.message, failed.remedy)
        return ItemFailure(self._stage.name, decision.item.id, decision.reason.text, blocked=True)

    def _prepare(self, item: Item) -> Ticket:
        fingerprint = self._printer.of(item)
        if fingerprint is None:
            raise MissingArtefactError(f"{self._stage.name}: a file it reads has disappeared", "run again")
        return Ticket(fingerprint, self._printer.basis(item).to_json())

    def _entry(self, result: Result) -> Entry:
        writes = tuple(self._stage.step.writes(result.item))
        cause = result.cause or FailureCause("")
        outcome = Outcome(
            slot=writes[0],
            step=self._stage.name,
            item=result.item.id,
            status=Status.DONE if result.cause is None else Status.FAILED,
            fingerprint=result.ticket.fingerprint if result.ticket else "",
            basis=result.ticket.basis if result.ticket else "",
            writes=writes,
            notices=result.notices,
            facts=result.facts,
            message=cause.message,
            remedy=cause.remedy,
            sticky=cause.sticky,
            seconds=round(result.seconds, 4),
        )
        if result.cause is None:
            return Entry(outcome, Finished(outcome, result.files, self._options.force))
        self._fail(outcome, cause)
        return Entry(outcome)

    def _fail(self, outcome: Outcome, cause: FailureCause) -> None:
        self._outlook.unavailable.update(dict.fromkeys(outcome.writes, upstream_failed(self._stage.name)))
        self.result.failures.append(
            ItemFailure(outcome.step, outcome.item, outcome.message, outcome.remedy, internal=bool(cause.trace))
        )
        if cause.trace:
            now = datetime.now().isoformat(timespec="seconds")
            # A disk that refuses the log refuses the next picture too, and ends the run with its own message.
            with suppress(OSError), (self._records.ledger.folder / ERROR_LOG).open("a", encoding="utf-8") as file:
                file.write(f"{now} {outcome.step} {outcome.item}\n{cause.trace}\n")

    def _report(self) -> None:
        """Tell the listener what the writer has written."""
        for outcome in self._writer.written():
            self.result.made += not outcome.failed
            self.result.seconds += outcome.seconds
            if not outcome.failed:
                self.result.pictures.update(ref for ref in outcome.writes if ref.startswith(f"{FINAL.path}/"))
            if outcome.kept:
                self.result.kept[outcome.item] = outcome.kept
            self._listener.item_finished(_event(outcome))


def _event(outcome: Outcome) -> ItemEvent:
    return ItemEvent(
        outcome.step,
        outcome.item,
        outcome.failed,
        seconds=outcome.seconds,
        notices=outcome.all_notices,
        message=outcome.message,
        remedy=outcome.remedy,
    )
