"""Runs stages one after another: plan, work, put in place, write down. One bad item fails alone.

Nothing here knows which steps there are. Between two stages everything is written, so a stage always plans from what is on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from time import monotonic

from pipeline.core.errors import MissingArtefactError
from pipeline.core.items import Item
from pipeline.core.layout import FINAL, Ref
from pipeline.core.records.fingerprint import Fingerprinter
from pipeline.core.records.ledger_rows import Outcome, Status
from pipeline.core.records.transaction import Finished, Records
from pipeline.core.step import Stage
from pipeline.executors.automatic import AutomaticExecutor
from pipeline.executors.local import LocalExecutor
from pipeline.executors.pool import PoolExecutor
from pipeline.executors.protocol import Executor, FailureCause, Result, Ticket
from pipeline.planning.decisions import Action, Decision, Plan, StagePlan
from pipeline.planning.plan import Earlier, Outlook, outlook_of, plan_stage
from pipeline.planning.reasons import upstream_failed
from pipeline.running.interrupt import Interrupt
from pipeline.running.options import RunOptions
from pipeline.running.retry import Retry
from pipeline.running.summary import ItemEvent, ItemFailure, Listener, RunSummary, Silent, StageResult
from pipeline.running.writer import Entry, Writer

ERROR_LOG = "errors.log"


def run_stages(
    stages: Sequence[Stage],
    records: Records,
    options: RunOptions | None = None,
    listener: Listener | None = None,
    plan: Plan | None = None,
    earlier: Earlier = tuple,
) -> RunSummary:
    """Bring every item of every stage up to date.

    Args:
        stages: in running order.
        records: the books, opened for writing.
        options: how.
        listener: who is told.
        plan: what `make_plan` said of the same stages, records and choice; saves planning again what is still true.
        earlier: the stages before them, which do not run; their failures explain what is missing.

    Raises:
        OutputError: the disk is full or read-only; what was finished is in place and recorded.
        LookbookError: a step cannot work at all (a missing package or model).
    """
    options, listener = options or RunOptions(), listener or Silent()
    for text in records.ledger.notes:
        listener.note(text)
    begun = monotonic()
    interrupt = Interrupt(lambda: listener.note("stopping after the item at work; press Ctrl-C again to stop at once"))
    summary = RunSummary()
    executor = _executor(options)
    try:
        with interrupt, Writer(records) as writer:
            outlook = outlook_of(records, earlier)
            retry = Retry(stages, records, options.retry_bad)

            def stopped() -> bool:
                return interrupt.asked or (options.fail_fast and bool(summary.failures))

            def bring(stage: Stage, known: StagePlan | None = None) -> StageResult:
                run = _StageRun(stage, records, writer, options, listener)
                summary.stages.append(run.result)
                run.work(executor, outlook, interrupt, known)
                return run.result

            for position, stage in enumerate(stages):
                if stopped():
                    break
                bring(stage, _known(plan, outlook, position))
                if position == retry.last and not stopped() and retry.work(bring, writer, listener.note, stopped):
                    plan = None  # it did not know what comes out different now
            records.save_stamps()
    except KeyboardInterrupt:
        summary.interrupted = True
    finally:
        executor.close()
    summary.interrupted = summary.interrupted or interrupt.asked
    summary.seconds = monotonic() - begun
    return summary


def _known(plan: Plan | None, outlook: Outlook, position: int) -> StagePlan | None:
    """What a plan said of a stage, as long as it is still true."""
    return plan.stages[position] if plan is not None and not outlook.unavailable and plan.holds_at(position) else None


def _executor(options: RunOptions) -> Executor:
    if options.workers == "auto":
        return AutomaticExecutor()
    return PoolExecutor(options.workers) if options.workers > 1 else LocalExecutor()


class _StageRun:
    """One stage at work."""

    def __init__(self, stage: Stage, records: Records, writer: Writer, options: RunOptions, listener: Listener) -> None:
        self.result = StageResult(stage.name)
        self._stage = stage
        self._records = records
        self._writer = writer
        self._options = options
        self._listener = listener
        self._outlook = Outlook()
        self._printer = Fingerprinter(stage.step, records.contents.of)

    def work(self, executor: Executor, outlook: Outlook, interrupt: Interrupt, known: StagePlan | None) -> None:
        """Plan (unless that is known), run, write."""
        self._outlook = outlook
        plan = known or plan_stage(self._stage, self._records, self._options, outlook)
        todo = [decision.item for decision in plan.of(Action.RUN)]
        self._take_stock(plan)
        self._listener.stage_started(plan)

        def stopped() -> bool:
            return interrupt.asked or (self._options.fail_fast and bool(self.result.failures))

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

    def _take_stock(self, plan: StagePlan) -> None:
        """Count what does not run, and write down which files were found edited by hand."""
        self.result.up_to_date = plan.done + len(plan.of(Action.KEPT))
        self.result.kept = dict(plan.kept.values()) if not self._options.force else {}
        for decision in plan.of(Action.BLOCKED, Action.FAILED):
            self.result.failures.append(self._standing_failure(decision))
        running = {self._stage.step.writes(decision.item)[0] for decision in plan.of(Action.RUN)}
        before = self._records.ledger.kept(self._stage.name)
        if before:  # of items that this run leaves alone nothing new is known
            own = {slot for item in self._stage.items for slot in self._stage.step.writes(item)[:1]}
            before = {slot: kept for slot, kept in before.items() if slot in own}
        now = {slot: kept for slot, (_, kept) in plan.kept.items()}
        items = {slot: item for slot, (item, _) in plan.kept.items()}
        for slot in sorted({*before, *now} - running):
            if before.get(slot) != now.get(slot):
                self._writer.put(Entry(self._kept_outcome(slot, items.get(slot, ""), now.get(slot, ())), quiet=True))

    def _kept_outcome(self, slot: Ref, item: str, kept: tuple[Ref, ...]) -> Outcome:
        known = self._records.ledger.outcome(slot)
        if known is None:
            return Outcome(slot=slot, step=self._stage.name, item=item, status=Status.KEPT, writes=kept, kept=kept)
        if set(kept) >= set(known.writes):
            return replace(known, kept=kept, status=Status.KEPT)
        return replace(known, kept=kept, status=Status.DONE if known.status is Status.KEPT else known.status)

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
