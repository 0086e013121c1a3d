"""The runner makes what is needed, once, and one bad item fails alone."""

from __future__ import annotations

import functools
import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from small_steps import Diary, MatteStep, SmallConfig, World, paint, retouch, spoil

from pipeline.core.console import LOG
from pipeline.core.errors import ExitCode, MissingPackageError, UsageError
from pipeline.core.flags import Flag
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, IMAGE, LEDGER, MATTE, TRYON
from pipeline.core.step import Stage
from pipeline.planning.plan import make_plan
from pipeline.running.options import RunOptions
from pipeline.running.runner import run_stages
from pipeline.running.summary import ItemEvent

ALL = {"background": 3, "pose": 3, "agnostic": 3, "cloth": 2, "tryon": 6, "compose": 12}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path).fill()


def test_a_first_run_makes_everything_and_a_second_nothing(world: World) -> None:
    assert world.made() == ALL
    before = world.snapshot()
    assert world.made() == {}
    assert world.snapshot() == before
    assert len(before) == 3 + 3 + 3 + 3 + 2 + 6 + 12


def test_the_same_inputs_give_the_same_bytes_in_another_place_and_with_workers(world: World, tmp_path: Path) -> None:
    world.run()
    elsewhere = World(tmp_path / "somewhere else").fill()
    elsewhere.run(workers=2)
    assert elsewhere.snapshot() == world.snapshot()


def test_a_new_photo_costs_its_own_items_only(world: World) -> None:
    world.run()
    world.persons.append("dan")
    assert world.fill().made() == {"background": 1, "pose": 1, "agnostic": 1, "tryon": 2, "compose": 4}


def test_a_new_background_costs_only_compose(world: World) -> None:
    world.run()
    world.backgrounds.append("moon")
    assert world.fill().made() == {"compose": 6}


def test_a_changed_photo_redoes_what_depends_on_it(world: World) -> None:
    world.run()
    paint(world.photo("ann"), 999)
    assert world.made()["background"] == 1
    fresh = World(world.root / "fresh")
    fresh.layout.inputs.mkdir(parents=True)
    for path in world.layout.inputs.rglob("*.png"):
        target = fresh.layout.inputs / path.relative_to(world.layout.inputs)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    fresh.run()
    assert fresh.snapshot() == world.snapshot()


def test_a_touched_but_equal_photo_redoes_nothing(world: World) -> None:
    world.run()
    world.photo("ann").write_bytes(world.photo("ann").read_bytes())
    assert world.made() == {}


def test_an_upstream_change_that_gives_the_same_bytes_stops_there(world: World) -> None:
    world.run()
    world.versions["agnostic"] = 2
    assert world.made() == {"agnostic": 3}


def test_unchanged_bytes_are_not_written_again(world: World) -> None:
    world.run()
    path = world.path(IMAGE.of("ann"))
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert world.made("pose", force=True) == {"pose": 3}
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_going_back_to_old_settings_redoes_the_step(world: World) -> None:
    world.run()
    first = world.snapshot()
    world.settings["background"] = SmallConfig(gain=3)
    world.run()
    assert world.snapshot()[MATTE.of("ann")] != first[MATTE.of("ann")]
    world.settings.clear()
    assert world.made()["background"] == 3
    assert world.snapshot() == first


def test_switching_engines_and_back_keeps_both_trees_apart(world: World) -> None:
    world.run()
    world.engine = "other"
    assert world.made() == {"tryon": 6, "compose": 12}
    world.engine = "preview"
    assert world.made() == {}
    world.engine = "other"
    assert world.made() == {}


def test_a_new_category_adds_a_mask_and_a_dropped_one_redoes_nothing(world: World) -> None:
    world.run()
    world.categories = (Category.UPPER, Category.LOWER)
    assert world.made() == {"agnostic": 3}
    assert world.path(AGNOSTIC_MASK.of("ann", Category.LOWER)).exists()
    world.categories = (Category.LOWER,)
    assert world.made() == {}


def test_a_settings_file_that_appears_redoes_the_item(world: World) -> None:
    world.run()
    world.photo("bob").with_suffix(".toml").write_text("person = 2\n")
    assert world.made() == {"background": 1}


