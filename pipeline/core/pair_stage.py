"""What some engines make of a pair before they dress it: a warped garment, a predicted segmentation.

A stage is a small engine of its own, with a card, weights and artefacts on disk, so that each can be looked at, retouched and
reused: a retouched one is kept, and what reads it, the next stage or the picture, is redone. The catalogue names an engine's
stages (`EngineEntry.stages`); `tryon/pair_step.py` runs them before `TryOnStep`. An engine without stages has no part in this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

from pipeline.core.card import Card
from pipeline.core.engine import Encoded, GarmentInputs, PersonInputs, TryOnItem
from pipeline.core.flags import Notice
from pipeline.core.labels import Category
from pipeline.core.layout import Folder, PerCategory, PerEngine
from pipeline.core.step import Encode


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCard(Card):
    """A card that also says what a stage reads and makes.

    Args:
        person: artefact kinds of the person it reads.
        garment: artefact kinds of the garment it reads.
        pair: artefact kinds of the pair it reads; earlier stages of the same engine make them.
        makes: artefact kinds of the pair that it makes.
        shows: those of `makes` that only show how the others were made, and are not made where the others were given.
        categories: garment categories it was made for.
        seeded: the pair's seed decides what it makes; further attempts leave it alone, because they draw the picture again and
            not what the picture is made of.
    """

    person: tuple[Folder | PerCategory, ...]
    garment: tuple[Folder, ...] = ()
    pair: tuple[PerEngine, ...] = ()
    makes: tuple[PerEngine, ...]
    shows: tuple[PerEngine, ...] = ()
    categories: frozenset[Category] = frozenset(Category)
    seeded: bool = False


@dataclass(frozen=True, slots=True)
class PairMade:
    """What a stage made of one pair.

    Args:
        files: exactly the kinds of the card's `makes`, each with its encoder.
        notices: what the stage knows to be weak about them.
    """

    files: Mapping[PerEngine, Encode]
    notices: tuple[Notice, ...] = field(default=())


@runtime_checkable
class PairStage(Protocol):
    """Everything that is asked of a stage. It is made with its engine's settings and the run's `Context`, loading nothing."""

    @property
    def card(self) -> StageCard:
        """What it is, what it needs, reads and makes."""

    @property
    def batch_size(self) -> int:
        """Most pairs of one `make`."""

    def load(self, device: str) -> None:
        """Bring the weights onto a device: `auto`, `cpu`, `cuda`, `mps`."""

    def encode(self, part: PersonInputs | GarmentInputs) -> Encoded:
        """Do once per person or garment what does not depend on the other."""

    def make(self, items: Sequence[TryOnItem]) -> list[PairMade]:
        """One result per item, in order."""

    def settings(self) -> Mapping[str, Any]:
        """Those of the engine's settings that decide what it makes, as JSON values; asked before anything is loaded."""


class PairStageBase:
    """What a stage need not write itself."""

    batch_size = 1

    def settings(self) -> Mapping[str, Any]:
        """None of the engine's settings unless a stage says so."""
        return {}


StageClass = TypeVar("StageClass", bound="type[PairStage]")


def pair_stage(stage: StageClass) -> StageClass:
    """Declare that a class is a stage: the type checker then holds it against `PairStage`, member by member."""
    return stage
