"""`--retry-bad`: low-scored pairs are drawn again from other seeds and the best stays, however often a run dies or repeats."""

from __future__ import annotations

import functools
import json
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from killable import Countdown, deadly_ledger, deadly_store, pipe, process
from small_steps import STEPS, Diary, DressStep, PlaceStep, SmallConfig, World, build, retouch, rgb

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.items import ORIGINAL_BACKGROUND, Item, Pair, Scene, Unit
from pipeline.core.layout import ATTEMPTS, FINAL, TRYON, Ref
from pipeline.core.records.attempts import Attempts, PairAttempts, Tried, read_attempts
from pipeline.core.score import PASS_SCORE, SCORE
from pipeline.core.step import Context, Produced, Stage, StepBase
from pipeline.planning.plan import make_plan
from pipeline.running.retry import Retry

QUALITY: dict[tuple[str, str], tuple[float, ...]] = {
    ("ann", "red"): (0.9, 0.1, 0.1, 0.1),
    ("ann", "blue"): (0.2, 0.8, 0.9, 0.1),
    ("bob", "red"): (0.2, 0.1, 0.4, 0.3),
    ("bob", "blue"): (0.3, 0.2, 0.1, 0.7),
    ("cid", "red"): (0.1, -1, 0.4, 0.2),
    ("cid", "blue"): (0.4, 0.2, 0.1, 0.3),
}
"""How good the picture of each attempt is; -1 = the engine fails."""
BEST_OF_TWO = {"ann__red": 0, "ann__blue": 1, "bob__red": 2, "bob__blue": 0, "cid__red": 2, "cid__blue": 0}
"""The attempts that two retries leave, read off the table."""


class SeededDress(DressStep):
    """An engine whose picture is as good as its seed."""

    drawn: list[tuple[str, int]] = []  # noqa: RUF012

    def signature(self, item: Item) -> dict[str, str]:
        return {"engine": item.engine, "attempt": str(item.attempt)}

    def has_attempts(self, item: Item) -> bool:
        return item.engine != "preview"

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        return [self._draw(item, person) for item, (person, _, _) in inputs]

    def _draw(self, item: Pair, person: np.ndarray) -> Produced:
        self.drawn.append((item.id, item.attempt))
        quality = QUALITY[item.person.id, item.garment.id][item.attempt]
        if quality < 0:
            raise InputError(f"{item.id}: this seed does not work")
        picture = person // 4
        picture[0, 0] = round(100 * quality)
        encode = functools.partial(images.png, picture, {"attempt": item.attempt})
        return Produced({self.writes(item)[0]: encode}, facts={"attempt": str(item.attempt)})


class JudgeStep(StepBase):
    """Reads the quality back from the picture."""

    name, unit, version = "restore", Unit.PAIR, 1

    def reads(self, item: Item) -> Sequence[Ref]:
        return (TRYON.of(item.id, item.engine),)

    def writes(self, item: Item) -> Sequence[Ref]:
        return (FINAL.of(Scene(item, ORIGINAL_BACKGROUND).id, item.engine),)

    def read(self, item: Item) -> Any:
        return item, rgb(self.layout, self.reads(item)[0])

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        return [self._judge(item, picture) for item, picture in inputs]

    def _judge(self, item: Item, picture: np.ndarray) -> Produced:
        score = picture[0, 0, 0] / 100
        notices = (Notice(Flag.COLOUR_OFF, f"{score}"),) if score < PASS_SCORE else ()
        return Produced({self.writes(item)[0]: functools.partial(images.png, picture)}, notices, {SCORE: f"{score:.4f}"})


class SeededWorld(World):
    """The small way of a picture with an engine that has seeds and a step that judges."""

    def __init__(self, root: Path, engine: str = "seeded", **rest: Any) -> None:
        super().__init__(root, backgrounds=["sea"], engine=engine, **rest)

    def items(self) -> dict[Unit, list[Item]]:
        items, attempts = super().items(), read_attempts(self.layout)
        items[Unit.PAIR] = [attempts.at_chosen(pair) for pair in items[Unit.PAIR]]
        return items

    def stages(self, *names: str) -> list[Stage]:
        items, context = self.items(), Context(self.layout)
        kinds = [*STEPS[:4], SeededDress, JudgeStep, PlaceStep]
        builders = {kind: functools.partial(build, kind, self.settings.get(kind.name, SmallConfig()), context) for kind in kinds}
        return [Stage(make(), items[kind.unit], make) for kind, make in builders.items() if not names or kind.name in names]

    def shown(self) -> dict[str, int]:
        """The attempt that each pair's dressed picture was drawn from."""
        found = sorted((self.layout.outputs / "tryon" / self.engine).glob("*.png"))
        return {path.stem: images.read_recipe(path)["attempt"] for path in found}

    def draws(self, *names: str, **options: Any) -> list[tuple[str, int]]:
        """What a run drew."""
        SeededDress.drawn.clear()
        self.run(*names, **options)
        return list(SeededDress.drawn)


