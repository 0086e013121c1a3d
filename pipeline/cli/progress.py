"""Prints what a run does, as lines for people and as JSON events for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pipeline.core.console import Colour, Console, printable
from pipeline.core.inputs.scan import Problem
from pipeline.planning.decisions import TRIED, Action, Plan, StagePlan
from pipeline.running.summary import ItemEvent, ItemFailure, Listener, RunSummary, StageResult, by_cause

MAX_ROWS = 40
"""Rows of a table that are shown; the others are counted, and the report has all."""
MAX_SAME = 3
"""Failures of one step for the same reason that are shown during a run; a damaged background can fail every pair."""


class Progress(Listener):
    """Prints the events of the runner."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._failed: Counter[tuple[str, str]] = Counter()

    def note(self, text: str) -> None:
        """Print one line."""
        self._console.event("note", {"text": text})
        self._console.say(text, Colour.DIM)

    def stage_started(self, plan: StagePlan) -> None:
        """Begin a progress bar."""
        todo = len(plan.of(*TRIED))
        self._console.event("stage", {"stage": plan.stage, "to_do": todo, "done": plan.done})
        if todo:
            self._console.start_bar(plan.stage, todo)

    def item_finished(self, event: ItemEvent) -> None:
        """Count the item; print a failure at once."""
        flags = [{"flag": notice.flag.value, "detail": notice.detail} for notice in event.notices]
        facts = {"stage": event.stage, "item": event.item, "seconds": event.seconds, "flags": flags}
        self._console.event("failed" if event.failed else "done", facts | {"message": event.message, "remedy": event.remedy})
        if event.failed:
            self._say_failure(event)
        self._console.advance()

    def _say_failure(self, event: ItemEvent) -> None:
        cause = (event.stage, event.message)
        self._failed[cause] += 1
        if self._failed[cause] <= MAX_SAME:
            self._console.say(f"  {event.stage} {printable(event.item)}: {printable(event.message)}", Colour.BAD)
        elif self._failed[cause] == MAX_SAME + 1:
            self._console.say("  … and more for the same reason, counted at the end", Colour.BAD)

    def stage_finished(self, result: StageResult) -> None:
        """End the progress bar, and print a line where items were made."""
        self._console.close_bar()
        if result.made:
            per_item = result.seconds / result.made
            self._console.say(f"{result.stage}: {result.made} made, {per_item:.2f} s each", Colour.DIM)


def say_plan(console: Console, plan: Plan) -> None:
    """Print what would run, and why; count what is up to date."""
    for line in plan.lines():
        console.event("plan", {"stage": line.stage, "action": line.action.value, "count": line.count, "reason": line.reason})
        colour = Colour.WARN if line.action in {Action.REFUSED, Action.BLOCKED, Action.FAILED} else None
        console.say(f"{line.action.value:>13}  {printable(line.text)}", colour)
    done = sum(stage.done for stage in plan.stages)
    console.event("planned", {"to_run": plan.to_run, "up_to_date": done})
    console.say(f"{plan.to_run} to run, {done} up to date")


def say_problems(console: Console, problems: Sequence[Problem]) -> None:
    """Print the inputs that cannot be used."""
    for problem in problems[:MAX_ROWS]:
        facts = {"path": problem.path, "reason": problem.reason, "remedy": problem.remedy, "harmless": problem.harmless}
        console.event("problem", facts)
        line = f"left out: {printable(problem.path)}: {printable(problem.reason)}"
        console.say(line, Colour.DIM if problem.harmless else Colour.WARN)
        if problem.remedy and not problem.harmless:
            console.say(f"  → {printable(problem.remedy)}")
    if len(problems) > MAX_ROWS:
        console.say(f"… and {len(problems) - MAX_ROWS} more")


def say_failures(console: Console, failures: Sequence[ItemFailure]) -> None:
    """Print the final table: the items without a result, the reasons, and the remedies.

    Items that failed for the same reason share a row. Items that wait for others are counted by reason.
    """
    own = [failure for failure in failures if not failure.blocked]
    if own:
        console.say(f"{len(own)} failed:", Colour.BAD)
    causes = by_cause(own)
    for same in causes[:MAX_ROWS]:
        others = f" and {len(same) - 1} more" if len(same) > 1 else ""
        console.say(f"  {same[0].stage}  {printable(same[0].item)}{others}: {printable(same[0].message)}")
        if same[0].remedy:
            console.say(f"    → {printable(same[0].remedy)}")
    if len(causes) > MAX_ROWS:
        console.say(f"… and {sum(map(len, causes[MAX_ROWS:]))} more")
    waiting = Counter((failure.stage, failure.message) for failure in failures if failure.blocked)
    for (stage, reason), count in waiting.most_common(MAX_ROWS):
        console.say(f"{count} {stage} not tried: {reason}", Colour.WARN)


def say_summary(console: Console, summary: RunSummary, report: str, price_per_hour: float | None = None) -> None:
    """Print the last lines of a run, with the cost of 1,000 pictures where the price of the machine is known."""
    say_failures(console, summary.failures)
    kept = sum(len(stage.kept) for stage in summary.stages)
    if kept:
        items = f"{kept} item{'s' if kept > 1 else ''}"
        console.say(
            f"artefacts of {items} were edited or supplied by the user and are kept (--force overwrites them)", Colour.WARN
        )
    facts = {"made": summary.made, "failed": len(summary.failures), "interrupted": summary.interrupted, "report": report}
    cost = None if price_per_hour is None else summary.cost_of_thousand(price_per_hour)
    costs = {"pictures": summary.pictures, "seconds": round(summary.seconds, 2), "cost_per_1000": cost}
    console.event("finished", facts | costs | {"complete": summary.complete, "exit_code": summary.exit_code})
    if cost is not None:
        each = f"{summary.seconds / summary.pictures:.2f} s a picture in this run"
        console.say(f"{each}: 1,000 pictures cost about {cost:.2f} at {price_per_hour:.2f} an hour")
    if summary.interrupted:
        console.say("interrupted; what was finished is kept, run again to go on", Colour.WARN)
    console.say(f"{summary}. Report: {report}", Colour.GOOD if summary.complete else Colour.BAD)
