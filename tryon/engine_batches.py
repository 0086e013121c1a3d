"""Which pairs go to an engine together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.core.items import Pair


def engine_batches(pairs: Sequence[Pair], sizes: Mapping[str, int]) -> Iterator[list[int]]:
    """Positions in `pairs`, grouped by engine in order of first appearance, at most `sizes[engine]` per group."""
    by_engine: dict[str, list[int]] = {}
    for number, pair in enumerate(pairs):
        by_engine.setdefault(pair.engine, []).append(number)
    for engine, numbers in by_engine.items():
        size = max(1, sizes[engine])
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]
