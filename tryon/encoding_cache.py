"""What engines made of persons and garments, kept for the pairs that come next: N + M encodings instead of N · M."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class EncodingCache(Generic[Value]):
    """The most recently used values, at most `entries` of them, so that memory stays flat in any folder.

    Keys are item ids: within one run the steps before try-on have finished, so an id means the same artefact throughout.

    Args:
        entries: how many values to keep, at least 1.
    """

    def __init__(self, entries: int) -> None:
        self.entries = max(1, entries)
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key; made now when it is not kept."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = make()
        while len(self._values) > self.entries:
            self._values.popitem(last=False)
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
