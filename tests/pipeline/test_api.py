"""What programs get from `pipeline.api` besides what the runner's own tests show."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from workspaces import save, tee

from pipeline.api import Request, prepare, run
from pipeline.assembly import unheard_note
from pipeline.core.items import Garment, Pair, Person
from pipeline.core.labels import Category
from pipeline.core.layout import LEDGER
from pipeline.core.records.transaction import open_records
from pipeline.settings import sections_with


def test_each_run_is_noted_with_its_settings(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    request = Request(steps="cloth,1", inputs=tmp_path / "inputs", outputs=tmp_path / "outputs", overrides=("run.seed=3",))  # type: ignore[arg-type]
    assert run(request).made == 0
    with sqlite3.connect(tmp_path / "outputs" / LEDGER / "driver.sqlite") as connection:
        [(command, settings)] = connection.execute("SELECT command, settings FROM runs").fetchall()
    assert command == "background cloth"
    assert json.loads(settings)["run"]["seed"] == 3 and "cloth" in json.loads(settings)


def test_the_estimate_of_a_plan_is_that_of_the_chosen_backends_and_engines(tmp_path: Path) -> None:
    save(tmp_path / "inputs/person/ann.png", np.full((640, 480, 3), 128, np.uint8))
    save(tmp_path / "inputs/cloth/upper/tee.jpg", tee())
    prepared = prepare(Request(inputs=tmp_path / "inputs", outputs=tmp_path / "outputs"))
    steps = {stage.name: stage.step for stage in prepared.stages}
    assert steps["background"].seconds == steps["background"].backend.card.seconds
    assert steps["tryon"].seconds == steps["tryon"].engines["preview"].card.seconds
    with open_records(prepared.request.layout, writable=False) as records:
        plan = prepared.plan(records)
    expected = sum(stage.to_run * steps[stage.stage].seconds for stage in plan.stages)
    assert prepared.estimate(plan).seconds == expected > 1


@pytest.mark.parametrize(("overrides", "said"), [(("dci_vton.steps=9",), True), (("preview.sleeves=auto",), False), ((), False)])
def test_a_setting_of_an_engine_that_dresses_nobody_is_said(overrides, said):
    pair = Pair(Person("ann", "inputs:person/ann.jpg"), Garment("tee", "inputs:cloth/tee.jpg", Category.UPPER), "preview")
    note = unheard_note(overrides, SimpleNamespace(first_passes=(), pairs=(pair,)))
    assert note == "--set dci_vton.…: no pair is dressed by dci_vton; each engine has settings of its own: preview" * said


@pytest.mark.parametrize(
    ("engine", "more", "said"),
    [
        ("ootdiffusion_hd", (), ""),
        ("preview", (), "save_attention: no pair is dressed by an engine that has it; used: preview"),
        ("ootdiffusion_hd", ("ootdiffusion_dc.steps=2",), "--set ootdiffusion_dc.…: no pair is dressed by ootdiffusion_dc"),
        ("stableviton", ("run.seed=2",), ""),
    ],
)
def test_an_option_that_sets_every_engine_is_no_setting_of_one_that_dresses_nobody(engine, more, said):
    pair = Pair(Person("ann", "inputs:person/ann.jpg"), Garment("tee", "inputs:cloth/tee.jpg", Category.UPPER), engine)
    everywhere = [f"{section}.save_attention=true" for section in sections_with("save_attention")]
    note = unheard_note([*everywhere, *more], SimpleNamespace(first_passes=(), pairs=(pair,)))
    assert note.startswith(said) and bool(note) is bool(said)


def test_an_option_that_sets_every_engine_is_not_mistaken_for_some_of_them_set_by_hand():
    pair = Pair(Person("ann", "inputs:person/ann.jpg"), Garment("tee", "inputs:cloth/tee.jpg", Category.UPPER), "ootdiffusion_hd")
    note = unheard_note(["ootdiffusion_dc.save_attention=true"], SimpleNamespace(first_passes=(), pairs=(pair,)))
    assert note.startswith("--set ootdiffusion_dc.…: no pair is dressed by ootdiffusion_dc")