@pytest.fixture
def world(tmp_path: Path) -> SeededWorld:
    return SeededWorld(tmp_path).fill()


def test_the_best_attempt_of_each_pair_stays_and_every_later_step_shows_it(world: SeededWorld):
    summary = world.run(retry_bad=2)
    assert summary.failures == []
    assert world.shown() == BEST_OF_TWO
    for pair, attempt in BEST_OF_TWO.items():
        dressed = rgb(world.layout, TRYON.of(pair, "seeded"))
        assert dressed[0, 0, 0] == round(100 * QUALITY[tuple(pair.split("__"))][attempt])
        np.testing.assert_array_equal(rgb(world.layout, FINAL.of(f"{pair}__original", "seeded")), dressed)
    assert world.lines() == []


def test_attempts_stop_at_the_first_that_passes_and_pictures_that_pass_are_left_alone(world: SeededWorld):
    drawn = world.draws(retry_bad=3)
    assert [attempt for pair, attempt in drawn if pair == "ann__red"] == [0]
    assert [attempt for pair, attempt in drawn if pair == "ann__blue"] == [0, 1]
    assert [attempt for pair, attempt in drawn if pair == "bob__blue"] == [0, 1, 2, 3]


def test_no_attempt_is_drawn_twice(world: SeededWorld):
    drawn = world.draws(retry_bad=2)
    assert len(drawn) == len(set(drawn))


def test_running_again_draws_nothing_and_undoes_nothing_with_and_without_the_option(world: SeededWorld):
    world.run(retry_bad=2)
    before = world.snapshot()
    assert world.draws(retry_bad=2) == []
    assert world.draws() == []
    assert world.run().made == 0
    assert world.snapshot() == before


def test_more_retries_go_on_where_fewer_stopped(world: SeededWorld):
    world.run(retry_bad=1)
    assert world.draws(retry_bad=3) == [
        ("bob__red", 2),
        ("bob__blue", 2),
        ("cid__red", 2),
        ("cid__blue", 2),
        ("bob__red", 3),
        ("bob__blue", 3),
        ("cid__red", 3),
        ("cid__blue", 3),
    ]
    elsewhere = SeededWorld(world.root / "elsewhere").fill()
    elsewhere.run(retry_bad=3)
    assert world.snapshot() == elsewhere.snapshot()


def test_a_run_without_the_option_judges_and_draws_once(world: SeededWorld):
    assert {attempt for _, attempt in world.draws()} == {0}
    assert not world.path(ATTEMPTS).exists()


def test_an_attempt_that_fails_keeps_the_picture_before_it_and_is_no_trouble(world: SeededWorld):
    diary = Diary()
    summary = world.run(retry_bad=1, listener=diary)
    assert summary.failures == [] and world.shown()["cid__red"] == 0
    assert any("cid__red" in note and "does not work" in note for note in diary.notes)
    assert world.lines() == [] and world.draws(retry_bad=1) == []


def test_an_engine_without_a_seed_is_left_alone_and_said_so_once(tmp_path: Path):
    world, diary = SeededWorld(tmp_path, engine="preview").fill(), Diary()
    summary = world.run(retry_bad=2, listener=diary)
    assert summary.failures == [] and set(world.shown().values()) == {0}
    assert [note for note in diary.notes if "no seed" in note] == [
        "the preview engine has no seed: --retry-bad leaves 5 low-scored pairs alone"
    ]


def test_steps_that_do_not_both_draw_and_judge_are_said_to_better_nothing(world: SeededWorld):
    world.run()
    diary = Diary()
    assert world.draws("tryon", retry_bad=2, listener=diary) == []
    assert diary.notes == ["--retry-bad has no effect: it needs the steps tryon and compose in one run"]


def test_a_picture_given_by_hand_is_not_drawn_over(world: SeededWorld):
    world.run()
    by_hand = retouch(world, TRYON.of("bob__red", "seeded"))
    drawn = world.draws(retry_bad=2)
    assert "bob__red" not in {pair for pair, _ in drawn}
    assert world.path(TRYON.of("bob__red", "seeded")).read_bytes() == by_hand


def test_scores_of_other_inputs_do_not_count(world: SeededWorld):
    world.run(retry_bad=2)
    world.photo("cid").write_bytes(images.png(np.full((8, 8, 3), 50, np.uint8)))
    drawn = world.draws(retry_bad=2)
    assert sorted(set(drawn)) == [("cid__blue", n) for n in range(3)] + [("cid__red", n) for n in range(3)]
    assert world.shown() == BEST_OF_TWO


