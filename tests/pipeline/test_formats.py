"""What a picture was made as before must not lie beside what it is made as now: formats, sizes, layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from small_steps import PlaceStep, SmallConfig, World, retouch

from pipeline.core.errors import OutputError
from pipeline.core.flags import Flag
from pipeline.core.items import Item
from pipeline.core.layout import FINAL, SIZES, Ref
from pipeline.core.records.finished import finished_ref
from pipeline.core.records.transaction import Records
from pipeline.core.step import Context, Stage
from pipeline.planning.decisions import Action
from pipeline.planning.plan import make_plan
from pipeline.running.options import RunOptions
from pipeline.running.runner import run_stages


class Wanted(SmallConfig):
    form: str = "png"
    sizes: tuple[str, ...] = ()


class FormStep(PlaceStep):
    """Places like the small step, in the format and the sizes that its settings ask for."""

    def writes(self, item: Item) -> Sequence[Ref]:
        engine, form = item.pair.engine, self.config.form
        return (FINAL.of(item.id, engine, form), *(SIZES.of(f"{size}/{item.id}", engine, form) for size in self.config.sizes))

    def run(self, inputs):
        made = super().run(inputs)
        for (item, _), produced in zip(inputs, made, strict=True):
            (encode,) = produced.files.values()
            object.__setattr__(produced, "files", dict.fromkeys(self.writes(item), encode))
        return made


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, persons=["ann"], garments=["red"], backgrounds=["sea", "sea.b"]).fill()
    world.run("background", "pose", "parsing", "agnostic", "cloth", "tryon")
    return world


def stage(world: World, **wanted) -> Stage:
    step = FormStep(Wanted(**wanted), Context(world.layout))
    return Stage(step, world.stages("compose")[0].items, lambda: step)


def compose(world: World, **wanted) -> None:
    with world.open() as records:
        run_stages([stage(world, **wanted)], records, RunOptions())


def finals(world: World) -> list[str]:
    return sorted(path.relative_to(world.layout.outputs).as_posix() for path in world.layout.outputs.glob("[fs]i*/**/*.*"))


def test_a_new_format_replaces_the_old_picture_and_comes_back_the_same(world: World) -> None:
    compose(world)
    before = world.snapshot()
    compose(world, form="webp")
    assert finals(world) == ["final/preview/ann__red__sea.b.webp", "final/preview/ann__red__sea.webp"]
    assert finished_ref(world.layout, "ann__red__sea", "preview") == "final/preview/ann__red__sea.webp"
    compose(world)
    assert world.snapshot() == before


def test_the_plan_says_that_a_setting_asks_for_another_format(world: World) -> None:
    compose(world)
    with world.open(writable=False) as records:
        (plan,) = make_plan([stage(world, form="jpeg")], records).stages
    assert {decision.reason.text for decision in plan.of(Action.RUN)} == {"settings changed: compose.form"}
    assert len(finals(world)) == 2


def test_what_is_asked_for_again_is_missing_because_of_the_setting(world: World) -> None:
    compose(world, sizes=("1x1",))
    compose(world)
    with world.open(writable=False) as records:
        (plan,) = make_plan([stage(world, sizes=("1x1",))], records).stages
    assert {decision.reason.text for decision in plan.of(Action.RUN)} == {"settings changed: compose.sizes"}


def test_a_size_that_is_no_longer_wanted_goes(world: World) -> None:
    compose(world, sizes=("1x1", "3x4"))
    assert len(finals(world)) == 6
    compose(world, sizes=("3x4",))
    assert len(finals(world)) == 4 and not any("1x1" in name for name in finals(world))


def test_a_retouched_picture_stays_in_its_old_format_and_is_named(world: World) -> None:
    compose(world)
    old = FINAL.of("ann__red__sea", "preview")
    edited = retouch(world, old)
    compose(world, form="webp")
    assert world.path(old).read_bytes() == edited
    with world.open(writable=False) as records:
        notices = records.ledger.outcome(FINAL.of("ann__red__sea", "preview", "webp")).all_notices
        assert [(notice.flag, old in notice.detail) for notice in notices] == [(Flag.EDITED_BY_HAND, True)]
        assert records.ledger.outcome(old) is None


def test_another_engine_s_pictures_are_not_touched_by_a_new_format(world: World) -> None:
    compose(world)
    world.engine = "other"
    world.run("tryon")
    compose(world, form="webp")
    assert sorted(path.suffix for path in (world.layout.outputs / "final").rglob("*.*")) == [".png", ".png", ".webp", ".webp"]


def test_a_run_cut_off_between_the_new_picture_and_the_books_still_clears_the_old_one(world: World, monkeypatch) -> None:
    compose(world)

    def die(self: Records, outcomes):
        raise OutputError("the disk refused", "free some space")

    with monkeypatch.context() as cut:
        cut.setattr(Records, "_clear_earlier", die)
        with pytest.raises(OutputError):
            compose(world, form="webp")
    assert len(finals(world)) > 2
    compose(world, form="webp")
    assert [Path(name).suffix for name in finals(world)] == [".webp", ".webp"]
