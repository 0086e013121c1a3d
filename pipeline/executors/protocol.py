"""The door every executor stands behind: items in, what became of them out. It computes and encodes; it never writes."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.core.errors import (
    InputError,
    LookbookError,
    MissingPackageError,
    OutputError,
    WeightsError,
    disk_full,
    is_disk_full,
)
from pipeline.core.flags import Notice
from pipeline.core.items import Item
from pipeline.core.layout import Ref
from pipeline.core.step import Produced, Stage, Step

HOPELESS = (WeightsError, MissingPackageError, OutputError)
"""Errors that every further item would meet as well: they end the run."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an item is made from, taken before its files are read: fingerprint and basis (JSON)."""

    fingerprint: str
    basis: str


@dataclass(frozen=True, slots=True)
class FailureCause:
    """Why an item failed.

    Args:
        message: one line for the final table.
        remedy: what cures it.
        trace: the traceback of an internal error; empty for an error of the user's world.
        sticky: the fault lies in the input, so another try without a change is useless.
    """

    message: str
    remedy: str = ""
    trace: str = ""
    sticky: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item.

    Args:
        item: which.
        ticket: what it was made from; None when that could not be found out.
        files: the bytes of every file it writes; empty when it failed.
        notices: quality flags.
        facts: small figures.
        seconds: time its step took, its share of a batch.
        cause: why it failed, or None.
    """

    item: Item
    ticket: Ticket | None = None
    files: Mapping[Ref, bytes] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cause: FailureCause | None = None


Prepare = Callable[[Item], Ticket]
"""Finds out what an item is made from; called in this process, maybe in another thread, before its files are read."""

Stopped = Callable[[], bool]
"""True once no further item is to be begun."""


class Executor(Protocol):
    """Where items are worked on."""

    def run(self, stage: Stage, items: Iterable[Item], prepare: Prepare, stopped: Stopped) -> Generator[Result, None, None]:
        """Work on items, a bounded number at a time; results come as they are ready.

        Raises:
            LookbookError: the step cannot work at all: a missing package or model.
        """

    def close(self) -> None:
        """Let go of threads and processes."""


def cause_of(problem: Exception) -> FailureCause:
    """An item's error as data.

    Raises:
        LookbookError: one that ends the run, handed through.
    """
    if isinstance(problem, HOPELESS):
        raise problem
    if is_disk_full(problem):
        raise disk_full(getattr(problem, "filename", None) or "a temporary file") from problem
    if isinstance(problem, LookbookError):
        return FailureCause(problem.message, problem.remedy, sticky=isinstance(problem, InputError))
    trace = "".join(traceback.format_exception(problem))
    return FailureCause(f"internal error: {type(problem).__name__}: {problem}", "this is our mistake; please report it", trace)


def encoded(step: Step, item: Item, produced: Produced) -> dict[Ref, bytes]:
    """Turn what a step produced into bytes.

    Raises:
        RuntimeError: it produced other files than it promised; our mistake.
    """
    promised = step.writes(item)
    if set(promised) != set(produced.files):
        raise RuntimeError(f"{step.name} produced {sorted(produced.files)}, promised {sorted(promised)}")
    return {ref: produced.files[ref]() for ref in promised}


def run_batch(step: Step, inputs: Sequence[Any]) -> list[Produced | Exception]:
    """Run a batch; when it fails, each item alone, so that one bad item fails alone."""
    try:
        results = step.run(inputs)
        if len(results) != len(inputs):
            raise RuntimeError(f"{step.name} gave {len(results)} results for {len(inputs)} items")
        return list(results)
    except HOPELESS:
        raise
    except Exception as problem:  # any step may fail in any way; the item fails, the run goes on
        if len(inputs) == 1:
            return [problem]
        return [run_batch(step, [each])[0] for each in inputs]
