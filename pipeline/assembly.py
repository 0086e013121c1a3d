"""Builds the stages of a run from names and settings, each with its step and its items.

`StepBuilder` is a picklable description of one step, so that worker processes can build their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.catalog import BACKENDS, ENGINES, HAND_REPAIR, HAND_REPAIR_CARD, OUTFIT, STEPS, StageEntry, Target, resolve
from pipeline.choice import Chooser, EngineByCategory
from pipeline.core.backend import Backend
from pipeline.core.card import Card
from pipeline.core.config import StepConfig, resolved
from pipeline.core.inputs.collection import Collection
from pipeline.core.items import Item, Pair, Unit
from pipeline.core.people_networks import use_weights
from pipeline.core.step import Context, Stage, Step
from pipeline.core.weights.access import pull_command
from pipeline.settings import BackendsConfig, RunConfig, sections_with

Settings = Mapping[str, StepConfig]
Part = tuple[StageEntry, tuple[Item, ...], str]
"""A line of the catalogue, its items, and what it is about."""


@dataclass(frozen=True)
class StepBuilder:
    """How to build one step, in this process or another.

    Args:
        entry: its line of the catalogue.
        config: the step's own settings.
        context: shared by all steps of the run.
        backend: class of the chosen backend, or "".
        engines: name → settings of the engines of this run's pairs, of a stage of engines those that have it; only for `tryon`.
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
            targets = engine_targets(self.entry, self.engines)
            engines = {name: resolve(target)(self.engines[name], self.context) for name, target in targets.items()}
            step = kind(self.config, self.context, engines, self.weights)
        elif self.backend:
            step = kind(self.config, self.context, self._backend())
            step.model_files = dict(self.weights)
        else:
            step = kind(self.config, self.context)
            step.model_files = dict(self.weights)
        return step

    def _backend(self) -> Backend:
        """The backend; one that needs model files gets their folder."""
        kind = resolve(self.backend)
        backend: Backend = kind(self.context.layout.weights) if kind.card.weights else kind()
        return backend


@dataclass(frozen=True)
class StagePart:
    """A part of a step in a run.

    Args:
        builder: of the step.
        items: what it works on.
        about: which part, where a step has several of one kind; "" = all of it.
    """

    builder: StepBuilder
    items: tuple[Item, ...]
    about: str = ""


@dataclass(frozen=True)
class Assembly:
    """Everything chosen for one run.

    Args:
        context: folders, seed, limits.
        settings: resolved, by section.
        collection: the items selected for this run.
        everything: the items of the whole inputs folder, for `clean` and the report.
        parts: the stages in order, with what they work on.
        notes: lines for the user about choices made.
    """

    context: Context
    settings: Settings
    collection: Collection
    everything: Collection
    parts: tuple[StagePart, ...]
    notes: tuple[str, ...]


def make_parts(
    steps: Sequence[str], settings: Settings, context: Context, collection: Collection, chooser: Chooser
) -> tuple[list[StagePart], list[str]]:
    """The stages of the named steps, each with its items, and lines for the user about the choices."""
    parts: list[StagePart] = []
    notes: list[str] = []
    for name in steps:
        for entry, items, about in switched_on(entries_of(name, collection), context):
            backend, lines = _backend(entry, settings, chooser)
            notes += [line for line in lines if line not in notes]
            engines = _engines(settings, collection) if entry.backend == "engine" else {}
            weights = _weights([backend] if backend else engine_targets(entry, engines).values(), chooser)
            if entry is HAND_REPAIR:
                weights = {name: chooser.sha_of(name) for name in sorted(repair_card(settings).weights)}
            builder = StepBuilder(entry, resolved(settings, entry.section), context, backend, engines, weights)
            parts.append(StagePart(builder, items, about))
    return parts, notes


def make_stages(parts: Iterable[StagePart]) -> Iterator[Stage]:
    """The stages of a run; two that are built alike share one step, so that an engine is loaded once for both passes."""
    built: list[tuple[StepBuilder, Step]] = []
    for part in parts:
        step = next((step for same, step in built if same == part.builder), None) or part.builder()
        built.append((part.builder, step))
        yield Stage(step, part.items, part.builder, part.about)


def stages_before(steps: Sequence[str], settings: Settings, context: Context, collection: Collection) -> list[Stage]:
    """The stages before the first of some steps, for what they read and write; they are never run.

    Backends do not change that, so these stages get the embedded ones, which every machine has.
    """
    order = list(STEPS)
    stages = []
    before = (each for name in order[: order.index(steps[0])] for each in entries_of(name, collection))
    for entry, items, about in switched_on(before, context):
        backend = list(BACKENDS[entry.backend].values())[-1] if entry.backend in BACKENDS else ""
        engines = _engines(settings, collection) if entry.backend == "engine" else {}
        builder = StepBuilder(entry, resolved(settings, entry.section), context, backend, engines)
        stages.append(Stage(builder(), items, about=about))
    return stages