def test_the_plan_says_what_would_be_drawn_again_and_draws_nothing(world: SeededWorld):
    world.run()
    with world.open(writable=False) as records:
        stages = world.stages()
        lines = Retry(stages, records, 2).lines(make_plan(stages, records))
    assert [line.text for line in lines] == ["5 tryon: score below 0.50, up to 2 further attempts"]
    assert world.shown() == dict.fromkeys(BEST_OF_TWO, 0)
    with world.open(writable=False) as records:
        assert Retry(stages, records, 0).lines(make_plan(stages, records)) == ()


def test_the_plan_does_not_count_what_is_made_anew_anyway(world: SeededWorld):
    world.run()
    world.photo("cid").write_bytes(images.png(np.full((8, 8, 3), 50, np.uint8)))
    with world.open(writable=False) as records:
        stages = world.stages()
        (line,) = Retry(stages, records, 2).lines(make_plan(stages, records))
    assert line.count == 3


@pytest.mark.slow
def test_several_processes_leave_the_same_as_one(world: SeededWorld):
    world.run(retry_bad=2, workers=2)
    assert world.shown() == BEST_OF_TWO
    elsewhere = SeededWorld(world.root / "elsewhere").fill()
    elsewhere.run(retry_bad=2)
    assert world.snapshot() == elsewhere.snapshot()


def test_another_picture_moves_past_everything_seen_and_stays(world: SeededWorld):
    world.run(retry_bad=2)
    pair = next(pair for pair in world.items()[Unit.PAIR] if pair.id == "cid__blue")
    attempts = read_attempts(world.layout)
    attempts.move_on(pair)
    with world.open() as records:
        attempts.save(records.store)
    assert world.draws() == [("cid__blue", 3)]
    assert world.draws() == [] and world.shown()["cid__blue"] == 3


def test_what_is_remembered_survives_writing_and_lines_that_are_none(tmp_path: Path):
    world = SeededWorld(tmp_path)
    pair = world.items()[Unit.PAIR][0]
    attempts = Attempts({(pair.engine, pair.id): PairAttempts(1, 2, {1: Tried(0.25, "ab"), 2: Tried(-1.0, "cd")})})
    with world.open() as records:
        attempts.save(records.store)
    path = world.path(ATTEMPTS)
    path.write_text(
        path.read_text() + 'torn {"\n[1, 2]\n' + json.dumps(["seeded", "x__y", 0, "two", {}]) + "\n[1, 2, 1e999, 0, {}]\n"
    )
    found = read_attempts(world.layout)
    assert found.of(pair) == PairAttempts(1, 2, {1: Tried(0.25, "ab"), 2: Tried(-1.0, "cd")})
    assert found.of(pair).next == 3 and PairAttempts().next == 1 and PairAttempts(first=4, chosen=4).next == 5


def test_finished_pictures_are_counted_once_however_often_they_were_drawn(world: SeededWorld):
    summary = world.run(retry_bad=2)
    assert summary.pictures == 2 * len(QUALITY) and summary.seconds > 0
    assert world.run(retry_bad=2).pictures == 0


# ---- killed ---------------------------------------------------------------------------------------------------------------

POINTS = [
    *(("before write", number) for number in (27, 33, 40, 47, 53)),
    *(("after replace", number) for number in (28, 34, 41, 46, 52)),
    *(("after intent", number) for number in (8, 9, 10, 11)),
    *(("between replace and commit", number) for number in (8, 9, 10, 11)),
    *(("after commit", number) for number in (8, 9, 10, 12)),
]


def doomed(root: Path, point: str, number: int, started: Connection) -> None:
    """The body of a process that dies at the n-th passage of a point."""
    tick = Countdown(number)
    with (
        mock.patch("small_steps.Store", deadly_store(point, tick)),
        mock.patch.multiple("pipeline.core.records.ledger.Ledger", **deadly_ledger(point, tick)),
    ):
        started.send("go")
        SeededWorld(root, durable=True).run(retry_bad=2)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    world = SeededWorld(tmp_path_factory.mktemp("uninterrupted")).fill()
    world.run(retry_bad=2)
    return world.snapshot()


@pytest.mark.slow
@pytest.mark.parametrize(("point", "number"), POINTS, ids=[f"{point} {number}" for point, number in POINTS])
def test_a_killed_run_ends_where_an_uninterrupted_one_does(
    tmp_path: Path, expected: dict[str, bytes], point: str, number: int
) -> None:
    SeededWorld(tmp_path).fill()
    here, there = pipe()
    with process(doomed, tmp_path, point, number, there) as child:
        child.join(60)
        killed = child.exitcode == -signal.SIGKILL
    here.close()
    assert killed, f"{point} {number} was never reached"
    world = SeededWorld(tmp_path)
    assert world.run(retry_bad=2).failures == []
    assert world.snapshot() == expected
    assert world.lines() == []
    assert world.draws(retry_bad=2) == []
