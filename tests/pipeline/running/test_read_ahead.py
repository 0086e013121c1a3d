"""The next photos are decoded while these are worked on: one batch ahead, and no further."""

import threading

import pytest

from pipeline.core.config import StepConfig
from pipeline.core.items import Person, Unit
from pipeline.core.layout import Layout
from pipeline.core.step import Context, Produced, Stage, StepBase
from pipeline.executors.local import LocalExecutor

PATIENCE_S = 20


class Patient(StepBase):
    """Works on a batch until the last photo of the next batch is being read; without reading ahead it would wait in vain."""

    name = "patient"
    unit = Unit.PERSON

    def __init__(self, count, batch_size):
        super().__init__(StepConfig(), Context(Layout()))
        self.batch_size = batch_size
        self.begun = [threading.Event() for _ in range(count)]
        self.overlapped, self.ahead = [], []

    def reads(self, item):
        return ()

    def writes(self, item):
        return ()

    def read(self, item):
        number = int(item.id)
        self.begun[number].set()
        return number

    def run(self, inputs):
        last = min(inputs[-1] + self.batch_size, len(self.begun) - 1)
        self.overlapped.append(self.begun[last].wait(PATIENCE_S))
        self.ahead.append(sum(event.is_set() for event in self.begun) - inputs[-1] - 1)
        return [Produced({}) for _ in inputs]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_next_batch_is_decoded_while_this_one_is_worked_on(batch_size):
    step = Patient(7, batch_size)
    items = [Person(str(number), "") for number in range(7)]
    results = list(LocalExecutor().run(Stage(step, items), items, lambda item: None, lambda: False))
    assert len(results) == 7 and not any(result.cause for result in results)
    assert all(step.overlapped) and max(step.ahead) <= batch_size + 1
