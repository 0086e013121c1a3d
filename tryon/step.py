"""Try-on: conditions of a person and a garment in, the dressed person on the canvas out.

The step knows engines only by their protocol. It loads an engine when the first pair asks for it, encodes every person and
garment once, hands over batches per engine, and writes into each picture how it was made.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.core import images
from pipeline.core.card import Resources, most_of
from pipeline.core.config import StepConfig
from pipeline.core.engine import (
    DressedPerson,
    Encoded,
    EngineCard,
    PairInputs,
    PersonInputs,
    TryOnEngine,
    TryOnItem,
)
from pipeline.core.errors import InputError, UsageError
from pipeline.core.items import Item, Pair, Unit
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, TRYON, Folder, PerCategory, Ref
from pipeline.core.masks import Mask
from pipeline.core.seeds import noise_seed
from pipeline.core.step import Context, Encode, Produced, StepBase
from tryon.encoding_cache import PairEncodings
from tryon.result_notices import result_notices


class TryOnConfig(StepConfig):
    """Settings of the try-on step; each engine has its own beside its code."""

    attempt: int = Field(default=0, ge=0)
    """Another number draws other noise."""
    keep_persons: int = Field(default=8, ge=1, exclude=True)
    """Encoded persons kept in memory."""
    keep_garments: int = Field(default=64, ge=1, exclude=True)
    """Encoded garments kept in memory."""


@dataclass(frozen=True, slots=True)
class _Subject:
    """An encoded person and the area its pictures may differ in, packed to an eighth."""

    encoded: Encoded
    packed_mask: NDArray[np.uint8]
    shape: tuple[int, int]

    def mask(self) -> Mask:
        """(h, w) bool, True = repaint."""
        bits = np.unpackbits(self.packed_mask, count=self.shape[0] * self.shape[1])
        return bits.reshape(self.shape).astype(bool)


class TryOnStep(StepBase):
    """The shell: look up, encode once, generate, describe.

    Args:
        config: settings.
        context: what every step of the run shares.
        engines: engines by name; `pair.engine` is a key. None is loaded before a pair needs it.
        weights: sha256 by weights name, for the fingerprint and the recipe.
    """

    name: ClassVar[str] = "tryon"
    unit: ClassVar[Unit] = Unit.PAIR
    version: ClassVar[int] = 1
    config: TryOnConfig

    def __init__(
        self,
        config: TryOnConfig,
        context: Context,
        engines: Mapping[str, TryOnEngine],
        weights: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(config, context)
        self.engines = engines
        self.weights = dict(weights or {})
        self._loaded: set[str] = set()
        self._signatures: dict[str, Mapping[str, str]] = {}
        self._made: PairEncodings[_Subject, Encoded] = PairEncodings(self.layout, config.keep_persons, config.keep_garments)

    @cached_property
    def batch_size(self) -> int:  # type: ignore[override]  # a plan never asks, so a plan never loads torch
        """Most pairs of one `run`; asked for when work begins, because an engine may have to look at the GPU first."""
        return max((engine.batch_size for engine in self.engines.values()), default=1)

    @property
    def resources(self) -> Resources:  # type: ignore[override]  # a value in the base, here the engines'
        """What the most demanding engine needs."""
        return most_of([Resources(), *(engine.card.resources for engine in self.engines.values())])

    @property
    def seconds(self) -> float:  # type: ignore[override]  # likewise
        """The slowest engine's time."""
        return max((engine.card.seconds for engine in self.engines.values()), default=super().seconds)

    def reads(self, item: Item) -> Sequence[Ref]:
        """The conditions the pair's engine reads, of person, garment and pair, and the passes before, which it records."""
        pair = _pair(item)
        card = self._engine(pair).card
        before = [TRYON.of(each.id, each.engine) for each in pair.passes[:-1]]
        own = [kind.of(pair.id, pair.engine) for kind in card.pair]
        garment = [folder.of(pair.garment.id) for folder in card.garment]
        return refs_of((*card.person, AGNOSTIC_MASK), pair) + garment + before + own

    def writes(self, item: Item) -> Sequence[Ref]:
        """One picture below the engine's own folder, and the further ones that its settings ask for."""
        pair = _pair(item)
        kinds = (TRYON, *self._engine(pair).config.extras())
        return tuple(kind.of(pair.id, pair.engine) for kind in kinds)

    def signature(self, item: Item) -> Mapping[str, str]:
        """Engine, its settings and weights, and the item's seed."""
        pair = _pair(item)
        card = self._engine(pair).card
        return {
            "engine": card.name,
            "engine_version": str(card.version),
            **self._fixed_signature(pair),
            "seed": str(self._seed(pair)),
            "attempt": str(self._attempt(pair)),
        }

    def _fixed_signature(self, pair: Pair) -> Mapping[str, str]:
        """What is the same for every pair of an engine; written out once, because a plan may ask ten thousand times."""
        if pair.engine not in self._signatures:
            self._signatures[pair.engine] = {
                "engine_config": json.dumps(self._settings(pair), sort_keys=True),
                "weights": json.dumps(self._weights_of(self._engine(pair).card), sort_keys=True),
            }
        return self._signatures[pair.engine]

    def has_attempts(self, item: Item) -> bool:
        """As the engine's card says."""
        return self._engine(_pair(item)).card.seeded

    def refuses(self, item: Item) -> InputError | None:
        """A garment of a category that the engine was not made for."""
        pair = _pair(item)
        return other_category(self._engine(pair).card.categories, pair)

    def read(self, item: Item) -> Pair:
        """Check that the engine can dress this garment; conditions are decoded when the engine encodes them.

        Raises:
            InputError: the engine does not support the garment's category.
        """
        if problem := self.refuses(item):
            raise problem
        return _pair(item)

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        """Dress up to `batch_size` pairs; results come back in the order of `inputs`."""
        pairs: list[Pair] = list(inputs)
        results: dict[int, Produced] = {}
        for numbers in engine_batches(pairs, {pair.engine: self._engine(pair).batch_size for pair in pairs}):
            batch = [pairs[number] for number in numbers]
            results.update(zip(numbers, self._dress(batch), strict=True))
        return [results[number] for number in range(len(pairs))]

    def _dress(self, batch: Sequence[Pair]) -> list[Produced]:
        engine = self._ready(batch[0])
        subjects = [self._person(pair, engine) for pair in batch]
        garments = [self._made.garment(pair, engine.encode) for pair in batch]
        items = [
            TryOnItem(subject.encoded, garment, self._seed(pair), PairInputs(pair, self.layout))
            for pair, subject, garment in zip(batch, subjects, garments, strict=True)
        ]
        dressed = engine.generate(items)
        return [self._produced(pair, subject, made) for pair, subject, made in zip(batch, subjects, dressed, strict=True)]

    def _produced(self, pair: Pair, subject: _Subject, dressed: DressedPerson) -> Produced:
        recipe = self._recipe(pair)
        files: dict[Ref, Encode] = {TRYON.of(pair.id, pair.engine): partial(images.png, dressed.picture, recipe)}
        files |= {kind.of(pair.id, pair.engine): partial(images.png, picture) for kind, picture in dressed.extra.items()}
        notices = result_notices(self._engine(pair).card, dressed.picture, subject.mask()) + dressed.notices
        facts = {"engine": pair.engine, "seed": str(recipe["seed"]), "attempt": str(recipe["attempt"])}
        return Produced(files, notices, facts)

    def _recipe(self, pair: Pair) -> dict[str, Any]:
        """How the picture was made: no clock, no path, so the same picture has the same bytes everywhere."""
        card = self._engine(pair).card
        recipe: dict[str, Any] = {
            "engine": card.name,
            "version": card.version,
            "weights": self._weights_of(card),
            "seed": self._seed(pair),
            "attempt": self._attempt(pair),
            "person": pair.person.original.id,
            "garment": pair.garment.id,
            "category": pair.garment.category.value,
            "settings": self._settings(pair),
        }
        before = [images.read_recipe(self.layout.path(TRYON.of(each.id, each.engine))) or {} for each in pair.passes[:-1]]
        if before:
            recipe |= {"passes": [_named(each) for each in (*before, recipe)], "before": before}
        described = self._engine(pair).describe()
        recipe |= {"sampling": dict(described)} if described else {}
        recipe |= {} if card.reads_mask else {"mask_free": True}
        return recipe | ({"preview": True} if card.approximate else {})

    def _engine(self, pair: Pair) -> TryOnEngine:
        if pair.engine not in self.engines:
            raise UsageError(
                f"tryon: no engine named {pair.engine!r}; known: {', '.join(sorted(self.engines))}",
                "choose one with --engine NAME",
            )
        return self.engines[pair.engine]

    def _ready(self, pair: Pair) -> TryOnEngine:
        engine = self._engine(pair)
        if pair.engine not in self._loaded:
            engine.load(self.context.device)
            self._loaded.add(pair.engine)
        return engine

    def _person(self, pair: Pair, engine: TryOnEngine) -> _Subject:
        def encode(inputs: PersonInputs) -> _Subject:
            mask = inputs.agnostic_mask()
            return _Subject(engine.encode(inputs), np.packbits(mask), (mask.shape[0], mask.shape[1]))

        return self._made.person(pair, encode)

    def _seed(self, pair: Pair) -> int:
        return noise_seed(self.context.seed, pair.person.id, pair.garment.id, self._attempt(pair))

    def _attempt(self, pair: Pair) -> int:
        """The pair's own attempt, counted from the one that the settings name for all."""
        return self.config.attempt + pair.attempt

    def _settings(self, pair: Pair) -> dict[str, Any]:
        """The engine's own settings."""
        return self._engine(pair).config.model_dump(mode="json")

    def _weights_of(self, card: EngineCard) -> dict[str, str]:
        return {name: self.weights.get(name, "") for name in card.weights}


