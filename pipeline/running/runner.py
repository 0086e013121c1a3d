"""Runs stages one after another.

Nothing here knows which steps there are. Between two stages everything is written, so a stage always plans from what is on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from pipeline.core.machine.process import give_freed_memory_back
from pipeline.core.records.transaction import Records
from pipeline.core.step import Stage
from pipeline.executors.automatic import AutomaticExecutor
from pipeline.executors.local import LocalExecutor
from pipeline.executors.pool import PoolExecutor
from pipeline.executors.protocol import Executor
from pipeline.planning.decisions import Plan, StagePlan
from pipeline.planning.plan import Earlier, Outlook, outlook_of
from pipeline.running.interrupt import Interrupt
from pipeline.running.options import RunOptions
from pipeline.running.retry import Retry
from pipeline.running.stage_run import StageRun
from pipeline.running.summary import Listener, RunSummary, StageResult
from pipeline.running.writer import Writer


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
        records: of the outputs folder, opened for writing.
        options: how.
        listener: is told what happens; default: nobody is.
        plan: what `make_plan` said of the same stages, records and options; saves planning again what is still true.
        earlier: the stages before them, which do not run; their failures explain what is missing.

    Raises:
        OutputError: the disk is full or read-only; what was finished is in place and recorded.
        LookbookError: a step cannot work at all (a missing package or model).
    """
    listener = listener or Listener()
    for text in records.ledger.notes:
        listener.note(text)
    run = _Run(records, options or RunOptions(), listener)
    begun = monotonic()
    try:
        run.work(stages, plan, earlier)
    except KeyboardInterrupt:
        run.summary.interrupted = True
    finally:
        run.executor.close()
    run.summary.interrupted = run.summary.interrupted or run.interrupt.asked
    run.summary.terminated = run.interrupt.terminated
    run.summary.seconds = monotonic() - begun
    return run.summary


class _Run:
    """What all stages of a run share."""

    def __init__(self, records: Records, options: RunOptions, listener: Listener) -> None:
        self.summary = RunSummary()
        self.executor = _executor(options)
        self.interrupt = Interrupt(lambda: listener.note("stopping after the item at work; press Ctrl-C again to stop at once"))
        self._records = records
        self._options = options
        self._listener = listener
        self._outlook = Outlook()
        self._writer = Writer(records)

    def work(self, stages: Sequence[Stage], plan: Plan | None, earlier: Earlier) -> None:
        """Run the stages, and after the last one that makes pairs draw bad pictures again."""
        with self.interrupt, self._writer:
            self._outlook = outlook_of(self._records, earlier)
            retry = Retry(stages, self._records, self._options.retry_bad)
            for position, stage in enumerate(stages):
                if self.stopped():
                    break
                self.run_stage(stage, _known(plan, self._outlook, position))
                if position == retry.last and not self.stopped():
                    drawn = retry.work(self.run_stage, self._writer, self._listener.note, self.stopped)
                    plan = None if drawn else plan  # it did not know what comes out different now
            self._records.save_stamps()

    def stopped(self) -> bool:
        """Whether no further item is to be begun."""
        return self.interrupt.asked or (self._options.fail_fast and bool(self.summary.failures))

    def run_stage(self, stage: Stage, known: StagePlan | None = None) -> StageResult:
        """Bring the items of a stage up to date, by its plan where that is known."""
        run = StageRun(stage, self._records, self._writer, self._options, self._listener)
        self.summary.stages.append(run.result)
        run.work(self.executor, self._outlook, self.stopped, known)
        if run.result.made:
            give_freed_memory_back()
        return run.result


def _known(plan: Plan | None, outlook: Outlook, position: int) -> StagePlan | None:
    """What a plan said of a stage, as long as it is still true."""
    return plan.stages[position] if plan is not None and not outlook.unavailable and plan.holds_at(position) else None


def _executor(options: RunOptions) -> Executor:
    if options.workers == "auto":
        return AutomaticExecutor()
    return PoolExecutor(options.workers) if options.workers > 1 else LocalExecutor()
