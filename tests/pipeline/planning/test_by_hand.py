"""Artefacts edited or given by hand are respected, followed, and reported; only force overwrites them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_steps import SmallConfig, World, paint, retouch

from pipeline.core import images
from pipeline.core.flags import Flag
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, FINAL, LEDGER, MATTE
from pipeline.core.records.ledger_rows import Status
from pipeline.planning.decisions import StagePlan
from pipeline.running.summary import Listener


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path).fill()


def test_an_edited_artefact_is_respected_and_what_follows_it_is_redone(world: World) -> None:
    world.run()
    mask = AGNOSTIC_MASK.of("ann", Category.UPPER)
    edited = images.mask_png(np.zeros((8, 8), bool))
    world.path(mask).write_bytes(edited)
    assert world.made() == {"tryon": 2, "compose": 4}
    assert world.path(mask).read_bytes() == edited
    assert world.made() == {}


def test_an_edited_artefact_survives_new_settings_but_not_force(world: World) -> None:
    world.run()
    edited = retouch(world, AGNOSTIC_MASK.of("ann", Category.UPPER))
    world.settings["agnostic"] = SmallConfig(gain=2)
    summary = world.run()
    assert world.path(AGNOSTIC_MASK.of("ann", Category.UPPER)).read_bytes() == edited
    assert summary.stages[2].made == 2
    assert summary.stages[2].kept == {"ann": (AGNOSTIC_MASK.of("ann", Category.UPPER),)}
    world.run("agnostic", force=True)
    assert world.path(AGNOSTIC_MASK.of("ann", Category.UPPER)).read_bytes() != edited
    assert world.run().stages[2].kept == {}


def test_a_run_of_other_people_does_not_forget_what_was_edited(world: World) -> None:
    world.run()
    retouch(world, MATTE.of("ann"))
    world.run()
    others = World(world.root, persons=["bob"])
    others.run()
    with world.open(writable=False) as records:
        assert records.ledger.kept("background") == {MATTE.of("ann"): (MATTE.of("ann"),)}


def test_an_edited_file_stays_while_its_sister_is_redone(world: World) -> None:
    world.run()
    edited = retouch(world, MATTE.of("ann"))
    other = world.path("landmarks/ann.json").read_bytes()
    paint(world.photo("ann"), 999, size=16)
    summary = world.run()
    assert summary.stages[0].made == 1
    assert world.path(MATTE.of("ann")).read_bytes() == edited
    assert world.path("landmarks/ann.json").read_bytes() != other
    assert summary.stages[0].kept == {"ann": (MATTE.of("ann"),)}
    assert world.made() == {}


def test_a_deleted_edited_file_is_made_again(world: World) -> None:
    world.run()
    before = world.snapshot()
    retouch(world, MATTE.of("ann"))
    world.run()
    world.path(MATTE.of("ann")).unlink()
    world.run()
    assert world.snapshot() == before


def test_the_report_learns_of_edited_files_and_forgets_them(world: World) -> None:
    world.run()
    original = world.path(MATTE.of("ann")).read_bytes()
    retouch(world, MATTE.of("ann"))
    world.run()
    with world.open(writable=False) as records:
        flags = [notice.flag for notice in records.ledger.outcome(MATTE.of("ann")).all_notices]
    assert flags == [Flag.EDITED_BY_HAND]
    world.path(MATTE.of("ann")).write_bytes(original)
    world.run()
    with world.open(writable=False) as records:
        assert records.ledger.outcome(MATTE.of("ann")).all_notices == ()


def test_a_file_edited_while_the_run_is_on_is_not_overwritten(world: World) -> None:
    edited: list[bytes] = []

    class Meddler(Listener):
        def stage_started(self, plan: StagePlan) -> None:
            if plan.stage == "compose":
                edited.append(retouch_final(world))

    def retouch_final(world: World) -> bytes:
        ref = FINAL.of("ann__red__sea", "preview")
        world.path(ref).parent.mkdir(parents=True, exist_ok=True)
        return retouch(world, ref)

    summary = world.run(listener=Meddler())
    assert world.path(FINAL.of("ann__red__sea", "preview")).read_bytes() == edited[0]
    assert "ann__red__sea" in summary.stages[-1].kept


def test_a_lost_ledger_counts_as_given_by_hand(world: World) -> None:
    world.run()
    before = world.snapshot()
    (world.layout.outputs / LEDGER / "driver.sqlite").unlink()
    world.settings["background"] = SmallConfig(gain=3)
    summary = world.run()
    assert summary.made == 0
    assert world.snapshot() == before
    with world.open(writable=False) as records:
        assert {outcome.status for outcome in records.ledger.outcomes()} == {Status.KEPT}
