"""The stages of engines: what some engines make of a pair before they dress it; one class runs all engines' stages of a name.

`pipeline.core.pair_stage` says what a stage is, the catalogue (`EngineEntry.stages`) which engine has which. The picture's step
reads what is made here, so a retouched artefact is kept and its picture redone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from pipeline.core.card import Resources, most_of
from pipeline.core.config import StepConfig
from pipeline.core.engine import Encoded, PairInputs, TryOnItem
from pipeline.core.errors import InputError
from pipeline.core.items import Item, Pair, Unit
from pipeline.core.layout import Ref
from pipeline.core.pair_stage import PairMade, PairStage
from pipeline.core.seeds import noise_seed
from pipeline.core.step import Context, Produced, StepBase
from tryon.encoding_cache import PairEncodings
from tryon.step import TryOnConfig, engine_batches, other_category, refs_of


class PairStep(StepBase):
    """The shell around one stage of every engine that has it: look up, encode once, make.

    Args:
        config: how many encodings are kept; none of it decides what is made.
        context: what every step of the run shares.
        stages: the stage, by engine. None is loaded before a pair needs it.
        weights: sha256 by weights name, for the fingerprint.
    """

    unit: ClassVar[Unit] = Unit.PAIR
    prepares: ClassVar[bool] = True

    def __init__(
        self, config: TryOnConfig, context: Context, stages: Mapping[str, PairStage], weights: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(StepConfig(), context)
        self.stages = stages
        self.weights = dict(weights or {})
        self._loaded: set[str] = set()
        self._made: PairEncodings[Encoded, Encoded] = PairEncodings(self.layout, config.keep_persons, config.keep_garments)

    @cached_property
    def batch_size(self) -> int:  # type: ignore[override]  # a plan never asks, so a plan never loads torch
        """Most pairs of one `run`."""
        return max((stage.batch_size for stage in self.stages.values()), default=1)

    @property
    def resources(self) -> Resources:  # type: ignore[override]  # a value in the base, here the stages'
        """What the most demanding stage needs."""
        return most_of([Resources(), *(stage.card.resources for stage in self.stages.values())])

    @property
    def seconds(self) -> float:  # type: ignore[override]  # likewise
        """The slowest stage's time."""
        return max((stage.card.seconds for stage in self.stages.values()), default=super().seconds)

    def reads(self, item: Item) -> Sequence[Ref]:
        """What the stage of the pair's engine reads, of person, garment and pair; nothing where the engine has no such stage."""
        pair, stage = self._of(item)
        if stage is None:
            return ()
        card = stage.card
        earlier = [kind.of(pair.id, pair.engine) for kind in card.pair]
        return refs_of(card.person, pair) + [folder.of(pair.garment.id) for folder in card.garment] + earlier

    def writes(self, item: Item) -> Sequence[Ref]:
        """The artefacts that the stage makes, below the engine's own folder; none where the engine has no such stage."""
        pair, stage = self._of(item)
        return () if stage is None else tuple(kind.of(pair.id, pair.engine) for kind in stage.card.makes)

    def shows(self, item: Item) -> Sequence[Ref]:
        """Pictures of how the artefacts came about."""
        pair, stage = self._of(item)
        return () if stage is None else tuple(kind.of(pair.id, pair.engine) for kind in stage.card.shows)

    def signature(self, item: Item) -> Mapping[str, str]:
        """The stage, its weights and settings, and the pair's seed where that matters."""
        pair, stage = self._of(item)
        if stage is None:
            return {}
        weights = {name: self.weights.get(name, "") for name in stage.card.weights}
        return {
            "stage": stage.card.signature(),
            "settings": json.dumps(dict(stage.settings()), sort_keys=True),
            "weights": json.dumps(weights, sort_keys=True),
            **({"seed": str(self._seed(pair))} if stage.card.seeded else {}),
        }

    def refuses(self, item: Item) -> InputError | None:
        """A garment of a category that the stage was not made for."""
        pair, stage = self._of(item)
        assert stage is not None, f"{pair.engine} has no stage {self.name}"
        return other_category(stage.card.categories, pair)

    def read(self, item: Item) -> Pair:
        """Check that the stage can work on this garment; conditions are decoded when it encodes them.

        Raises:
            InputError: it was not made for the garment's category.
        """
        if problem := self.refuses(item):
            raise problem
        return self._of(item)[0]

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        """Work on up to `batch_size` pairs; results come back in the order of `inputs`."""
        pairs: list[Pair] = list(inputs)
        results: dict[int, Produced] = {}
        for numbers in engine_batches(pairs, {name: stage.batch_size for name, stage in self.stages.items()}):
            made = self._make([pairs[number] for number in numbers])
            results.update(zip(numbers, made, strict=True))
        return [results[number] for number in range(len(pairs))]

    def _make(self, pairs: Sequence[Pair]) -> list[Produced]:
        stage = self._ready(pairs[0].engine)
        made = stage.make([self._item(pair, stage) for pair in pairs])
        return [_produced(pair, each) for pair, each in zip(pairs, made, strict=True)]

    def _item(self, pair: Pair, stage: PairStage) -> TryOnItem:
        person, garment = self._made.person(pair, stage.encode), self._made.garment(pair, stage.encode)
        return TryOnItem(person, garment, self._seed(pair), PairInputs(pair, self.layout))

    def _ready(self, engine: str) -> PairStage:
        stage = self.stages[engine]
        if engine not in self._loaded:
            stage.load(self.context.device)
            self._loaded.add(engine)
        return stage

    def _of(self, item: Item) -> tuple[Pair, PairStage | None]:
        assert isinstance(item, Pair), f"{self.name} works on pairs, not on {type(item).__name__}"
        return item, self.stages.get(item.engine)

    def _seed(self, pair: Pair) -> int:
        """The seed of the first attempt: further ones draw the picture again, not what it is made of."""
        return noise_seed(self.context.seed, pair.person.id, pair.garment.id)


class SegmentationStep(PairStep):
    """Predicts the parse map of the person in the garment."""

    name: ClassVar[str] = "segmentation"


class WarpStep(PairStep):
    """Bends the garment onto the person."""

    name: ClassVar[str] = "warp"


class MisalignmentStep(PairStep):
    """Finds where the warped garment does not reach."""

    name: ClassVar[str] = "misalignment"


def _produced(pair: Pair, made: PairMade) -> Produced:
    files = {kind.of(pair.id, pair.engine): encode for kind, encode in made.files.items()}
    return Produced(files, made.notices, {"engine": pair.engine})
