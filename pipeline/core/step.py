"""The step protocol: read, run, hand over.

A step is a thin shell around pure functions. It never writes: `run` returns `Produced`, whose artefacts know how to become
bytes. The runner encodes them beside the next item's work, records their hashes in the ledger, and only then puts them in
place; so a kill at any moment leaves either the old artefact or the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pipeline.core.backend import Backend
from pipeline.core.card import Resources
from pipeline.core.config import StepConfig
from pipeline.core.errors import InputError
from pipeline.core.flags import Notice
from pipeline.core.items import Item, Unit
from pipeline.core.layout import REPAIRED, TRYON, Layout, PerEngine, Ref

Encode = Callable[[], bytes]
"""Turns one artefact into the bytes of its file; called once, maybe in another thread."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every step of a run shares.

    Args:
        layout: where inputs, outputs and weights are.
        seed: the run's seed; items derive their own from it.
        max_megapixels: photos above this are scaled down for work.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        repair_hands: pictures are finished from those with repaired hands.
    """

    layout: Layout
    seed: int = 0
    max_megapixels: float = 24.0
    device: str = "auto"
    repair_hands: bool = False

    @property
    def dressed(self) -> PerEngine:
        """The kind of artefact that finished pictures are made of."""
        return REPAIRED if self.repair_hands else TRYON


@dataclass(frozen=True, slots=True)
class Produced:
    """What a step made of one item.

    Args:
        files: every ref of `writes(item)`, each with its encoder.
        notices: quality flags.
        facts: small figures for the ledger and the report, e.g. `{"mask_share": "0.31"}`.
    """

    files: Mapping[Ref, Encode]
    notices: tuple[Notice, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


class Step(Protocol):
    """One stage of the way of a picture (docs/architecture.md#the-way-of-a-picture)."""

    name: ClassVar[str]
    unit: ClassVar[Unit]
    version: ClassVar[int]
    config: StepConfig
    batch_size: int
    model_files: Mapping[str, str]
    prepares: ClassVar[bool]
    resources: Resources
    packages: tuple[str, ...]
    seconds: float

    def reads(self, item: Item) -> Sequence[Ref]:
        """Files that must be there; their bytes decide whether the item is done."""

    def may_read(self, item: Item) -> Sequence[Ref]:
        """Files that count when they are there, such as a settings file."""

    def writes(self, item: Item) -> Sequence[Ref]:
        """Every file that `run` will produce."""

    def shows(self, item: Item) -> Sequence[Ref]:
        """Those of `writes` that only show how the others were made: not made where all others were given."""

    def refuses(self, item: Item) -> InputError | None:
        """Why `read` refuses an item whatever its files hold; None = it depends on them."""

    def signature(self, item: Item) -> Mapping[str, str]:
        """What else decides the pixels: backend, engine, seed. Never a path, a host or a clock."""

    def has_attempts(self, item: Item) -> bool:
        """Whether another `attempt` of a pair gives another picture."""

    def load(self) -> None:
        """Bring up heavy libraries and weights; called once, before the first item."""

    def read(self, item: Item) -> Any:
        """Decode what `run` needs; may be called in another thread, ahead of time."""

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        """Work on up to `batch_size` items at once, one result each, in order."""


BuildStep = Callable[[], Step]
"""Builds a step, in another process too; must survive pickling, e.g. `functools.partial` of a module's function."""


@dataclass(frozen=True)
class Stage:
    """A step and its items. A step of the catalogue may be several stages: `parsing` makes the parse map, then the agnostic mask.

    Args:
        step: the instance that plans, and that works when there are no worker processes.
        items: in the order in which they are worked on.
        build: how a worker process gets a step of its own; None = this process has to do the work.
        about: which part of the step's work, in words; "" = all of it.
    """

    step: Step
    items: Sequence[Item]
    build: BuildStep | None = None
    about: str = ""

    @property
    def name(self) -> str:
        """The step's name."""
        return self.step.name


class StepBase:
    """What most steps share; a step overrides what differs."""

    name: ClassVar[str]
    unit: ClassVar[Unit]
    version: ClassVar[int] = 1
    batch_size = 1
    model_files: Mapping[str, str] = {}
    """sha256 by weights name of the step's backend; set where the step is built, part of every fingerprint."""
    prepares: ClassVar[bool] = False
    """Makes what a later part of the same step draws from; further attempts of a pair leave it alone."""
    resources = Resources()
    """What a process that works on its items needs."""
    packages: tuple[str, ...] = ()
    """Modules that it uses, as a card states them."""
    seconds = 0.3
    """Rough time for one item on two CPU cores."""

    def __init__(self, config: StepConfig, context: Context) -> None:
        self.config = config
        self.context = context

    @property
    def layout(self) -> Layout:
        """The run's folders."""
        return self.context.layout

    def may_read(self, item: Item) -> Sequence[Ref]:
        """Nothing optional unless a step says so."""
        return ()

    def shows(self, item: Item) -> Sequence[Ref]:
        """Nothing unless a step says so: every file is made for its own sake."""
        return ()

    def refuses(self, item: Item) -> InputError | None:
        """Nothing unless a step says so."""
        return None

    def signature(self, item: Item) -> Mapping[str, str]:
        """Nothing beyond configuration and version unless a step says so."""
        return {}

    def has_attempts(self, item: Item) -> bool:
        """Always the same picture unless a step says otherwise."""
        return False

    def load(self) -> None:
        """Nothing heavy unless a step says so."""


Kind = TypeVar("Kind", bound=Backend)


class BackendStep(StepBase, Generic[Kind]):
    """A step whose pixels come from one interchangeable model: every step of the same kind signs and loads it alike."""

    def __init__(self, config: StepConfig, context: Context, backend: Kind) -> None:
        super().__init__(config, context)
        self.backend = backend

    def signature(self, item: Item) -> Mapping[str, str]:
        """The backend, which decides the pixels."""
        return {"backend": self.backend.card.signature()}

    @property
    def resources(self) -> Resources:  # type: ignore[override]  # a value in the base, here the backend's
        """What the backend needs."""
        return self.backend.card.resources

    @property
    def packages(self) -> tuple[str, ...]:  # type: ignore[override]  # likewise
        """Those of the backend."""
        return self.backend.card.packages

    @property
    def seconds(self) -> float:  # type: ignore[override]  # likewise
        """The backend's time."""
        return self.backend.card.seconds

    def load(self) -> None:
        """Bring up the backend on the run's device."""
        self.backend.load(self.context.device)
