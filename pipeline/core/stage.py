"""A stage: one step and its items. A catalogue step may be several stages: parsing is parse map, then agnostic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.core.items import Item
from pipeline.core.step import Step

StepRecipe = Callable[[], Step]
"""Builds a step anew in another process; must survive pickling, e.g. `functools.partial` of a module's function."""


@dataclass(frozen=True)
class Stage:
    """One line of work.

    Args:
        step: the instance that plans, and that works when there are no worker processes.
        items: in the order in which they are worked on.
        recipe: how a worker process builds its own step; needed for more than one worker only.
    """

    step: Step
    items: Sequence[Item]
    recipe: StepRecipe | None = None

    @property
    def name(self) -> str:
        """The step's name."""
        return self.step.name
