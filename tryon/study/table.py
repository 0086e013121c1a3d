"""The table of a network's parts: how large, how costly, how much of it has no say, and where it comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tryon.study.boxes import flow_of
from tryon.study.protocol import Anatomy, Part, part_of
from tryon.study.trace import Trace

BYTES = {"fp32": 4, "bf16": 2}
"""Of a weight."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is known of a part.

    Args:
        part: which.
        values: weights of the published network.
        dead: of these, how many have no say in any picture.
        int8: bytes of what the engine keeps, large weights in 8 bits; None where it has no such format.
        gflop: of one run, in 1e9; a multiply-add counts as two.
        seconds: of one run here; None where nothing was measured.
        trained: weights that training changes.
    """

    part: Part
    values: int
    dead: int
    int8: int | None
    gflop: float
    seconds: float | None
    trained: int

    @property
    def gflop_per_picture(self) -> float:
        """Over all calls."""
        return self.gflop * self.part.calls

    @property
    def seconds_per_picture(self) -> float | None:
        """Over all calls."""
        return None if self.seconds is None else self.seconds * self.part.calls


def rows_of(anatomy: Anatomy, trace: Trace, measured: Trace | None, int8: Mapping[str, int] | None) -> list[Row]:
    """One row per part.

    Args:
        anatomy: whose.
        trace: a run on the meta device.
        measured: a timed run, or None.
        int8: tensor → bytes of what the engine keeps in 8 bits; None where it has no such format.
    """

    def name_of(tensor: str) -> str:
        return part_of(tensor, anatomy.parts).name

    dead = {name: count for name, count in trace.dead_values().items() if name not in anatomy.spared}
    trained, boxes = anatomy.trained(), flow_of(trace, name_of).boxes
    timed = flow_of(measured, name_of).boxes if measured else {}
    values, dead_values = _summed(trace.sizes, name_of), _summed(dead, name_of)
    trained_values = _summed({name: trace.sizes[name] for name in trained}, name_of)
    stored = None if int8 is None else _summed(int8, name_of)
    return [
        Row(
            part=part,
            values=values[part.name],
            dead=dead_values[part.name],
            int8=None if stored is None else stored[part.name],
            gflop=boxes[part.name].flops / 1e9,
            seconds=timed[part.name].seconds if part.name in timed else None,
            trained=trained_values[part.name],
        )
        for part in anatomy.parts
    ]


def shares(amounts: Sequence[float | None]) -> list[float | None]:
    """Each one's share of the sum, 0 to 1."""
    total = sum(amount or 0 for amount in amounts) or 1
    return [None if amount is None else amount / total for amount in amounts]


def origins(rows: Sequence[Row]) -> dict[str, int]:
    """Where training starts from → weights."""
    found: Counter[str] = Counter()
    for row in rows:
        found[row.part.origin] += row.values
    return dict(found.most_common())


def _summed(amounts: Mapping[str, int], name_of: Callable[[str], str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for tensor, amount in amounts.items():
        found[name_of(tensor)] += amount
    return found
