"""The engine behind its protocol: settings, what it reads, batches, its place on the commercial path."""

from __future__ import annotations

import logging
from pathlib import Path

import mannequin
import numpy as np
import pytest
from pydantic import ValidationError
from tiny_engines import tiny_engine

from pipeline.catalog import ENGINES
from pipeline.choice import Chooser
from pipeline.core.engine import TryOnItem
from pipeline.core.errors import UsageError
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, PARSE, Layout
from pipeline.core.machine.device import CPU
from pipeline.core.step import Context
from pipeline.core.weights.licence import refuse_non_commercial
from tryon.batching import Limits
from tryon.engines.fashn.config import FashnConfig, sampling_config
from tryon.engines.fashn.engine import FashnVtonEngine
from tryon.engines.fashn.presets import PRESETS
from tryon.engines.fashn.runtime import Runtime


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(outputs=tmp_path)


@pytest.fixture
def engine(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> FashnVtonEngine:
    made = tiny_engine("fashn", Context(layout, device="cpu"), monkeypatch)
    assert isinstance(made, FashnVtonEngine)
    return made


def item(engine: FashnVtonEngine, layout: Layout, category: Category = Category.UPPER, seed: int = 0) -> TryOnItem:
    garment = {Category.UPPER: "tee", Category.LOWER: "trousers", Category.DRESS: "dress"}[category]
    person, cloth = mannequin.person_inputs(layout, category), mannequin.garment_inputs(layout, garment)
    return TryOnItem(engine.encode(person), engine.encode(cloth), seed)


def test_it_is_asked_before_every_other_engine_and_dresses_everything():
    assert next(iter(ENGINES)) == "fashn"
    assert FashnVtonEngine.card.categories == frozenset(Category)


def test_its_weights_are_for_business_use():
    for row in FashnVtonEngine.card.weights:
        refuse_non_commercial(row)


@pytest.mark.parametrize("category", Category)
def test_auto_takes_it_for_business_use_in_every_category(category: Category, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(Chooser, "_status_of", lambda self, name: ())
    assert Chooser(tmp_path, commercial_only=True).engine(category).card.name == "fashn"


def test_without_a_mask_it_opens_neither_parse_map_nor_mask(engine, layout):
    """So no parser, whatever its licence, has a say in the picture."""
    person = mannequin.person_inputs(layout, Category.UPPER)
    layout.path(AGNOSTIC_MASK.of(person.person.id, Category.UPPER)).unlink()
    layout.path(PARSE.of(person.person.id)).unlink()
    engine.load("cpu")
    engine.encode(person)


def test_masked_it_reads_the_parse_map_and_says_so_on_its_card(layout, monkeypatch):
    engine = FashnVtonEngine(FashnConfig(segmentation_free=False), Context(layout))
    assert PARSE in engine.card.person
    assert PARSE not in FashnVtonEngine.card.person


def test_masked_the_worn_garment_is_hidden_from_the_network(engine, layout):
    engine.load("cpu")
    free = engine._ready()
    masked = Runtime(free.network, sampling_config(FashnConfig(segmentation_free=False)), Limits(CPU))
    inputs = mannequin.person_inputs(layout, Category.UPPER)
    whole, hidden = free.encode_person(inputs).shown, masked.encode_person(inputs).shown
    assert (hidden.picture == 127).all(axis=2).mean() > 0.1
    assert (whole.picture == 127).all(axis=2).mean() < 0.01
    assert np.array_equal(whole.pose, hidden.pose)


def test_of_a_worn_garments_picture_only_the_garment_is_shown(engine, layout):
    engine.load("cpu")
    runtime = Runtime(engine._ready().network, sampling_config(FashnConfig(garment_photo="worn")), Limits(CPU))
    inputs = mannequin.garment_inputs(layout, "tee")
    flat, worn = engine._ready().encode_garment(inputs), runtime.encode_garment(inputs)
    assert (worn.picture == 127).all(axis=2).mean() > (flat.picture == 127).all(axis=2).mean() + 0.1


def test_another_seed_and_another_category_give_other_pictures(engine, layout):
    engine.load("cpu")
    first, second = (engine.generate([item(engine, layout, seed=seed)])[0].picture for seed in (1, 2))
    dress = engine.generate([item(engine, layout, Category.DRESS, seed=1)])[0].picture
    assert (first != second).any()
    assert (first != dress).any()


def test_the_missing_face_of_other_key_points_is_said_once(engine, layout, caplog):
    engine.load("cpu")
    with caplog.at_level(logging.INFO, "lookbook"):
        item(engine, layout)
        item(engine, layout, Category.DRESS)
    assert sum("--backend pose=dwpose" in record.message for record in caplog.records) == 1


def test_it_does_not_work_before_its_weights_are_loaded(engine):
    with pytest.raises(UsageError, match="before its weights were loaded"):
        engine.generate([])


def test_settings_override_their_preset_and_nothing_else():
    config = sampling_config(FashnConfig(preset="fast", guidance_scale=2.0))
    assert (config.steps, config.guidance_scale, config.unguided_steps) == (20, 2.0, PRESETS["fast"].unguided_steps)
    with pytest.raises(ValidationError):
        FashnConfig(steps=1)
    with pytest.raises(ValidationError):
        FashnConfig(dtype="fp16")
