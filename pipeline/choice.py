"""Which backend and which engine does the work, and why (docs/architecture.md#engines-and-backends).

`auto` takes the first in the catalogue's order that can run here. Asked for by name and not able to run = an error with the cure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.catalog import AUTO, BACKENDS, ENGINES, Target, resolve
from pipeline.core.card import Card
from pipeline.core.engine import EngineCard
from pipeline.core.errors import MissingPackageError, UsageError, nearest
from pipeline.core.labels import Category
from pipeline.core.weights import available, require_all
from pipeline.core.weights.licence import refuse_non_commercial


@dataclass(frozen=True)
class Choice:
    """What was taken.

    Args:
        card: the chosen one.
        target: where its class is.
        notes: lines for the user: what would be better and what it lacks.
    """

    card: Card
    target: Target
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chooser:
    """Chooses once per run.

    Args:
        weights: the weights folder.
        commercial_only: leave out, or refuse, models whose licence forbids business use.
    """

    weights: Path
    commercial_only: bool = False

    def backend(self, kind: str, wanted: str = AUTO) -> Choice:
        """The backend of one kind.

        Raises:
            UsageError: no such backend. MissingPackageError, WeightsError: asked for by name and not able to run.
        """
        return self._choose(f"backend for {kind}", BACKENDS[kind], wanted, lambda card: True)

    def engine(self, category: Category, wanted: str = AUTO) -> Choice:
        """The engine for garments of one category."""
        known = {name: entry.engine for name, entry in ENGINES.items()}
        return self._choose("engine", known, wanted, lambda card: isinstance(card, EngineCard) and category in card.categories)

    def _choose(self, what: str, known: Mapping[str, Target], wanted: str, fits: Callable[[Card], bool]) -> Choice:
        if wanted != AUTO:
            return self._named(what, known, wanted)
        notes: list[str] = []
        for target in known.values():
            card: Card = resolve(target).card
            if not fits(card):
                continue
            lack = self._lack(card)
            if lack is None:
                return Choice(card, target, tuple(notes))
            if lack:
                notes.append(lack)
        raise UsageError(f"no {what} can run here", "python run.py doctor")

    def check_engine_name(self, wanted: str) -> None:
        """Refuse a misspelt engine even when no pair asks for one yet.

        Raises:
            UsageError: no such engine.
        """
        if wanted not in {AUTO, *ENGINES}:
            raise UsageError(f"unknown engine {wanted!r}", nearest(wanted, [*ENGINES, AUTO]))

    def _named(self, what: str, known: Mapping[str, Target], wanted: str) -> Choice:
        if wanted not in known:
            raise UsageError(f"unknown {what} {wanted!r}", nearest(wanted, [*known, AUTO]))
        card: Card = resolve(known[wanted]).card
        missing = card.missing_packages()
        if missing:
            raise MissingPackageError(f"{wanted} needs {', '.join(missing)}", card.install)
        if self.commercial_only:
            for name in card.weights:
                refuse_non_commercial(name)
        require_all(card.weights, self.weights)
        return Choice(card, known[wanted])

    def _lack(self, card: Card) -> str | None:
        """None = can run. Otherwise why not; empty when its weights are simply not there, which needs no line."""
        if not all(available(name, self.weights) for name in card.weights):
            return ""
        missing = card.missing_packages()
        if missing:
            return f"{card.name}: its weights are here but {', '.join(missing)} is not installed: {card.install}"
        if self.commercial_only:
            try:
                for name in card.weights:
                    refuse_non_commercial(name)
            except UsageError as refusal:
                return f"{card.name}: {refusal.message}"
        return None


@dataclass
class EngineByCategory:
    """Remembers the engine of each category, so that choosing for a thousand pairs looks at the weights once."""

    chooser: Chooser
    wanted: str = AUTO
    chosen: dict[Category, Choice] = field(default_factory=dict)

    def __call__(self, category: Category) -> str:
        """The engine's name."""
        if category not in self.chosen:
            self.chosen[category] = self.chooser.engine(category, self.wanted)
        return self.chosen[category].card.name
