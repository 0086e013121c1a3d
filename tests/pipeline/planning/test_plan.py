"""The dry run says what would run and why, in counted lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_steps import DressStep, SmallConfig, World, paint

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.items import Background, Garment, Pair, Person, Scene, Unit
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, IMAGE, MATTE, TRYON
from pipeline.planning import reasons
from pipeline.planning.decisions import Action, Decision, StagePlan
from pipeline.planning.plan import make_plan
from pipeline.planning.reasons import Code, KnownItems, Reason, added


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path).fill()
    world.run()
    return world


def test_a_fresh_folder_was_never_run(tmp_path: Path) -> None:
    world = World(tmp_path).fill()
    assert world.lines("background", "cloth") == ["3 background: never run", "2 cloth: never run"]
    assert not world.layout.outputs.exists()


def test_nothing_to_do_has_no_lines(world: World) -> None:
    plan = world.plan()
    assert (plan.lines(), plan.to_run) == ([], 0)
    assert [(stage.total, stage.done) for stage in plan.stages] == [(3, 3), (3, 3), (3, 3), (2, 2), (6, 6), (12, 12)]


def test_a_changed_photo_is_named_and_what_follows_it_follows(world: World) -> None:
    paint(world.photo("ann"), 999)
    assert world.lines() == [
        "1 background: photo changed",
        "1 pose: upstream background will run",
        "1 agnostic: upstream pose will run",
        "2 tryon: upstream pose will run",
        "4 compose: upstream tryon will run",
    ]
    assert {line.action for line in world.plan("tryon").lines()} == set()


def test_changed_settings_are_named_one_by_one(world: World) -> None:
    world.settings["agnostic"] = SmallConfig(gain=2)
    assert world.lines("agnostic") == ["3 agnostic: settings changed: agnostic.gain"]


def test_a_new_version_of_a_step_is_named(world: World) -> None:
    world.versions["pose"] = 2
    assert world.lines("pose") == ["3 pose: step version 1 → 2"]


def test_another_seed_is_a_change_of_signature(world: World) -> None:
    stages = world.stages("tryon")
    object.__setattr__(stages[0].step.context, "seed", 7)
    with world.open(writable=False) as records:
        assert [line.text for line in make_plan(stages, records).lines()] == ["6 tryon: seed changed"]


def test_added_inputs_are_named(world: World) -> None:
    world.backgrounds.append("moon")
    world.fill()
    assert world.lines() == ["6 compose: background moon.png added"]
    world.garments.append("green")
    world.fill()
    assert world.lines("cloth", "tryon", "compose") == [
        "1 cloth: garment added",
        "3 tryon: garment green.png added",
        "9 compose: garment green.png added",
        "6 compose: background moon.png added",
    ]


def test_a_missing_output_is_named_by_its_kind(world: World) -> None:
    world.path(MATTE.of("bob")).unlink()
    assert world.lines("background") == ["1 background: output missing: matte"]


def test_an_edited_artefact_is_named_where_it_counts_and_where_it_stays(world: World) -> None:
    world.path(AGNOSTIC_MASK.of("ann", Category.UPPER)).write_bytes(images.mask_png(np.zeros((8, 8), bool)))
    plan = world.plan("agnostic", "tryon")
    assert [line.text for line in plan.lines()] == [
        "1 agnostic: given or edited by hand, respected",
        "2 tryon: agnostic-mask edited by hand",
    ]
    assert plan.stages[0].of(Action.KEPT)[0].kept == (AGNOSTIC_MASK.of("ann", Category.UPPER),)
    assert plan.to_run == 2


def test_a_regular_upstream_change_is_named_by_its_kind(world: World) -> None:
    paint(world.photo("ann"), 999)
    world.run("background", "pose")
    assert world.lines("tryon") == ["2 tryon: image changed"]


def test_several_changes_are_all_named(world: World) -> None:
    paint(world.photo("ann"), 999)
    world.settings["background"] = SmallConfig(gain=2)
    assert world.lines("background") == [
        "2 background: settings changed: background.gain",
        "1 background: settings changed: background.gain; photo changed",
    ]


def test_a_settings_file_is_named(world: World) -> None:
    world.photo("bob").with_suffix(".toml").write_text("person = 2\n")
    assert world.lines("background") == ["1 background: settings beside the picture changed"]


def test_what_cannot_run_is_said_with_the_reason(tmp_path: Path) -> None:
    world = World(tmp_path).fill()
    plan = world.plan("tryon")
    assert plan.lines()[0].action is Action.BLOCKED
    assert plan.lines()[0].code is Code.INPUT_MISSING
    assert plan.to_run == 0


def test_what_a_step_was_not_made_for_is_refused_with_the_cure_and_not_counted_as_to_run(tmp_path: Path, monkeypatch) -> None:
    def refuses(step: DressStep, item: Pair) -> InputError | None:
        return InputError(f"tryon: no {item.garment.id}", "take {red}") if item.garment.id == "blue" else None

    def read(step: DressStep, item: Pair) -> object:
        if problem := step.refuses(item):
            raise problem
        return real(step, item)

    real = DressStep.read
    monkeypatch.setattr(DressStep, "refuses", refuses)
    monkeypatch.setattr(DressStep, "read", read)
    world = World(tmp_path).fill()
    told = [
        "3 tryon: never run",
        "3 tryon: no blue → take {red}",
        "6 compose: never run",
        "6 compose: upstream tryon has no result",
    ]
    assert world.lines("background", "pose", "agnostic", "cloth", "tryon", "compose")[-4:] == told
    plan = world.plan()
    assert plan.to_run == 3 + 3 + 3 + 2 + 3 + 6
    assert [line.code for line in plan.lines() if line.action is Action.REFUSED] == [Code.REFUSED]
    failures = [(failure.message, failure.blocked) for failure in world.run().failures]
    assert failures == [("tryon: no blue", False)] * 3 + [("upstream tryon has no result", True)] * 6
    assert world.lines() == [told[1], told[3]], "found again, and nothing that could be tried again"
    world.layout.path(TRYON.of("ann__blue", "preview")).parent.mkdir(parents=True, exist_ok=True)
    paint(world.layout.path(TRYON.of("ann__blue", "preview")), 5)
    assert "1 tryon: given or edited by hand, respected" in world.lines()
    monkeypatch.undo()
    assert world.lines("tryon")[-1] == "2 tryon: failed before with the same input (--retry-failed tries again)"


def test_many_refusals_of_one_kind_keep_their_cure() -> None:
    item = World(Path()).items()[Unit.PAIR][0]
    refusals = [reasons.refused(InputError(f"tryon: no {name}", "{--engine preview}"), "tryon") for name in "abcdef"]
    plan = StagePlan("tryon", Unit.PAIR, decisions=[Decision(item, Action.REFUSED, each) for each in refusals])
    assert [line.text for line in plan.lines()] == ["6 tryon: refused for 6 causes → {--engine preview}"]


def test_what_failed_before_is_said_and_blocks_what_follows(tmp_path: Path) -> None:
    world = World(tmp_path).fill()
    world.photo("bob").write_bytes(images.png(np.zeros((8, 8, 3), np.uint8)))
    world.run()
    assert world.lines("background", "pose") == [
        "1 background: failed before with the same input (--retry-failed tries again)",
        "1 pose: upstream background has no result",
    ]
    assert world.lines("background", "pose", retry_failed=True) == [
        "1 background: failed before, tried again",
        "1 pose: photo added",
    ]


def test_a_lost_intermediate_whose_results_stand_is_made_again(world: World) -> None:
    world.path(IMAGE.of("cid")).unlink()
    assert world.lines() == [
        "1 pose: output missing: image",
        "1 agnostic: upstream pose will run",
        "2 tryon: upstream pose will run",
        "4 compose: upstream tryon will run",
    ]


def test_force_runs_everything_and_says_so(world: World) -> None:
    assert world.lines("cloth", force=True) == ["2 cloth: forced"]


def test_the_dry_run_changes_no_file(world: World) -> None:
    paint(world.photo("ann"), 999)
    before = {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file()}
    world.plan()
    assert {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file()} == before


# ---- lines --------------------------------------------------------------------------------------------------------------------


def scene(background: str) -> Scene:
    pair = Pair(Person("ann", "inputs:person/ann.png"), Garment("red", "inputs:cloth/red.png"), "preview")
    return Scene(pair, Background(background, f"inputs:background/{background}.jpg"))


def stage_plan(names: list[str]) -> StagePlan:
    known = KnownItems({"ann__red__old"})
    decisions = [Decision(scene(name), Action.RUN, added(scene(name), known)) for name in names]
    return StagePlan("compose", Unit.SCENE, len(decisions), decisions)


def test_a_few_new_backgrounds_are_named_and_many_are_counted() -> None:
    assert [line.text for line in stage_plan(["sea", "sea"]).lines()] == ["2 compose: background sea.jpg added"]
    many = stage_plan([f"place_{number}" for number in range(12)])
    assert [line.text for line in many.lines()] == ["12 compose: 12 backgrounds added"]


def test_the_first_new_part_of_a_scene_is_the_reason() -> None:
    assert added(scene("sea"), KnownItems(set())) == Reason(Code.NEVER, "never run")
    assert added(scene("sea"), KnownItems({"bob__red__sea"})).text == "photo added"
    assert added(scene("sea"), KnownItems({"ann__blue__sea"})).text == "garment red.png added"
    assert added(scene("sea"), KnownItems({"ann__blue__sea", "ann__red__town"})).text == "scene added"
