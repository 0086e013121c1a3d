"""A tiny but real way of a picture for tests of the runner: 8×8 photos, six steps, every unit, real files and folders."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core import images
from pipeline.core.config import StepConfig
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.inputs.collection import Collection, with_categories
from pipeline.core.inputs.outfits import Outfit, outfit_pairs
from pipeline.core.items import Background, Garment, Item, Pair, Person, Scene, Unit
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, CLOTH, FINAL, IMAGE, LANDMARKS, MATTE, OUTFIT, TRYON, Layout, Ref, settings_file
from pipeline.core.records.store import Store
from pipeline.core.records.transaction import open_records
from pipeline.core.step import Context, Produced, Stage, StepBase
from pipeline.planning.decisions import Plan, StagePlan
from pipeline.planning.plan import make_plan
from pipeline.planning.policy import RerunPolicy
from pipeline.running.options import RunOptions
from pipeline.running.runner import run_stages
from pipeline.running.summary import ItemEvent, Listener, RunSummary, StageResult


class SmallConfig(StepConfig):
    gain: int = 1


def rgb(layout: Layout, ref: Ref) -> np.ndarray:
    return images.read_photo(layout.path(ref), min_side=1).rgb


class MatteStep(StepBase):
    name, unit, version = "background", Unit.PERSON, 1

    def reads(self, item: Item) -> Sequence[Ref]:
        return (item.source,)

    def may_read(self, item: Item) -> Sequence[Ref]:
        return (settings_file(item.source),)

    def writes(self, item: Item) -> Sequence[Ref]:
        return (MATTE.of(item.id), LANDMARKS.of(item.id))

    def read(self, item: Item) -> Any:
        return item, rgb(self.layout, item.source)

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        return [self._make(item, photo) for item, photo in inputs]

    def _make(self, item: Item, photo: np.ndarray) -> Produced:
        if photo.max() == 0:
            raise InputError(f"{item.source}: nobody there", "take another photo")
        if (photo == 13).all():
            raise ZeroDivisionError("our mistake")
        grey = (photo.mean(axis=2) * self.config.gain).astype(np.uint8)
        flags = (Notice(Flag.SMALL_PERSON, "8 px"),) if photo[0, 0, 0] == 77 else ()
        files = {
            MATTE.of(item.id): lambda: images.png(grey),
            LANDMARKS.of(item.id): lambda: images.text(f'{{"size": {list(grey.shape)}}}'),
        }
        return Produced(files, flags, {"mean": f"{grey.mean():.1f}"})


class ImageStep(StepBase):
    name, unit, version = "pose", Unit.PERSON, 1
    batch_size = 3

    def reads(self, item: Item) -> Sequence[Ref]:
        return (item.source, LANDMARKS.of(item.id))

    def writes(self, item: Item) -> Sequence[Ref]:
        return (IMAGE.of(item.id),)

    def read(self, item: Item) -> Any:
        return item, rgb(self.layout, item.source)

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        if any(photo[0, 0, 0] == 66 for _, photo in inputs):
            raise InputError("one of the batch has no legs", "choose another")
        return [Produced({IMAGE.of(item.id): functools.partial(images.jpeg, photo)}) for item, photo in inputs]


class MaskStep(StepBase):
    name, unit, version = "agnostic", Unit.PERSON, 1

    def reads(self, item: Item) -> Sequence[Ref]:
        return (IMAGE.of(item.id), MATTE.of(item.id))

    def writes(self, item: Item) -> Sequence[Ref]:
        return [AGNOSTIC_MASK.of(item.id, category) for category in item.categories]

    def read(self, item: Item) -> Any:
        return item, rgb(self.layout, MATTE.of(item.id))

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        return [
            Produced(
                {ref: functools.partial(images.mask_png, matte[..., 0] > 38 * self.config.gain) for ref in self.writes(item)}
            )
            for item, matte in inputs
        ]


class ClothStep(StepBase):
    name, unit, version = "cloth", Unit.GARMENT, 1

    def reads(self, item: Item) -> Sequence[Ref]:
        return (item.source,)

    def writes(self, item: Item) -> Sequence[Ref]:
        return (CLOTH.of(item.id),)

    def read(self, item: Item) -> Any:
        return item, rgb(self.layout, item.source)

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        return [Produced({CLOTH.of(item.id): functools.partial(images.jpeg, photo)}) for item, photo in inputs]


class DressStep(StepBase):
    name, unit, version = "tryon", Unit.PAIR, 1

    def reads(self, item: Item) -> Sequence[Ref]:
        mask = AGNOSTIC_MASK.of(item.person.id, item.garment.category)
        return (IMAGE.of(item.person.id), mask, CLOTH.of(item.garment.id))

    def writes(self, item: Item) -> Sequence[Ref]:
        return (TRYON.of(item.id, item.engine),)

    def signature(self, item: Item) -> dict[str, str]:
        return {"engine": item.engine, "seed": str(self.context.seed)}

    def read(self, item: Item) -> Any:
        return item, [rgb(self.layout, ref) for ref in self.reads(item)]

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        return [
            Produced({self.writes(item)[0]: functools.partial(images.png, np.where(mask > 0, cloth, person))})
            for item, (person, mask, cloth) in inputs
        ]


class HalfwayStep(StepBase):
    """What the first pass of an outfit made becomes a person."""

    name, unit, version = "outfit", Unit.PERSON, 1

    def reads(self, item: Item) -> Sequence[Ref]:
        return (TRYON.of(item.after.id, item.after.engine), MATTE.of(item.after.person.id))

    def writes(self, item: Item) -> Sequence[Ref]:
        return (OUTFIT.of(item.id), IMAGE.of(item.id), MATTE.of(item.id))

    def read(self, item: Item) -> Any:
        return item, [rgb(self.layout, ref) for ref in self.reads(item)]

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        return [Produced(dict(zip(self.writes(item), self._encoders(*read), strict=True))) for item, read in inputs]

    def _encoders(self, dressed: np.ndarray, matte: np.ndarray) -> list[Any]:
        return [
            functools.partial(images.png, dressed),
            functools.partial(images.jpeg, dressed),
            functools.partial(images.png, np.ascontiguousarray(matte[..., 0])),
        ]


class PlaceStep(StepBase):
    name, unit, version = "compose", Unit.SCENE, 1

    def reads(self, item: Item) -> Sequence[Ref]:
        return (TRYON.of(item.pair.id, item.pair.engine), item.background.source)

    def writes(self, item: Item) -> Sequence[Ref]:
        return (FINAL.of(item.id, item.pair.engine),)

    def read(self, item: Item) -> Any:
        return item, [rgb(self.layout, ref) for ref in self.reads(item)]

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        return [
            Produced({self.writes(item)[0]: functools.partial(images.png, dressed // 2 + scenery // 2)})
            for item, (dressed, scenery) in inputs
        ]


STEPS = (MatteStep, ImageStep, MaskStep, ClothStep, DressStep, PlaceStep)
OUTFIT_STEPS = (MatteStep, ImageStep, MaskStep, ClothStep, DressStep, HalfwayStep, MaskStep, DressStep, PlaceStep)


def build(kind: type[StepBase], config: SmallConfig, context: Context) -> StepBase:
    return kind(config, context)


def paint(path: Path, seed: int, size: int = 8) -> None:
    """A small picture of random colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(images.png(np.random.default_rng(seed).integers(20, 60, (size, size, 3)).astype(np.uint8)))


