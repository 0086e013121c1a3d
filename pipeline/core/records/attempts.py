"""Which attempt of a pair is the one to show: kept beside the ledger, because a picture drawn from another seed is no accident.

Each pair begins with attempt 0. A person who asks for another picture moves it on; `--retry-bad` tries further attempts and keeps
the best. What was tried is remembered with what it was tried on, so that nothing is tried twice and a killed run goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pipeline.core.inputs.collection import Collection
from pipeline.core.items import Pair
from pipeline.core.layout import ATTEMPTS, Layout
from pipeline.core.records.store import Store

Key = tuple[str, str]
"""Engine and pair id."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one attempt.

    Args:
        score: of the quality gate, in [0, 1]; -1 = it failed.
        basis: what it was drawn and judged from; a score of another basis says nothing.
    """

    score: float
    basis: str


@dataclass(frozen=True, slots=True)
class PairAttempts:
    """What is known of one pair.

    Args:
        first: the attempt from which on pictures count; a person did not want those before.
        chosen: the one to show.
        tried: scores by attempt.
    """

    first: int = 0
    chosen: int = 0
    tried: Mapping[int, Tried] = field(default_factory=dict)

    @property
    def next(self) -> int:
        """The first attempt that nobody has seen yet."""
        return max(self.first, self.chosen, *self.tried) + 1


class Attempts:
    """All pairs that are not simply at attempt 0.

    Args:
        pairs: what is known of each, by engine and pair id.
    """

    def __init__(self, pairs: Mapping[Key, PairAttempts] | None = None) -> None:
        self._pairs = dict(pairs or {})

    def of(self, pair: Pair) -> PairAttempts:
        """What is known of a pair."""
        return self._pairs.get((pair.engine, pair.id), PairAttempts())

    def put(self, pair: Pair, record: PairAttempts) -> None:
        """Remember something about a pair; `save` makes it last."""
        self._pairs[pair.engine, pair.id] = record

    def move_on(self, pair: Pair) -> None:
        """The picture of now and those before it are not wanted: the next attempt is the one to show."""
        following = self.of(pair).next
        self.put(pair, PairAttempts(first=following, chosen=following))

    def apply(self, collection: Collection) -> Collection:
        """The collection with each pair at its chosen attempt."""
        if not self._pairs:
            return collection
        return replace(collection, pairs=tuple(self.at_chosen(pair) for pair in collection.pairs))

    def at_chosen(self, pair: Pair) -> Pair:
        """The pair at the attempt to show, and the passes before it at theirs."""
        chosen, person = self.of(pair).chosen, pair.person
        if person.after is not None:
            pair = replace(pair, person=replace(person, after=self.at_chosen(person.after)))
        return pair if pair.attempt == chosen else replace(pair, attempt=chosen)

    def save(self, store: Store) -> None:
        """Write everything down; it is on the disk when this returns.

        Raises:
            OutputError: the disk refused.
        """
        rows = [[*key, record.first, record.chosen, _tried_row(record)] for key, record in sorted(self._pairs.items())]
        if rows:
            store.write_if_changed(ATTEMPTS, "".join([json.dumps(row, ensure_ascii=False) + "\n" for row in rows]).encode())


def _tried_row(record: PairAttempts) -> dict[str, list[float | str]]:
    return {str(attempt): [tried.score, tried.basis] for attempt, tried in sorted(record.tried.items())}


def read_attempts(layout: Layout) -> Attempts:
    """What an outputs folder says; lines that are none are passed over: their pairs are at attempt 0 again."""
    path = layout.path(ATTEMPTS)
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    return Attempts(dict(filter(None, map(_parsed, lines))))


def _parsed(line: str) -> tuple[Key, PairAttempts] | None:
    try:
        engine, pair, first, chosen, tried = json.loads(line)
        found = {int(attempt): Tried(float(score), str(basis)) for attempt, (score, basis) in tried.items()}
        return (str(engine), str(pair)), PairAttempts(int(first), int(chosen), found)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None
