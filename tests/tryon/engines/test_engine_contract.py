"""What every engine of the catalogue must keep. `tiny_engines.py` gives each of them tiny weights."""

from __future__ import annotations

import inspect
import io
import json
from collections.abc import Mapping
from pathlib import Path

import mannequin
import numpy as np
import pytest
from PIL import Image
from tiny_engines import tiny_engine, tiny_stages

from pipeline.catalog import ENGINES, resolve
from pipeline.core.engine import DressedPerson, EngineConfig, PairInputs, TryOnEngine, TryOnItem
from pipeline.core.items import Pair
from pipeline.core.labels import Category
from pipeline.core.layout import PER_PAIR, Folder, Layout, PerCategory, PerEngine, Ref
from pipeline.core.pair_stage import PairStage
from pipeline.core.step import Context
from tryon.step import TryOnConfig, TryOnStep

GARMENT_FOR = {Category.UPPER: "tee", Category.LOWER: "trousers", Category.DRESS: "dress"}


@pytest.fixture(params=list(ENGINES))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(outputs=tmp_path)


@pytest.fixture
def engine(name: str, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> TryOnEngine:
    return tiny_engine(name, Context(layout, device="cpu"), monkeypatch)


MADE: dict[str, dict[str, dict[Ref, bytes]]] = {}
"""By engine and stage, what `stage_results` gave: once is enough."""


@pytest.fixture(autouse=True)
def made_before(name: str, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[Ref, bytes]]:
    """What the engine's stages make of the mannequin in each garment, written where the engine looks for it: by stage."""
    if name not in MADE:
        MADE[name] = stage_results(name, layout, monkeypatch)
    for files in MADE[name].values():
        write(layout, files)
    return MADE[name]


def write(layout: Layout, files: Mapping[Ref, bytes]) -> None:
    for ref, content in files.items():
        layout.path(ref).parent.mkdir(parents=True, exist_ok=True)
        layout.path(ref).write_bytes(content)


def stage_results(name: str, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[Ref, bytes]]:
    """Run the stages in their order, for every category that they were made for."""
    found: dict[str, dict[Ref, bytes]] = {}
    for stage_name, stage in tiny_stages(name, Context(layout, device="cpu"), monkeypatch).items():
        found[stage_name] = {}
        stage.load("cpu")
        for category in sorted(stage.card.categories & set(GARMENT_FOR)):
            person, garment = mannequin.person_inputs(layout, category), mannequin.garment_inputs(layout, GARMENT_FOR[category])
            pair = Pair(person.person, garment.garment, name)
            item = TryOnItem(stage.encode(person), stage.encode(garment), 0, PairInputs(pair, layout))
            (made,) = stage.make([item])
            found[stage_name] |= {kind.of(pair.id, name): encode() for kind, encode in made.files.items()}
        write(layout, found[stage_name])
    return found


def items(engine: TryOnEngine, layout: Layout) -> list[TryOnItem]:
    """One item per category the engine dresses."""
    return [item_of(engine, layout, category, number) for number, category in enumerate(sorted(engine.card.categories))]


def item_of(engine: TryOnEngine, layout: Layout, category: Category, seed: int) -> TryOnItem:
    person, garment = mannequin.person_inputs(layout, category), mannequin.garment_inputs(layout, GARMENT_FOR[category])
    pair = Pair(person.person, garment.garment, engine.card.name)
    return TryOnItem(engine.encode(person), engine.encode(garment), seed, PairInputs(pair, layout))


def operations(kind: type) -> set[str]:
    """Public methods and properties of a class."""
    return {name for name, member in inspect.getmembers_static(kind) if not name.startswith("_") and is_operation(member)}


def is_operation(member: object) -> bool:
    return callable(member) or hasattr(member, "__get__")


def test_an_engine_without_tiny_weights_is_told_what_it_lacks(layout: Layout, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(AssertionError, match=r"'newcomer' is not under the contract: .* tests/support/tiny_engines\.py"):
        tiny_engine("newcomer", Context(layout), monkeypatch)


def test_it_is_what_its_row_of_the_catalogue_says(name: str, engine: TryOnEngine):
    assert engine.card.name == name
    assert type(engine) is resolve(ENGINES[name].engine)
    assert type(engine.config) is resolve(ENGINES[name].config)


def test_it_has_every_member_of_the_protocol(engine: TryOnEngine):
    assert isinstance(engine, TryOnEngine)


def test_it_offers_no_operation_that_nobody_asks_for(engine: TryOnEngine):
    """So a misspelt `describe`, which the base class would silently stand in for, is noticed."""
    assert operations(type(engine)) <= operations(TryOnEngine)
    assert operations(type(engine.config)) <= operations(EngineConfig)


def test_the_card_says_who_it_is_and_what_it_reads(engine: TryOnEngine):
    card = engine.card
    assert card.version >= 1
    assert card.categories
    assert card.person
    assert all(isinstance(kind, Folder | PerCategory) for kind in (*card.person, *card.garment))
    assert set(card.pair) <= set(PER_PAIR.values())
    assert engine.batch_size >= 1


def test_settings_are_frozen_and_can_be_recorded(engine: TryOnEngine):
    assert isinstance(engine.config, EngineConfig)
    assert engine.config.model_dump(mode="json")


def test_each_result_carries_the_pictures_that_the_settings_ask_for(engine: TryOnEngine, layout: Layout):
    engine.load("cpu")
    for dressed in engine.generate(items(engine, layout)):
        assert isinstance(dressed, DressedPerson)
        assert set(dressed.extra) == set(engine.config.extras())
        assert all(picture.dtype == np.uint8 and picture.ndim == 3 for picture in dressed.extra.values())


def test_its_way_of_sampling_fits_a_recipe(engine: TryOnEngine):
    engine.load("cpu")
    described = dict(engine.describe())
    assert json.loads(json.dumps(described)) == described


def test_results_have_the_persons_shape_and_come_in_order(engine: TryOnEngine, layout: Layout):
    engine.load("cpu")
    made = items(engine, layout)
    together = [each.picture for each in engine.generate(made)]
    alone = [engine.generate([item])[0].picture for item in made]
    assert [picture.shape for picture in together] == [(mannequin.HEIGHT, mannequin.WIDTH, 3)] * len(made)
    assert all(picture.dtype == np.uint8 for picture in together)
    for one, other in zip(together, alone, strict=True):
        assert np.abs(one.astype(int) - other.astype(int)).max() <= 1


def test_it_reads_nothing_its_card_does_not_name(engine: TryOnEngine, layout: Layout):
    """Files the card leaves out are deleted first: a hidden dependency would not redo pictures when it changes."""
    category = sorted(engine.card.categories)[0]
    person, garment = mannequin.person_inputs(layout, category), mannequin.garment_inputs(layout, GARMENT_FOR[category])
    named = {kind.of("ann", category) if isinstance(kind, PerCategory) else kind.of("ann") for kind in engine.card.person}
    named |= {kind.of(garment.garment.id) for kind in engine.card.garment}
    pair = Pair(person.person, garment.garment, engine.card.name)
    named |= {kind.of(pair.id, pair.engine) for kind in engine.card.pair}
    for path in layout.outputs.rglob("*"):
        if path.is_file() and path.relative_to(layout.outputs).as_posix() not in named:
            path.unlink()
    engine.load("cpu")
    (dressed,) = engine.generate([TryOnItem(engine.encode(person), engine.encode(garment), 0, PairInputs(pair, layout))])
    assert dressed.picture.std() > 5


def test_the_step_runs_it_and_gives_the_same_bytes_twice(name: str, layout: Layout, monkeypatch: pytest.MonkeyPatch):
    person, context = mannequin.write_person(layout), Context(layout, device="cpu")
    files = []
    for _ in range(2):
        engine = tiny_engine(name, context, monkeypatch)
        step = TryOnStep(TryOnConfig(), context, {name: engine})
        pairs = [
            Pair(person, mannequin.write_garment(layout, GARMENT_FOR[category]), name)
            for category in sorted(engine.card.categories)
        ]
        produced = [made for pair in pairs for made in step.run([step.read(pair)])]
        assert [set(made.files) for made in produced] == [set(step.writes(pair)) for pair in pairs]
        files.append([encode() for made in produced for encode in made.files.values()])
    assert files[0] == files[1]


def test_its_stages_make_what_their_cards_say_on_the_persons_canvas(
    name: str, layout: Layout, made_before: dict[str, dict[Ref, bytes]], monkeypatch: pytest.MonkeyPatch
):
    known: set[PerEngine] = set()
    for stage_name, stage in tiny_stages(name, Context(layout), monkeypatch).items():
        card = stage.card
        assert isinstance(stage, PairStage) and type(stage) is resolve(ENGINES[name].stages[stage_name])
        pairs = [f"ann__{GARMENT_FOR[category]}" for category in card.categories]
        assert set(made_before[stage_name]) == {kind.of(pair, name) for kind in card.makes for pair in pairs}
        assert set(card.pair) <= known and set(card.makes) <= set(PER_PAIR.values())
        assert set(card.weights) <= set(resolve(ENGINES[name].engine).card.weights), "asked for before the run"
        sizes = {Image.open(io.BytesIO(content)).size for content in made_before[stage_name].values()}
        assert sizes == {(mannequin.WIDTH, mannequin.HEIGHT)}
        known |= set(card.makes)
    assert set(resolve(ENGINES[name].engine).card.pair) <= known
