"""What a user asks of a run: its options, with the default and the bounds of each, written once.

The command line (`pipeline/cli/options.py`), the HTTP API (`pipeline/review/models.py`) and programs take them from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

from pipeline.catalog import STEPS, step_names
from pipeline.core.errors import UsageError
from pipeline.core.layout import Layout
from pipeline.running.options import RunOptions, Workers


class Bounds(NamedTuple):
    """The least and the most that a number may be; None = no upper bound."""

    least: int
    most: int | None = None


LIMIT = Bounds(1)
WORKERS = Bounds(1)
RETRY_BAD = Bounds(0, 20)

OPTION_OF = {"steps": "step", "overrides": "set"}
"""Fields whose option has another name than the field."""


@dataclass(frozen=True, kw_only=True)
class Request(RunOptions):
    """What a user asks for; every field has the meaning of the option of the same name.

    Whatever the command line understands is taken (`steps="all"`, `steps=("3", "tryon")`, `inputs="photos"`, `only="beach_*"`)
    and held in the form that the fields say.

    Args:
        steps: names from `pipeline.catalog.STEPS`, in running order.
        inputs, outputs, weights: the three folders.
        config: settings file; None = `lookbook.toml` beside the inputs, when there is one.
        overrides: `section.key=value`.
        only, skip: globs on people, garments, backgrounds, pairs.
        limit: at most so many people.
        force, retry_failed: see `RerunPolicy`.
        fail_fast, workers, retry_bad: see `RunOptions`.
        verify: hash every file again.
        another: draw another picture of every selected pair whose engine has a seed.
        invert_masks: given masks whose meaning cannot be seen have black = yes.

    Raises:
        UsageError: an unknown step, or a number out of its bounds.
    """

    steps: tuple[str, ...] = tuple(STEPS)
    inputs: Path = Layout.inputs
    outputs: Path = Layout.outputs
    weights: Path = Layout.weights
    config: Path | None = None
    overrides: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    limit: int | None = None
    verify: bool = False
    another: bool = False
    invert_masks: bool = False

    def __post_init__(self) -> None:
        held: dict[str, object] = {name: Path(getattr(self, name)) for name in ("inputs", "outputs", "weights")}
        held |= {name: _tuple(getattr(self, name)) for name in ("steps", "overrides", "only", "skip")}
        if self.steps:
            held["steps"] = tuple(step_names(",".join(_tuple(self.steps))))
        if self.config is not None:
            held["config"] = Path(self.config)
        held["workers"] = _workers(self.workers)
        for name, value in held.items():
            object.__setattr__(self, name, value)
        _check("limit", self.limit, LIMIT)
        _check("workers", self.workers if isinstance(self.workers, int) else None, WORKERS)
        _check("retry_bad", self.retry_bad, RETRY_BAD)

    @property
    def layout(self) -> Layout:
        """The three folders."""
        return Layout(self.inputs, self.outputs, self.weights)

    def words(self) -> list[str]:
        """The command line that asks for the same; an option that has its default is left out.

        Every word has the form `--name=value` (or `--name` for a switch), so that no value is taken for an option.
        A request without steps has no command line.
        """
        changed = (each for each in fields(self) if getattr(self, each.name) != each.default)
        return [word for each in changed for word in _option(each.name, getattr(self, each.name))]


def _tuple(value: str | Iterable[str]) -> tuple[str, ...]:
    """One text alone is one word, not its letters."""
    return (value,) if isinstance(value, str) else tuple(value)


def _workers(value: int | str) -> Workers:
    """`auto`, or a number that may be typed as text."""
    if value == "auto":
        return "auto"
    try:
        return int(value)
    except ValueError:
        raise UsageError(f"workers = {value!r} is no number of worker processes", "allowed: auto, or 1 and more") from None


def _check(name: str, number: int | None, bounds: Bounds) -> None:
    if number is not None and number < bounds.least:
        raise UsageError(f"{name} = {number} is too small", f"allowed: {bounds.least} and more")
    if number is not None and bounds.most is not None and number > bounds.most:
        raise UsageError(f"{name} = {number} is too large", f"allowed: {bounds.least} to {bounds.most}")


def _option(name: str, value: object) -> Iterator[str]:
    """One field as words: a switch, one word, or a word per value."""
    option = "--" + OPTION_OF.get(name, name).replace("_", "-")
    if value is True:
        yield option
    elif name == "steps" and isinstance(value, tuple):
        yield f"{option}={','.join(value)}"
    elif isinstance(value, tuple):
        yield from (f"{option}={each}" for each in value)
    else:
        yield f"{option}={value}"
