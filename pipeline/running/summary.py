"""Events of a run, and its results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.core.errors import ExitCode, LookbookError
from pipeline.core.flags import Notice
from pipeline.core.inputs.scan import Problem
from pipeline.core.layout import Ref
from pipeline.planning.decisions import StagePlan

SHOWN = 5
"""So many reasons stand in the error of an incomplete run."""


class IncompleteRunError(LookbookError):
    """A run that did not give everything that was asked for; its `exit_code` is the run's."""


@dataclass(frozen=True, slots=True)
class ItemEvent:
    """One item is written or has failed.

    Args:
        stage: the step's name.
        item: the item's id.
        failed: whether it failed.
        seconds: time it took.
        notices: its quality flags, the one for edited files included.
        message, remedy: why it failed and what cures it.
    """

    stage: str
    item: str
    failed: bool
    seconds: float = 0.0
    notices: tuple[Notice, ...] = ()
    message: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """An item that has no up-to-date result: it failed now or before, or waits for one that did.

    Args:
        stage: the step's name.
        item: the item's id.
        message, remedy: why, and what cures it.
        blocked: it was not tried, because something it needs is missing or failed.
        internal: our mistake, with a traceback in the error log.
    """

    stage: str
    item: str
    message: str
    remedy: str = ""
    blocked: bool = False
    internal: bool = False


def by_cause(failures: Sequence[ItemFailure]) -> list[list[ItemFailure]]:
    """Failures with the same step, message and remedy together, in the order of the first of each."""
    causes: dict[tuple[str, str, str], list[ItemFailure]] = defaultdict(list)
    for failure in failures:
        causes[failure.stage, failure.message, failure.remedy].append(failure)
    return list(causes.values())


@dataclass(slots=True)
class StageResult:
    """The result of a stage.

    Args:
        stage: the step's name.
        up_to_date: items that needed nothing, hand edits included.
        made: items made in this run.
        failures: items without a result.
        kept: hand edits that were respected, by item id.
        seconds: work time of all items together.
        pictures: the finished pictures among what was made.
    """

    stage: str
    up_to_date: int = 0
    made: int = 0
    failures: list[ItemFailure] = field(default_factory=list)
    kept: dict[str, tuple[Ref, ...]] = field(default_factory=dict)
    seconds: float = 0.0
    pictures: set[Ref] = field(default_factory=set)


@dataclass(slots=True)
class RunSummary:
    """The result of a run. It is true only when the run is complete, and its text begins with what is missing.

    Args:
        stages: in the order in which they worked; a stage that draws bad pictures again is there once more.
        interrupted: somebody asked it to stop.
        terminated: that was SIGTERM.
        left_out: inputs that could not be used, so that something wanted was not even planned.
        empty: there was neither a person nor a garment to work on.
        seconds: from beginning to end.
    """

    stages: list[StageResult] = field(default_factory=list)
    interrupted: bool = False
    terminated: bool = False
    left_out: Sequence[Problem] = ()
    empty: bool = False
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for is there and up to date."""
        return self.exit_code is ExitCode.DONE

    def __bool__(self) -> bool:
        """`complete`."""
        return self.complete

    def __str__(self) -> str:
        """One line: `NOT complete (exit code 3): 2 items without a result; 24 made` or `complete: 26 made`."""
        missing = [
            "interrupted" if self.interrupted else "",
            f"{_counted(len(self.failures), 'item')} without a result" if self.failures else "",
            f"{_counted(len(self.left_out), 'input')} left out" if self.left_out else "",
            "no person and no garment to work on" if self.empty else "",
        ]
        reasons = ", ".join(filter(None, missing))
        begins = f"NOT complete (exit code {self.exit_code:d}): {reasons}; " if reasons else "complete: "
        return f"{begins}{self.made} made"

    def require_complete(self) -> None:
        """Pass in silence when the run is complete.

        Raises:
            IncompleteRunError: it is not; with its exit code, and the first reasons.
        """
        if self.complete:
            return
        first = [f"{each.stage} {each.item}: {each.message}" for each in self.failures if not each.blocked]
        first += [f"left out: {each.path}: {each.reason}" for each in self.left_out]
        problem = IncompleteRunError("\n    ".join((str(self), *first[:SHOWN])), "python run.py says each with its cure")
        problem.exit_code = self.exit_code
        raise problem

    @property
    def failures(self) -> list[ItemFailure]:
        """Of all stages, in order."""
        return [failure for stage in self.stages for failure in stage.failures]

    @property
    def made(self) -> int:
        """Items made in this run."""
        return sum(stage.made for stage in self.stages)

    @property
    def pictures(self) -> int:
        """Finished pictures made in this run, each counted once."""
        return len({ref for stage in self.stages for ref in stage.pictures})

    def cost_of_thousand(self, price_per_hour: float) -> float | None:
        """What 1,000 finished pictures cost, from this run's time from beginning to end; None when it finished none.

        Args:
            price_per_hour: of the machine; the result has its currency.
        """
        return 1000 * self.seconds / self.pictures * price_per_hour / 3600 if self.pictures else None

    @property
    def exit_code(self) -> ExitCode:
        """What the shell learns."""
        if self.interrupted:
            return ExitCode.TERMINATED if self.terminated else ExitCode.INTERRUPTED
        if any(failure.internal for failure in self.failures):
            return ExitCode.INTERNAL
        if self.failures or self.left_out:
            return ExitCode.ITEMS_FAILED
        return ExitCode.USAGE if self.empty else ExitCode.DONE


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number > 1)}"


class Listener:
    """Receives the events of a run, on the thread that called `run_stages`. It ignores them; subclasses override."""

    def note(self, text: str) -> None:
        """Something worth a line: a cleared lock, a damaged ledger, an interruption."""

    def stage_started(self, plan: StagePlan) -> None:
        """A stage is planned and begins."""

    def item_finished(self, event: ItemEvent) -> None:
        """One item is written or has failed."""

    def stage_finished(self, result: StageResult) -> None:
        """A stage is over."""