def engine_batches(pairs: Sequence[Pair], sizes: Mapping[str, int]) -> Iterator[list[int]]:
    """Positions in `pairs`, grouped by engine in order of first appearance, at most `sizes[engine]` per group."""
    by_engine: dict[str, list[int]] = {}
    for number, pair in enumerate(pairs):
        by_engine.setdefault(pair.engine, []).append(number)
    for engine, numbers in by_engine.items():
        size = max(1, sizes[engine])
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]


def refs_of(kinds: Iterable[Folder | PerCategory], pair: Pair) -> list[Ref]:
    """Artefacts of the person, each once; per-category kinds for the garment's category."""
    return [
        kind.of(pair.person.id, pair.garment.category) if isinstance(kind, PerCategory) else kind.of(pair.person.id)
        for kind in dict.fromkeys(kinds)
    ]


def _named(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What one pass of an outfit is called by in the recipe of the whole."""
    return {name: recipe.get(name) for name in ("garment", "category", "engine", "seed", "attempt")}


def other_category(categories: Collection[Category], pair: Pair) -> InputError | None:
    """Why a garment is none that the engine was made for: names engine, garment, category and what is allowed."""
    if pair.garment.category in categories:
        return None
    allowed = ", ".join(sorted(each.value for each in categories))
    return InputError(
        f"tryon: engine {pair.engine} does not dress {pair.garment.category.value} garments ({pair.garment.id}); "
        f"allowed: {allowed}",
        "use another engine for it: --engine preview, or --engine auto",
    )


def _pair(item: Item) -> Pair:
    assert isinstance(item, Pair), f"tryon works on pairs, not on {type(item).__name__}"
    return item