@dataclass
class World:
    """Folders, items and options of a small run."""

    root: Path
    persons: list[str] = field(default_factory=lambda: ["ann", "bob", "cid"])
    garments: list[str] = field(default_factory=lambda: ["red", "blue"])
    backgrounds: list[str] = field(default_factory=lambda: ["sea", "town"])
    categories: tuple[Category, ...] = (Category.UPPER,)
    settings: dict[str, SmallConfig] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    engine: str = "preview"
    durable: bool = False
    outfits: bool = False
    """Everybody wears the first garment over the second, which is put on in a pass of its own."""

    @property
    def layout(self) -> Layout:
        return Layout(self.root / "inputs", self.root / "outputs", self.root / "weights")

    def fill(self) -> World:
        for number, (kind, name) in enumerate(self._pictures()):
            path = self.layout.inputs / kind / f"{name}.png"
            if not path.exists():
                paint(path, 100 * len(kind) + number)
        return self

    def _pictures(self) -> list[tuple[str, str]]:
        kinds = {"person": self.persons, "cloth": self.garments, "background": self.backgrounds}
        return [(kind, name) for kind, names in kinds.items() for name in names]

    def photo(self, name: str) -> Path:
        return self.layout.inputs / "person" / f"{name}.png"

    def items(self) -> dict[Unit, list[Item]]:
        people = [Person(name, f"inputs:person/{name}.png", self.categories) for name in self.persons]
        garments = [Garment(name, f"inputs:cloth/{name}.png") for name in self.garments]
        pairs = [Pair(person, garment, self.engine) for person in people for garment in garments]
        scenery = [Background(name, f"inputs:background/{name}.png") for name in self.backgrounds]
        scenes = [Scene(pair, background) for pair in pairs for background in scenery]
        return {Unit.PERSON: people, Unit.GARMENT: garments, Unit.PAIR: pairs, Unit.SCENE: scenes}

    def wardrobe(self) -> Collection:
        """Everybody in one outfit, as the inputs folder gives them."""
        items = self.items()
        upper, lower = items[Unit.GARMENT][0], replace(items[Unit.GARMENT][1], category=Category.LOWER)
        worn = [Outfit(person, (lower, upper)) for person in items[Unit.PERSON]]
        pairs = outfit_pairs(worn, lambda category: self.engine, ())
        scenery = [scene.background for scene in items[Unit.SCENE][: len(self.backgrounds)]]
        return with_categories(Collection(tuple(items[Unit.PERSON]), (upper, lower), tuple(scenery), tuple(pairs)))

    def outfit_stages(self) -> list[Stage]:
        """Both passes, and between them what makes a person of the first."""
        found, context = self.wardrobe(), Context(self.layout)
        before, between = [found.persons] * 3, [found.first_passes, found.derived, found.derived]
        items = [*before, found.garments, *between, found.pairs, tuple(found.scenes())]
        config = self.settings.get("background", SmallConfig())
        builders = [
            functools.partial(build, kind, config if kind is MatteStep else SmallConfig(), context) for kind in OUTFIT_STEPS
        ]
        return [Stage(builder(), each, builder) for builder, each in zip(builders, items, strict=True)]

    def stages(self, *names: str) -> list[Stage]:
        if self.outfits:
            return self.outfit_stages()
        items, context = self.items(), Context(self.layout)
        stages = []
        for kind in STEPS:
            if not names or kind.name in names:
                builder = functools.partial(build, kind, self.settings.get(kind.name, SmallConfig()), context)
                step = builder()
                if kind.name in self.versions:
                    step.version = self.versions[kind.name]
                stages.append(Stage(step, items[kind.unit], builder))
        return stages

    def before(self, *names: str) -> list[Stage]:
        """The stages before the first of some, which do not run."""
        order = [kind.name for kind in STEPS]
        preceding = order[: min(map(order.index, names))] if names else []
        return self.stages(*preceding) if preceding else []

    def open(self, writable: bool = True, verify: bool = False) -> Any:
        return open_records(self.layout, writable=writable, verify=verify, store=Store(self.layout, durable=self.durable))

    def run(self, *names: str, listener: Listener | None = None, verify: bool = False, **options: Any) -> RunSummary:
        with self.open(verify=verify) as records:
            return run_stages(self.stages(*names), records, RunOptions(**options), listener, None, lambda: self.before(*names))

    def plan(self, *names: str, verify: bool = False, **policy: Any) -> Plan:
        with self.open(writable=False, verify=verify) as records:
            return make_plan(self.stages(*names), records, RerunPolicy(**policy), lambda: self.before(*names))

    def lines(self, *names: str, **choice: Any) -> list[str]:
        return [line.text for line in self.plan(*names, **choice).lines()]

    def made(self, *names: str, **options: Any) -> dict[str, int]:
        """How many items each stage made in one run, stages that made none left out."""
        return {stage.stage: stage.made for stage in self.run(*names, **options).stages if stage.made}

    def snapshot(self) -> dict[str, bytes]:
        """Every file of the outputs folder except the ledger's, with its bytes."""
        files = sorted(path for path in self.layout.outputs.rglob("*") if path.is_file())
        names = [(path, path.relative_to(self.layout.outputs).as_posix()) for path in files]
        return {name: path.read_bytes() for path, name in names if not name.startswith(".ledger/")}

    def path(self, ref: Ref) -> Path:
        return self.layout.path(ref)


def spoil(world: World, name: str, value: int) -> None:
    """Paint a photo that the small steps stumble over: 0 nobody there, 13 our mistake, 66 no legs."""
    world.photo(name).write_bytes(images.png(np.full((8, 8, 3), value, np.uint8)))


def retouch(world: World, ref: str) -> bytes:
    """Edit an artefact by hand; returns its new bytes."""
    data = images.png(np.full((8, 8), 200, np.uint8))
    world.path(ref).write_bytes(data)
    return data


class Diary(Listener):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.plans: list[StagePlan] = []
        self.events: list[ItemEvent] = []
        self.results: list[StageResult] = []
        self.threads: set[int] = set()

    def note(self, text: str) -> None:
        self.notes.append(text)

    def stage_started(self, plan: StagePlan) -> None:
        self.plans.append(plan)

    def item_finished(self, event: ItemEvent) -> None:
        self.events.append(event)
        self.threads.add(threading.get_ident())

    def stage_finished(self, result: StageResult) -> None:
        self.results.append(result)
