"""What every engine that runs without weights must keep; a new one joins by one line in `ENGINES`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mannequin
import numpy as np
import pytest

from pipeline.core.engine import EngineConfig, TryOnEngine, TryOnItem
from pipeline.core.items import Pair
from pipeline.core.labels import Category
from pipeline.core.layout import Folder, Layout, PerCategory
from pipeline.core.step import Context
from tryon.engines.preview.engine import PreviewEngine
from tryon.step import TryOnConfig, TryOnStep

ENGINES: dict[str, Callable[[], TryOnEngine]] = {"preview": PreviewEngine}
GARMENT_FOR = {Category.UPPER: "tee", Category.LOWER: "trousers", Category.DRESS: "dress"}


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> TryOnEngine:
    return ENGINES[request.param]()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(outputs=tmp_path)


def items(engine: TryOnEngine, layout: Layout) -> list[TryOnItem]:
    """One item per category the engine dresses."""
    return [
        TryOnItem(
            engine.encode(mannequin.person_inputs(layout, category)),
            engine.encode(mannequin.garment_inputs(layout, GARMENT_FOR[category])),
            seed=number,
        )
        for number, category in enumerate(sorted(engine.card.categories))
    ]


def test_the_card_says_who_it_is_and_what_it_reads(engine: TryOnEngine):
    card = engine.card
    assert card.name in ENGINES
    assert card.version >= 1
    assert card.categories
    assert card.person
    assert all(isinstance(kind, Folder | PerCategory) for kind in (*card.person, *card.garment))
    assert engine.batch_size >= 1


def test_settings_are_frozen_and_can_be_recorded(engine: TryOnEngine):
    assert isinstance(engine.config, EngineConfig)
    assert engine.config.model_dump(mode="json")


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
    for path in layout.outputs.rglob("*"):
        if path.is_file() and path.relative_to(layout.outputs).as_posix() not in named:
            path.unlink()
    engine.load("cpu")
    (dressed,) = engine.generate([TryOnItem(engine.encode(person), engine.encode(garment), 0)])
    assert dressed.picture.std() > 5


def test_the_step_runs_it_and_gives_the_same_bytes_twice(engine: TryOnEngine, layout: Layout):
    name = engine.card.name
    person = mannequin.write_person(layout)
    files = []
    for _ in range(2):
        step = TryOnStep(TryOnConfig(), Context(layout, device="cpu"), {name: ENGINES[name]()})
        pairs = [
            Pair(person, mannequin.write_garment(layout, GARMENT_FOR[category]), name)
            for category in sorted(engine.card.categories)
        ]
        produced = [made for pair in pairs for made in step.run([step.read(pair)])]
        files.append([encode() for made in produced for encode in made.files.values()])
    assert files[0] == files[1]