def entries_of(name: str, collection: Collection) -> Iterator[Part]:
    """The parts of a step, each with its items and what it is about; outfits have their first pass, and what follows from it."""
    first = {pair.id for pair in collection.first_passes}
    if name == "tryon" and first:
        yield from _dressing(collection.first_passes, "first pass")
        for entry in (OUTFIT, *STEPS["parsing"]):
            yield entry, collection.derived, "second pass"
        yield from _dressing(tuple(pair for pair in collection.pairs if pair.id not in first), "")
    elif name == "tryon":
        yield from _dressing(collection.pairs, "")
    else:
        for entry in STEPS[name]:
            yield entry, items_of(resolve(entry.target).unit, collection), ""


def switched_on(entries: Iterable[Part], context: Context) -> Iterator[Part]:
    """Those that are always on, or turned on in this run."""
    return (each for each in entries if not each[0].switch or getattr(context, each[0].switch))


def repair_card(settings: Settings) -> Card:
    """What the hand repair needs with these settings."""
    card: Card = resolve(HAND_REPAIR_CARD)(settings[HAND_REPAIR.section])
    return card


def repairs_hands(settings: Settings) -> bool:
    """Whether the settings ask for the hand repair."""
    return bool(getattr(settings[HAND_REPAIR.section], "on", False))


def repair_note(settings: Settings, chooser: Chooser) -> str:
    """Why hands are not repaired although the settings ask for it; "" when they can be, or nobody asks."""
    if not repairs_hands(settings):
        return ""
    card = repair_card(settings)
    lack = chooser.lacks(card)
    cures = {
        "no weights": pull_command(card.weights, chooser.weights),
        "not allowed": "the licences of its models want a decision: leave out --commercial-only, or see python run.py weights",
    }
    return f"hand repair skipped ({lack}): {cures.get(lack, card.install)}" if lack else ""


def _dressing(pairs: Sequence[Pair], about: str) -> Iterator[Part]:
    """The parts of `tryon` for some pairs; those of engines only where some pair's engine has them."""
    for entry in STEPS["tryon"]:
        having = {name for name, engine in ENGINES.items() if not entry.of_engines or entry.of_engines in engine.stages}
        own = tuple(pair for pair in pairs if pair.engine in having)
        if own or not entry.of_engines:
            yield entry, own, about


def engine_targets(entry: StageEntry, engines: Iterable[str]) -> dict[str, Target]:
    """Engine → what works for it in a part of `tryon`: itself, or its stage; engines without the stage are left out."""
    if not entry.of_engines:
        return {name: ENGINES[name].engine for name in engines}
    return {name: target for name in engines if (target := ENGINES[name].stages.get(entry.of_engines))}


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


def keep_note(settings: Settings, collection: Collection) -> str:
    """A line about engines that a kept part of the mask does not reach, because they use none; "" when there are none."""
    kept = getattr(settings["agnostic"], "keep", ())
    engines = sorted(_engines(settings, collection))
    blind = [name for name in engines if not resolve(ENGINES[name].engine).card.reads_mask]
    if not kept or not blind:
        return ""
    lost = f"agnostic.keep ({', '.join(kept)}) does not reach {' and '.join(blind)}, which uses no mask"
    return f"{lost}: set restore.keep, which keeps hair, face, arms, hands or accessories of the photo"


def unheard_note(overrides: Iterable[str], collection: Collection) -> str:
    """A line about a `--set` for an engine that dresses nobody in this run, a sister above all; "" when there is none.

    What is set for every engine that has it came by an option for all (`--save-attention`), and is missed only where none of
    these dresses.
    """
    used = sorted({pair.engine for pair in (*collection.first_passes, *collection.pairs)})
    having: dict[str, set[str]] = {}
    for section, _, setting in (each.partition(".") for each in overrides):
        having.setdefault(setting, set()).add(section)
    for_all = {setting: own for setting, own in having.items() if len(own) > 1 and own == set(sections_with(_key(setting)))}
    if used and (lost := [_key(setting) for setting, own in for_all.items() if own <= set(ENGINES) and not own & set(used)]):
        return f"{lost[0]}: no pair is dressed by an engine that has it; used: {', '.join(used)}"
    sections = {section for setting, own in having.items() if setting not in for_all for section in own}
    unheard = sorted(section for section in sections if section in ENGINES and section not in used)
    if not unheard or not used:
        return ""
    return f"--set {unheard[0]}.…: no pair is dressed by {unheard[0]}; each engine has settings of its own: {', '.join(used)}"


def _backend(entry: StageEntry, settings: Settings, chooser: Chooser) -> tuple[Target, tuple[str, ...]]:
    if entry.backend in {"", "engine"}:
        return "", ()
    wanted = settings["backends"]
    assert isinstance(wanted, BackendsConfig)
    choice = chooser.backend(entry.backend, getattr(wanted, entry.backend))
    return choice.target, choice.notes


def _engines(settings: Settings, collection: Collection) -> dict[str, StepConfig]:
    engines = {pair.engine for pair in (*collection.first_passes, *collection.pairs)}
    return {name: settings[name] for name in sorted(engines)}


def _weights(targets: Iterable[Target], chooser: Chooser) -> dict[str, str]:
    names = {weight for target in targets for weight in resolve(target).card.weights}
    return {name: chooser.sha_of(name) for name in sorted(names)}


def _key(setting: str) -> str:
    return setting.partition("=")[0]
