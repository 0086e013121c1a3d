"""A step that sleeps instead of working; a module of its own, because worker processes import it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

from pipeline.core.config import StepConfig
from pipeline.core.items import Item, Unit
from pipeline.core.layout import MATTE, Ref
from pipeline.core.step import Context, Produced, StepBase

SECONDS = 0.25


class SleepingStep(StepBase):
    """Takes a quarter of a second of nobody's processor for each item."""

    name: ClassVar[str] = "background"
    unit: ClassVar[Unit] = Unit.PERSON
    seconds = SECONDS

    def reads(self, item: Item) -> Sequence[Ref]:
        """The photo."""
        return (item.source,)  # type: ignore[union-attr]

    def writes(self, item: Item) -> Sequence[Ref]:
        """One file."""
        return (MATTE.of(item.id),)

    def read(self, item: Item) -> Any:
        """Nothing to decode."""
        return item

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        """Sleep."""
        time.sleep(SECONDS * len(inputs))
        return [Produced({MATTE.of(item.id): item.id.encode}) for item in inputs]


def build(context: Context) -> SleepingStep:
    """The step, in any process."""
    return SleepingStep(StepConfig(), context)