@pytest.mark.parametrize("change", ["none", "changed photo", "edited mask", "bad photo", "new background"])
def test_a_run_with_a_plan_does_what_a_run_without_one_does(tmp_path: Path, change: str) -> None:
    worlds = [World(tmp_path / name).fill() for name in ("with", "without")]
    for world in worlds:
        world.run()
        if change == "changed photo":
            paint(world.photo("ann"), 999)
        if change == "edited mask":
            retouch(world, AGNOSTIC_MASK.of("ann", Category.UPPER))
        if change == "bad photo":
            spoil(world, "bob", 0)
        if change == "new background":
            world.backgrounds.append("moon")
            world.fill()
    with worlds[0].open() as records:
        stages = worlds[0].stages()
        planned = run_stages(stages, records, plan=make_plan(stages, records))
    plain = worlds[1].run()
    assert [(s.stage, s.made, s.up_to_date, s.kept) for s in planned.stages] == [
        (s.stage, s.made, s.up_to_date, s.kept) for s in plain.stages
    ]
    assert planned.failures == plain.failures
    assert worlds[0].snapshot() == worlds[1].snapshot()


# ---- failures -----------------------------------------------------------------------------------------------------------------


def test_a_bad_photo_fails_alone_with_its_remedy(world: World) -> None:
    spoil(world, "bob", 0)
    diary = Diary()
    summary = world.run(listener=diary)
    assert summary.exit_code is ExitCode.ITEMS_FAILED
    assert [(each.stage, each.item, each.blocked) for each in summary.failures][:2] == [
        ("background", "bob", False),
        ("pose", "bob", True),
    ]
    assert (summary.failures[0].message, summary.failures[0].remedy) == (
        "inputs:person/bob.png: nobody there",
        "take another photo",
    )
    assert {stage.stage: stage.made for stage in summary.stages} == ALL | {
        "background": 2,
        "pose": 2,
        "agnostic": 2,
        "tryon": 4,
        "compose": 8,
    }
    assert diary.threads == {threading.get_ident()}


