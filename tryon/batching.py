"""Batches that shrink when the memory is full and grow back when it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch

from pipeline.core.errors import LookbookError

Item = TypeVar("Item")
Made = TypeVar("Made")

GROW_AFTER = 4  # successful batches before a doubled one is tried again


class OutOfMemoryError(LookbookError):
    """Not even one picture fits into the memory."""


@dataclass
class BatchSizer(Generic[Item, Made]):
    """Runs items in batches; the size it has learnt lasts as long as it lives.

    Args:
        make: makes one batch, results in order.
        limit: largest batch.
        release: frees what a failed batch left behind.
    """

    make: Callable[[Sequence[Item]], list[Made]]
    limit: int
    release: Callable[[], None] = lambda: None
    size: int = field(init=False)
    _successes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.size = max(1, self.limit)

    def run(self, items: Sequence[Item]) -> list[Made]:
        """Make all items, results in order.

        Raises:
            OutOfMemoryError: a single item does not fit.
        """
        made: list[Made] = []
        while len(made) < len(items):
            batch = items[len(made) : len(made) + self.size]
            try:
                results = self.make(batch)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(batch) == 1:
                    raise OutOfMemoryError(
                        "not enough memory for a single picture",
                        "smaller: --set stableviton.height=512 --set stableviton.width=384",
                    ) from error
                self._shrink(len(batch))
            else:
                made += results
                self._grow()
        return made

    def _shrink(self, tried: int) -> None:
        self.release()
        self.size, self._successes = max(1, tried // 2), 0

    def _grow(self) -> None:
        self._successes += 1
        if self._successes >= GROW_AFTER and self.size < self.limit:
            self.size, self._successes = min(self.limit, 2 * self.size), 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is a full memory, whatever the device calls it."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
