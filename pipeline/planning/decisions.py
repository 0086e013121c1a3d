"""Decisions of a plan, and how they are counted into lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.core.items import Item, Unit
from pipeline.core.layout import Ref
from pipeline.planning.reasons import Code, Reason

MANY = 5
"""More texts of one kind than this are counted together."""


class Action(StrEnum):
    """What is to happen to an item."""

    RUN = "run"
    FOLLOW = "follow"
    REFUSED = "refused"
    BLOCKED = "blocked"
    KEPT = "kept"
    FAILED = "failed-before"


TRIED = (Action.RUN, Action.REFUSED)
"""In a run: reading what is refused fails, and so it is written down like every failure."""


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
    about: str = ""

    @property
    def text(self) -> str:
        """For people: `812 compose: background sea.jpg added`, `2 tryon (first pass): never run`."""
        return f"{self.count} {self.stage}{f' ({self.about})' if self.about else ''}: {self.reason}"


@dataclass(slots=True)
class StagePlan:
    """What is to happen in one stage.

    Args:
        stage: the step's name.
        unit: what its items are.
        total: how many items there are.
        decisions: for all items that are not simply done.
        kept: hand edits, by slot, also of items that are otherwise done.
        about: which part of the step's work, in words; "" = all of it.
    """

    stage: str
    unit: Unit
    total: int = 0
    decisions: list[Decision] = field(default_factory=list)
    kept: dict[Ref, tuple[str, tuple[Ref, ...]]] = field(default_factory=dict)
    about: str = ""

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
        return [Line(self.stage, self.unit, action, count, code, text, self.about) for (action, code, text), count in rows]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen in all stages, in order; `retries` counts pairs that are finished and would be drawn again."""

    stages: tuple[StagePlan, ...]
    retries: tuple[Line, ...] = ()

    @property
    def to_run(self) -> int:
        """How many items run or may have to, in all stages."""
        return sum(stage.to_run for stage in self.stages) + sum(line.count for line in self.retries)

    def holds_at(self, position: int) -> bool:
        """Whether what it says of a stage is still true when the run reaches it: nothing before it was to run or out of order."""
        unchanged = all(not stage.of(Action.RUN, Action.FOLLOW) for stage in self.stages[:position])
        return unchanged and not any(
            stage.of(Action.REFUSED, Action.BLOCKED, Action.FAILED) for stage in self.stages[: position + 1]
        )

    def lines(self) -> list[Line]:
        """The lines of all stages."""
        return [*(line for stage in self.stages for line in stage.lines()), *self.retries]
