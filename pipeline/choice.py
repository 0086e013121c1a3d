"""Which backend and which engine does the work, and why (docs/architecture.md#engines-and-backends).

`auto` takes the first in the catalogue's order that can run here. Asked for by name and not able to run = an error with the cure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipeline.catalog import AUTO, BACKENDS, ENGINES, Target, resolve
from pipeline.core.card import Card
from pipeline.core.engine import EngineCard
from pipeline.core.errors import MissingPackageError, UsageError, WeightsError, nearest
from pipeline.core.labels import Category
from pipeline.core.weights import status_of
from pipeline.core.weights.access import Findings, pull_command, require_verified, row_sha
from pipeline.core.weights.elsewhere import Elsewhere, command
from pipeline.core.weights.licence import refuse_non_commercial
from pipeline.core.weights.verify import FileState


@dataclass(frozen=True)
class ModelChoice:
    """The backend or engine that was chosen.

    Args:
        card: its card.
        target: where its class is.
        notes: lines for the user: which better ones cannot run here, and what they lack.
    """

    card: Card
    target: Target
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chooser:
    """Chooses the backends and engines of one run. Each row of the weights table is checked once, however often it is asked for.

    Args:
        weights: the weights folder.
        commercial_only: leave out, or refuse, models whose licence forbids business use.
    """

    weights: Path
    commercial_only: bool = False
    _status: dict[str, Findings] = field(default_factory=dict, init=False, compare=False, repr=False)
    _verified: dict[str, Findings] = field(default_factory=dict, init=False, compare=False, repr=False)

    def backend(self, kind: str, wanted: str = AUTO) -> ModelChoice:
        """The backend of one kind.

        Raises:
            UsageError: no such backend. MissingPackageError, WeightsError: asked for by name and not able to run.
        """
        return self._choose(f"backend for {kind}", BACKENDS[kind], wanted, lambda card: True)

    def engine(self, category: Category, wanted: str = AUTO) -> ModelChoice:
        """The engine for garments of one category; raises as `backend`."""
        known = {name: entry.engine for name, entry in ENGINES.items()}
        return self._choose("engine", known, wanted, lambda card: isinstance(card, EngineCard) and category in card.categories)

    def sha_of(self, name: str) -> str:
        """The identity of a model in fingerprints and recipes: its sha256, and whether the user chose it for the published one.

        Raises:
            WeightsError: listing every file of it that is missing or wrong.
        """
        self._require((name,))
        chosen = " (chosen with weights use)" if any(finding.chosen for finding in self._verified[name]) else ""
        return row_sha(self._verified[name]) + chosen

    def check_engine_name(self, wanted: str) -> None:
        """Refuse a misspelt engine even when no pair asks for one yet.

        Raises:
            UsageError: no such engine.
        """
        if wanted not in {AUTO, *ENGINES}:
            raise UsageError(f"unknown engine {wanted!r}", nearest(wanted, [*ENGINES, AUTO]))

    def _choose(self, what: str, known: Mapping[str, Target], wanted: str, fits: Callable[[Card], bool]) -> ModelChoice:
        if wanted != AUTO:
            return self._named(what, known, wanted)
        notes: list[str] = []
        for target in known.values():
            card: Card = resolve(target).card
            if not fits(card):
                continue
            reason = self._why_unavailable(card)
            if reason is None:
                return ModelChoice(card, target, tuple(notes))
            if reason:
                notes.append(reason)
        raise UsageError(f"no {what} can run here", "python run.py doctor")

    def _named(self, what: str, known: Mapping[str, Target], wanted: str) -> ModelChoice:
        if wanted not in known:
            raise UsageError(f"unknown {what} {wanted!r}", nearest(wanted, [*known, AUTO]))
        card: Card = resolve(known[wanted]).card
        if self.commercial_only:  # first: nobody installs packages for what they may not use
            for name in card.weights:
                refuse_non_commercial(name)
        missing = card.missing_packages()
        if missing:
            raise MissingPackageError(f"{wanted} needs {', '.join(missing)}", card.install)
        self._require(card.weights)
        return ModelChoice(card, known[wanted])

    def _why_unavailable(self, card: Card) -> str | None:
        """None = it can run here. Otherwise the reason; empty when its weights are simply absent, which needs no line.

        The licence comes first: of what may not be used no file is opened.
        """
        if refusal := self._refusal(card):
            return f"{card.name}: {refusal}" if any((self.weights / name).is_dir() for name in card.weights) else ""
        if not all(finding.usable for name in card.weights for finding in self._status_of(name)):
            return self._why_unusable(card)
        missing = card.missing_packages()
        if missing:
            return f"{card.name}: its weights are here but {', '.join(missing)} is not installed: {card.install}"
        return None

    def _refusal(self, card: Card) -> str:
        """Why a run for business use must not take a model, or ""."""
        try:
            for name in card.weights if self.commercial_only else ():
                refuse_non_commercial(name)
        except UsageError as refusal:
            return refusal.message
        return ""

    def lacks(self, card: Card) -> str:
        """What keeps a model from running here, in two words; "" when nothing does. The licence first, as in a run."""
        if self._refusal(card):
            return "not allowed"
        if not all(finding.usable for name in card.weights for finding in self._status_of(name)):
            return "no weights"
        if missing := card.missing_packages():
            return f"no {', '.join(missing)}"
        return ""

    def _why_unusable(self, card: Card) -> str:
        """What is wrong with the files of a model that somebody has begun to bring here, or empty."""
        findings = [finding for name in card.weights for finding in self._status_of(name)]
        sighted = [each for name in card.weights for each in self._elsewhere.among(self._status_of(name))]
        if sighted:
            lines = "; ".join(each.line() for each in sighted)
            return f"{card.name} is passed over: {lines}: {command([each.weight.name for each in sighted], self.weights)}"
        bad = [finding for finding in findings if finding.state is FileState.UNUSABLE]
        if bad or any(finding.usable for finding in findings):
            lacking = bad or [finding for finding in findings if not finding.usable]
            names = dict.fromkeys(finding.weight.name for finding in lacking)
            lines = "; ".join(finding.line() for finding in lacking)
            return f"{card.name} is passed over: {lines}: {pull_command(names, self.weights)}"
        return ""

    @cached_property
    def _elsewhere(self) -> Elsewhere:
        return Elsewhere(self.weights)

    def _status_of(self, name: str) -> Findings:
        if name not in self._status:
            self._status[name] = status_of(name, self.weights)
        return self._status[name]

    def _require(self, names: Sequence[str]) -> None:
        """Verify the models that were not verified yet."""
        new = [name for name in names if name not in self._verified]
        try:
            found = require_verified([self._status_of(name) for name in new], self.weights)
        except WeightsError as problem:
            sighted = [each for name in new for each in self._elsewhere.among(self._status_of(name))]
            if not sighted:
                raise
            lines = "".join(f"\n  {each.line()}" for each in sighted)
            cure = command([each.weight.name for each in sighted], self.weights)
            raise WeightsError(f"{problem.message}{lines}", cure) from problem
        self._verified.update(zip(new, found, strict=True))


@dataclass
class EngineByCategory:
    """The engine of each garment category, chosen once: a thousand pairs of one category cost one choice.

    Args:
        chooser: of the run.
        wanted: an engine's name, or auto.
        chosen: the engines chosen so far.
    """

    chooser: Chooser
    wanted: str = AUTO
    chosen: dict[Category, ModelChoice] = field(default_factory=dict)

    def __call__(self, category: Category) -> str:
        """The engine's name."""
        if category not in self.chosen:
            self.chosen[category] = self.chooser.engine(category, self.wanted)
        return self.chosen[category].card.name

    @property
    def notes(self) -> tuple[str, ...]:
        """Which better engines were passed over, and why."""
        return tuple(dict.fromkeys(note for choice in self.chosen.values() for note in choice.notes))