def test_a_truncated_photo_fails_alone(world: World) -> None:
    whole = world.photo("bob").read_bytes()
    world.photo("bob").write_bytes(whole[: len(whole) // 2])
    summary = world.run()
    assert [each.item for each in summary.failures if not each.blocked] == ["bob"]
    assert "bob.png" in summary.failures[0].message


def test_a_failed_item_is_not_tried_again_until_asked_or_changed(world: World) -> None:
    spoil(world, "bob", 0)
    world.run()
    again = world.run()
    assert (again.made, again.exit_code) == (0, ExitCode.ITEMS_FAILED)
    assert again.failures[0].message == "inputs:person/bob.png: nobody there"
    diary = Diary()
    world.run(listener=diary, retry_failed=True)
    assert [(event.item, event.failed) for event in diary.events] == [("bob", True)]
    paint(world.photo("bob"), 5)
    assert world.run().exit_code is ExitCode.DONE
    assert world.run().exit_code is ExitCode.DONE


def test_what_follows_a_failure_does_not_run_on_old_artefacts(world: World) -> None:
    world.run()
    spoil(world, "bob", 0)
    summary = world.run()
    blocked = {(each.stage, each.item) for each in summary.failures if each.blocked}
    assert {("pose", "bob"), ("agnostic", "bob"), ("tryon", "bob__red"), ("compose", "bob__red__sea")} <= blocked
    assert summary.made == 0
    failures = world.run("agnostic").failures
    reason = "background failed for bob: inputs:person/bob.png: nobody there"
    assert [(each.item, each.message) for each in failures] == [("bob", reason)]


@pytest.mark.parametrize("step", ["pose", "agnostic", "tryon", "compose"])
def test_a_failure_any_number_of_steps_back_is_the_reason_of_a_step_run_alone(world: World, step: str) -> None:
    spoil(world, "bob", 0)
    world.run()
    said = {each.message for each in world.run(step).failures}
    assert said == {"background failed for bob: inputs:person/bob.png: nobody there"}
    assert [line.split(": ", 1)[1] for line in world.lines(step)] == [*said]


def test_an_artefact_lost_before_a_failure_is_said_to_be_lost(world: World) -> None:
    spoil(world, "bob", 66)  # fails in pose
    world.run()
    world.path(MATTE.of("ann")).unlink()
    world.path(AGNOSTIC_MASK.of("ann", Category.UPPER)).unlink()
    said = {each.item: each.message for each in world.run("agnostic").failures}
    assert said["ann"] == "matte is missing: python run.py --step background"
    assert said["bob"].startswith("pose failed for bob: ")


def test_what_somebody_gave_after_a_failure_unblocks_a_step_run_alone(world: World) -> None:
    spoil(world, "bob", 0)
    world.run()
    for ref in (IMAGE.of("bob"), AGNOSTIC_MASK.of("bob", Category.UPPER)):
        world.path(ref).write_bytes(world.path(ref.replace("bob", "ann")).read_bytes())
    summary = world.run("tryon")
    assert (summary.exit_code, summary.made) == (ExitCode.DONE, 2)


def test_only_a_run_after_a_failure_asks_what_came_before(world: World) -> None:
    def nobody() -> list[Stage]:
        raise AssertionError("nothing failed")

    world.run()
    with world.open() as records:
        assert run_stages(world.stages("tryon"), records, earlier=nobody).exit_code is ExitCode.DONE


def test_an_artefact_given_by_hand_unblocks_what_follows(world: World) -> None:
    spoil(world, "bob", 0)
    world.run()
    retouch(world, MATTE.of("bob"))
    world.path("landmarks/bob.json").write_text("{}\n")
    summary = world.run()
    assert summary.exit_code is ExitCode.DONE
    assert {stage.stage: stage.made for stage in summary.stages if stage.made} == {
        "pose": 1,
        "agnostic": 1,
        "tryon": 2,
        "compose": 4,
    }


def test_our_own_mistake_fails_one_item_leaves_a_traceback_and_is_tried_again(world: World) -> None:
    spoil(world, "bob", 13)
    summary = world.run()
    assert summary.exit_code is ExitCode.INTERNAL
    assert summary.stages[0].made == 2
    assert "ZeroDivisionError: our mistake" in (world.layout.outputs / LEDGER / "errors.log").read_text()
    diary = Diary()
    world.run(listener=diary)
    assert [event.item for event in diary.events] == ["bob"]


def test_one_bad_item_of_a_batch_fails_alone(world: World) -> None:
    spoil(world, "bob", 66)
    summary = world.run()
    assert [each.item for each in summary.failures if not each.blocked] == ["bob"]
    assert summary.stages[1].made == 2


def test_fail_fast_stops_at_the_first_failure(world: World) -> None:
    spoil(world, "ann", 0)
    summary = world.run(fail_fast=True)
    assert [stage.stage for stage in summary.stages] == ["background"]
    assert summary.exit_code is ExitCode.ITEMS_FAILED


def test_quality_flags_and_facts_reach_listener_and_ledger(world: World) -> None:
    spoil(world, "ann", 77)
    diary = Diary()
    world.run("background", listener=diary)
    event = next(event for event in diary.events if event.item == "ann")
    assert [notice.flag for notice in event.notices] == [Flag.SMALL_PERSON]
    with world.open(writable=False) as records:
        outcome = records.ledger.outcome(MATTE.of("ann"))
    assert (outcome.notices[0].detail, dict(outcome.facts)) == ("8 px", {"mean": "77.0"})


def test_a_step_alone_says_what_is_missing(world: World) -> None:
    summary = world.run("tryon")
    assert summary.failures[0].message.startswith("image is missing: ")
    assert summary.exit_code is ExitCode.ITEMS_FAILED


class Unloadable(MatteStep):
    def load(self) -> None:
        raise MissingPackageError("no such library", "pip install it")


class Careless(MatteStep):
    def run(self, inputs: Sequence[Any]) -> Any:
        return [type(made)({MATTE.of("someone_else"): lambda: b""}) for made in super().run(inputs)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_step_that_cannot_load_ends_the_run_with_its_remedy(world: World, workers: int) -> None:
    stage = world.stages("background")[0]
    builder = functools.partial(Unloadable, SmallConfig(), stage.step.context)
    with world.open() as records, pytest.raises(MissingPackageError, match="no such library"):
        run_stages([Stage(builder(), stage.items, builder)], records, RunOptions(workers=workers))


def test_a_step_that_writes_what_it_did_not_promise_is_our_mistake(world: World) -> None:
    stage = world.stages("background")[0]
    with world.open() as records:
        summary = run_stages([Stage(Careless(SmallConfig(), stage.step.context), stage.items)], records)
    assert summary.exit_code is ExitCode.INTERNAL
    assert world.snapshot() == {}


# ---- workers ------------------------------------------------------------------------------------------------------------------


class Deadly(MatteStep):
    """Kills its process over one photo."""

    def run(self, inputs: Sequence[Any]) -> Any:
        if any(item.id == "bob" for item, _ in inputs):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(inputs)


def test_a_worker_that_dies_fails_the_item_it_held_and_is_replaced(world: World) -> None:
    world.persons += ["dan", "eve", "fay"]
    stage = world.fill().stages("background")[0]
    builder = functools.partial(Deadly, SmallConfig(), stage.step.context)
    with world.open() as records:
        summary = run_stages([Stage(builder(), stage.items, builder)], records, RunOptions(workers=2))
    assert [each.item for each in summary.failures] == ["bob"]
    assert summary.stages[0].made == 5


class Talkative(MatteStep):
    """Announces its loading, and remarks on every item, from a thread of its own as encoders do."""

    def load(self) -> None:
        logging.getLogger(LOG).info("compiling, about %d s", 10)

    def run(self, inputs: Sequence[Any]) -> Any:
        for item, _ in inputs:
            speaker = threading.Thread(target=logging.getLogger(LOG).warning, args=[f"{item.id} is 100% blurred"])
            speaker.start()
            speaker.join()
        return super().run(inputs)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_workers_log_is_said_once_as_if_one_process_had_worked(
    world: World, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    stage = world.stages("background")[0]
    builder = functools.partial(Talkative, SmallConfig(), stage.step.context)
    with world.open() as records, caplog.at_level(logging.INFO, LOG):
        run_stages([Stage(builder(), stage.items, builder)], records, RunOptions(workers=workers))
    said = sorted((record.levelname, record.getMessage()) for record in caplog.records if record.name == LOG)
    remarks = [("WARNING", f"{name} is 100% blurred") for name in ("ann", "bob", "cid")]
    assert said == [("INFO", "compiling, about 10 s"), *remarks]


def test_workers_need_a_builder(world: World) -> None:
    stage = world.stages("background")[0]
    with world.open() as records, pytest.raises(UsageError, match="several processes"):
        run_stages([Stage(stage.step, stage.items)], records, RunOptions(workers=2))


# ---- interruption -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_finishes_the_item_at_work_and_the_next_run_goes_on(world: World, number: signal.Signals) -> None:
    class Impatient(Diary):
        def item_finished(self, event: ItemEvent) -> None:
            super().item_finished(event)
            if len(self.events) == 5:
                os.kill(os.getpid(), number)

    diary, before = Impatient(), signal.getsignal(number)
    summary = world.run(listener=diary)
    assert summary.exit_code is {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}[number]
    assert not summary and str(summary).startswith("NOT complete")
    assert any("stopping" in note for note in diary.notes)
    assert 5 <= summary.made < sum(ALL.values())
    assert signal.getsignal(number) is before
    rest = world.run()
    assert summary.made + rest.made == sum(ALL.values())


def test_a_second_interrupt_stops_at_once_and_loses_nothing(world: World) -> None:
    class Furious(Diary):
        def note(self, text: str) -> None:
            super().note(text)
            os.kill(os.getpid(), signal.SIGINT)

        def item_finished(self, event: ItemEvent) -> None:
            super().item_finished(event)
            if len(self.events) == 3:
                os.kill(os.getpid(), signal.SIGINT)

    summary = world.run(listener=Furious())
    assert summary.exit_code is ExitCode.INTERRUPTED
    world.run()
    fresh = World(world.root / "fresh").fill()
    fresh.run()
    assert world.snapshot() == fresh.snapshot()


# ---- records -----------------------------------------------------------------------------------------------------------------


def test_deleted_inputs_leave_orphans_that_can_be_removed_except_edited_ones(world: World) -> None:
    world.run()
    retouch(world, MATTE.of("bob"))
    world.photo("bob").unlink()
    world.persons.remove("bob")
    assert world.run().exit_code is ExitCode.DONE
    known = {stage.name: {item.id for item in stage.items} for stage in world.stages()}
    with world.open() as records:
        gone = records.orphans(known)
        assert set(gone.values()) == {
            "bob",
            "bob__red",
            "bob__blue",
            *(f"bob__{c}__{b}" for c in ("red", "blue") for b in ("sea", "town")),
        }
        assert len(gone) == 1 + 1 + 1 + 2 + 4
        assert records.remove(gone) == len(gone)
        assert records.orphans(known) == {}
    assert [name for name in world.snapshot() if "bob" in name] == [MATTE.of("bob")]


@pytest.mark.slow
def test_verify_notices_a_change_that_left_size_and_time_alone(world: World) -> None:
    world.run()
    time.sleep(2.1)
    world.run()
    photo = world.photo("ann")
    before, data = photo.stat(), bytearray(photo.read_bytes())
    data[-1] ^= 1  # the last byte of the end chunk's checksum: size and pixels stay
    photo.write_bytes(data)
    os.utime(photo, ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert world.lines() == []
    with world.open(writable=False, verify=True) as records:
        assert records.contents.of("inputs:person/ann.png") != records.ledger.files["inputs:person/ann.png"].made
    assert [line.text for line in world.plan(verify=True).lines() if "photo changed" in line.text]


def test_ledger_and_artefacts_name_no_path_outside_the_error_log(world: World) -> None:
    world.run()
    for name, data in world.snapshot().items():
        assert str(world.root).encode() not in data, name
    assert str(world.root).encode() not in (world.layout.outputs / LEDGER / "driver.sqlite").read_bytes()
    assert TRYON.of("ann__red", "preview") in world.snapshot()
