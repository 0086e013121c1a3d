"""Builds the stages of a run from names and settings, each with its step and its items.

`StepBuilder` is a picklable description of one step, so that worker processes can build their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.catalog import BACKENDS, ENGINES, STEPS, StageEntry, Target, resolve
from pipeline.choice import Chooser, EngineByCategory
from pipeline.core.backend import Backend
from pipeline.core.config import StepConfig, resolved
from pipeline.core.inputs.collection import Collection
from pipeline.core.items import Item, Unit
from pipeline.core.people_networks import use_weights
from pipeline.core.step import Context, Stage, Step
from pipeline.settings import BackendsConfig, RunConfig

Settings = Mapping[str, StepConfig]


@dataclass(frozen=True)
class StepBuilder:
    """How to build one step, in this process or another.

    Args:
        entry: its line of the catalogue.
        config: the step's own settings.
        context: shared by all steps of the run.
        backend: class of the chosen backend, or "".
        engines: name → settings of the engines of this run's pairs; only for the try-on step.
        weights: sha256 by weights name, for fingerprints.
    """

    entry: StageEntry
    config: StepConfig
    context: Context
    backend: Target = ""
    engines: Mapping[str, StepConfig] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)

    def __call__(self) -> Step:
        """The step; nothing heavy is loaded before its first item."""
        use_weights(self.context.layout.weights)
        kind = resolve(self.entry.target)
        step: Step
        if self.entry.backend == "engine":
            engines = {name: resolve(ENGINES[name].engine)(config, self.context) for name, config in self.engines.items()}
            step = kind(self.config, self.context, engines, self.weights)
        elif self.backend:
            step = kind(self.config, self.context, self._backend())
            step.model_files = dict(self.weights)
        else:
            step = kind(self.config, self.context)
        return step

    def _backend(self) -> Backend:
        """The backend; one that needs model files gets their folder."""
        kind = resolve(self.backend)
        backend: Backend = kind(self.context.layout.weights) if kind.card.weights else kind()
        return backend


@dataclass(frozen=True)
class Assembly:
    """Everything chosen for one run.

    Args:
        context: folders, seed, limits.
        settings: resolved, by section.
        collection: the items selected for this run.
        everything: the items of the whole inputs folder, for `clean` and the report.
        builders: the stages in order, with what they work on.
        notes: lines for the user about choices made.
    """

    context: Context
    settings: Settings
    collection: Collection
    everything: Collection
    builders: tuple[tuple[StepBuilder, tuple[Item, ...]], ...]
    notes: tuple[str, ...]


def make_builders(
    steps: Sequence[str], settings: Settings, context: Context, collection: Collection, chooser: Chooser
) -> tuple[list[tuple[StepBuilder, tuple[Item, ...]]], list[str]]:
    """The stages of the named steps, each with its items, and lines for the user about the choices."""
    builders: list[tuple[StepBuilder, tuple[Item, ...]]] = []
    notes: list[str] = []
    for name in steps:
        for entry in STEPS[name]:
            backend, lines = _backend(entry, settings, chooser)
            notes += [line for line in lines if line not in notes]
            engines = _engines(settings, collection) if entry.backend == "engine" else {}
            weights = _weights(backend, engines, chooser)
            builder = StepBuilder(entry, resolved(settings, entry.section), context, backend, engines, weights)
            builders.append((builder, items_of(resolve(entry.target).unit, collection)))
    return builders, notes


def stages_before(steps: Sequence[str], settings: Settings, context: Context, collection: Collection) -> list[Stage]:
    """The stages before the first of some steps, for what they read and write; they are never run.

    Backends do not change that, so these stages get the embedded ones, which every machine has.
    """
    order = list(STEPS)
    stages = []
    for entry in (entry for name in order[: order.index(steps[0])] for entry in STEPS[name]):
        backend = list(BACKENDS[entry.backend].values())[-1] if entry.backend in BACKENDS else ""
        engines = _engines(settings, collection) if entry.backend == "engine" else {}
        builder = StepBuilder(entry, resolved(settings, entry.section), context, backend, engines)
        step = builder()
        stages.append(Stage(step, items_of(step.unit, collection)))
    return stages


def items_of(unit: Unit, collection: Collection) -> tuple[Item, ...]:
    """The items of a unit."""
    by_unit: dict[Unit, Sequence[Item]] = {
        Unit.PERSON: collection.persons,
        Unit.GARMENT: collection.garments,
        Unit.PAIR: collection.pairs,
    }
    return tuple(by_unit[unit]) if unit in by_unit else tuple(collection.scenes())


def engine_chooser(settings: Settings, chooser: Chooser) -> EngineByCategory:
    """The engine per garment category that these settings ask for."""
    run = settings["run"]
    assert isinstance(run, RunConfig)
    chooser.check_engine_name(run.engine)
    return EngineByCategory(chooser, run.engine)


def mask_rule_of(engine: str) -> str:
    """The mask rule on an engine's card; "" = the default."""
    rule: str = resolve(ENGINES[engine].engine).card.mask_rule
    return rule


def has_seed(engine: str) -> bool:
    """Whether another seed gives another picture, from the engine's card."""
    seeded: bool = resolve(ENGINES[engine].engine).card.seeded
    return seeded


def _backend(entry: StageEntry, settings: Settings, chooser: Chooser) -> tuple[Target, tuple[str, ...]]:
    if entry.backend in {"", "engine"}:
        return "", ()
    wanted = settings["backends"]
    assert isinstance(wanted, BackendsConfig)
    choice = chooser.backend(entry.backend, getattr(wanted, entry.backend))
    return choice.target, choice.notes


def _engines(settings: Settings, collection: Collection) -> dict[str, StepConfig]:
    return {name: settings[name] for name in sorted({pair.engine for pair in collection.pairs})}


def _weights(backend: Target, engines: Mapping[str, StepConfig], chooser: Chooser) -> dict[str, str]:
    targets = [backend] if backend else [ENGINES[name].engine for name in engines]
    names = {weight for target in targets for weight in resolve(target).card.weights}
    return {name: chooser.sha_of(name) for name in sorted(names)}
