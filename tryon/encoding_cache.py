"""What engines made of persons and garments, kept for the pairs that come next: N + M encodings instead of N · M."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from pipeline.core.engine import GarmentInputs, PersonInputs
from pipeline.core.items import Pair
from pipeline.core.layout import Layout

Value = TypeVar("Value")
OfPerson = TypeVar("OfPerson")
OfGarment = TypeVar("OfGarment")


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


class PairEncodings(Generic[OfPerson, OfGarment]):
    """What was made of the persons and garments of pairs, by engine; a person once per category of garment.

    Args:
        layout: where their artefacts are.
        persons, garments: how many to keep.
    """

    def __init__(self, layout: Layout, persons: int, garments: int) -> None:
        self._layout = layout
        self._persons: EncodingCache[OfPerson] = EncodingCache(persons)
        self._garments: EncodingCache[OfGarment] = EncodingCache(garments)

    def person(self, pair: Pair, encode: Callable[[PersonInputs], OfPerson]) -> OfPerson:
        """What the pair's engine made of the pair's person; made now when it is not kept."""
        category = pair.garment.category
        key = (pair.engine, pair.person.id, category)
        return self._persons.get(key, lambda: encode(PersonInputs(pair.person, category, self._layout)))

    def garment(self, pair: Pair, encode: Callable[[GarmentInputs], OfGarment]) -> OfGarment:
        """The same of the pair's garment."""
        return self._garments.get((pair.engine, pair.garment.id), lambda: encode(GarmentInputs(pair.garment, self._layout)))
