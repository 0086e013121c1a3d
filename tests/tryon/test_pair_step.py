"""Stages of engines: artefacts of the pair before its picture, each kept, retouched and redone like any other artefact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import mannequin
import numpy as np
import pytest
import staged_engine
from staged_engine import OutlineStage, OutlineStep, SqueezeStage, StagedConfig, StagedEngine

from pipeline import catalog
from pipeline.assembly import StepBuilder, entries_of
from pipeline.catalog import STEPS, StageEntry, resolve
from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.inputs.collection import Collection
from pipeline.core.inputs.outfits import Outfit, outfit_pairs
from pipeline.core.items import Garment, Pair, Person
from pipeline.core.labels import Category
from pipeline.core.layout import CLOTH_WARP, CLOTH_WARP_MASK, TRYON, Layout
from pipeline.core.records.transaction import open_records
from pipeline.core.step import Context, Stage
from pipeline.planning.plan import make_plan
from pipeline.running.options import RunOptions
from pipeline.running.retry import Retry
from pipeline.running.runner import run_stages
from tryon.pair_step import PairStep, WarpStep
from tryon.step import TryOnConfig, TryOnStep

ENGINE = staged_engine.NAME
WARPED, OUTLINE, PICTURE = (kind.of("ann__tee", ENGINE) for kind in (CLOTH_WARP, CLOTH_WARP_MASK, TRYON))

Made = dict[str, int]
Run = Callable[..., Made]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "inputs", tmp_path / "outputs", tmp_path / "weights")


@pytest.fixture
def pairs(layout: Layout) -> tuple[Pair, ...]:
    person = mannequin.write_person(layout)
    return tuple(Pair(person, mannequin.write_garment(layout, name), ENGINE) for name in ("tee", "crop", "longsleeve"))


def stages_of(
    layout: Layout, pairs: Sequence[Pair], config: StagedConfig | None = None, seed: int = 0, sha: str = "ab", attempt: int = 0
) -> list[Stage]:
    config, context, settings = config or StagedConfig(), Context(layout, seed=seed, device="cpu"), TryOnConfig(attempt=attempt)
    steps = [
        WarpStep(settings, context, {ENGINE: SqueezeStage(config, context)}, {"warper": sha}),
        OutlineStep(settings, context, {ENGINE: OutlineStage(config, context)}),
        TryOnStep(settings, context, {ENGINE: StagedEngine(config)}),
    ]
    return [Stage(step, pairs) for step in steps]


@pytest.fixture
def run(layout: Layout, pairs: tuple[Pair, ...]) -> Run:
    def made(**how: object) -> Made:
        with open_records(layout) as records:
            summary = run_stages(stages_of(layout, pairs, **how), records, RunOptions())
        assert not summary.failures
        return {stage.stage: stage.made for stage in summary.stages if stage.made}

    return made


ALL = {"warp": 3, "outline": 3, "tryon": 3}


def test_stages_run_one_after_the_other_and_then_the_picture_and_then_nothing(run: Run, layout: Layout):
    assert run() == ALL
    assert all(layout.path(ref).is_file() for ref in (WARPED, OUTLINE, PICTURE))
    assert run() == {}


def test_persons_and_garments_are_encoded_once_however_many_pairs_there_are(layout: Layout, pairs: tuple[Pair, ...]):
    stage = SqueezeStage(StagedConfig(), Context(layout))
    step = WarpStep(TryOnConfig(), Context(layout, device="cpu"), {ENGINE: stage})
    assert step.batch_size == 2 and not stage.loads
    for pair in pairs:
        step.run([step.read(pair)])
    assert sorted(stage.encoded) == ["ann", "crop", "longsleeve", "tee"]
    assert stage.loads == ["cpu"]


def test_a_retouched_artefact_stays_and_what_reads_it_is_redone(run: Run, layout: Layout):
    run()
    retouched = images.read_rgb(layout.path(WARPED)).copy()
    retouched[100:140] = (10, 200, 10)
    layout.path(WARPED).write_bytes(images.png(retouched))
    assert run() == {"outline": 1, "tryon": 1}
    np.testing.assert_array_equal(images.read_rgb(layout.path(WARPED)), retouched)
    assert (images.read_rgb(layout.path(PICTURE))[110, 200] == (10, 200, 10)).all()
    assert run() == {}


def test_a_retouched_last_artefact_redoes_the_picture_alone(run: Run, layout: Layout):
    run()
    layout.path(OUTLINE).write_bytes(images.png(np.zeros((mannequin.HEIGHT, mannequin.WIDTH), np.uint8)))
    assert run() == {"tryon": 1}


def test_each_stage_is_redone_for_its_own_settings_and_weights_alone(run: Run):
    run()
    assert run(config=StagedConfig(brightness=5)) == {"tryon": 3}
    assert run(config=StagedConfig(brightness=5, grown_px=9)) == {"outline": 3, "tryon": 3}
    assert run(config=StagedConfig(brightness=5, grown_px=9), sha="cd") == {"warp": 3}  # the same bytes: nothing follows


def test_the_seed_counts_only_where_a_stage_draws_and_an_attempt_nowhere(run: Run):
    run()
    assert run(seed=1) == {"outline": 3, "tryon": 3}
    assert run(seed=1, attempt=1) == {"tryon": 3}


def test_another_size_than_the_persons_is_refused_by_name(run: Run, layout: Layout, pairs: tuple[Pair, ...]):
    run()
    layout.path(WARPED).write_bytes(images.png(np.zeros((64, 48, 3), np.uint8)))
    with open_records(layout) as records:
        summary = run_stages(stages_of(layout, pairs), records, RunOptions())
    first = summary.failures[0]
    assert first.item == "ann__tee" and "64" in first.message and WARPED in first.message.replace("\\", "/")


def test_a_garment_that_the_stage_was_not_made_for_is_refused_before_it_loads(layout: Layout):
    stage = SqueezeStage(StagedConfig(), Context(layout))
    step = WarpStep(TryOnConfig(), Context(layout), {ENGINE: stage})
    with pytest.raises(InputError, match=r"engine staged does not dress lower garments \(jeans\)"):
        step.read(Pair(Person("ann", ""), Garment("jeans", "", Category.LOWER), ENGINE))
    assert not stage.loads


def test_attempts_draw_the_picture_again_and_not_what_it_is_made_of(layout: Layout, pairs: tuple[Pair, ...]):
    """Retries begin with the first stage that draws; a stage that prepares is none."""
    stages = stages_of(layout, pairs)
    assert [stage.step.prepares for stage in stages] == [True, True, False]
    with open_records(layout) as records:
        judge = Stage(stages[2].step, pairs)
        assert Retry([*stages, judge], records, 2).last == 3
        assert not Retry(stages, records, 2).low()


def test_a_pair_of_another_engine_costs_nothing(layout: Layout):
    step = WarpStep(TryOnConfig(), Context(layout), {})
    other = Pair(Person("ann", ""), Garment("tee", ""), "preview")
    assert step.reads(other) == step.writes(other) == ()
    with open_records(layout) as records:
        assert make_plan([Stage(step, (other,))], records).stages[0].total == 0


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = catalog.EngineEntry(staged_engine.TARGET, staged_engine.CONFIG, stages=staged_engine.STAGES)
    monkeypatch.setitem(catalog.ENGINES, ENGINE, entry)
    outline = StageEntry("staged_engine:OutlineStep", "tryon", "tryon.step:TryOnConfig", "engine", of_engines="outline")
    known = {resolve(entry.target).name: entry for entry in STEPS["tryon"]}
    monkeypatch.setitem(STEPS, "tryon", (known["warp"], outline, known["tryon"]))


def targets(collection: Collection) -> list[tuple[str, str, list[str]]]:
    found = entries_of("tryon", collection)
    return [(resolve(entry.target).name, about, [item.id for item in items]) for entry, items, about in found]


PEOPLE = Person("ann", ""), Person("bob", "")
TEE, JEANS = Garment("tee", ""), Garment("jeans", "", Category.LOWER)


@pytest.mark.usefixtures("known")
def test_stages_stand_before_the_picture_for_the_pairs_whose_engine_has_them():
    mixed = Collection(PEOPLE, (TEE,), (), (Pair(PEOPLE[0], TEE, ENGINE), Pair(PEOPLE[1], TEE, "preview")))
    assert targets(mixed) == [
        ("warp", "", ["ann__tee"]),
        ("outline", "", ["ann__tee"]),
        ("tryon", "", ["ann__tee", "bob__tee"]),
    ]
    assert targets(Collection(PEOPLE, (TEE,), (), mixed.pairs[1:])) == [("tryon", "", ["bob__tee"])]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("lower", "upper", "before", "after"),
    [("preview", ENGINE, ["tryon"], ["warp", "outline", "tryon"]), (ENGINE, "preview", ["warp", "outline", "tryon"], ["tryon"])],
)
def test_both_passes_of_an_outfit_have_their_stages(lower: str, upper: str, before: list[str], after: list[str]):
    engines = {Category.LOWER: lower, Category.UPPER: upper}
    pairs = outfit_pairs([Outfit(PEOPLE[0], (JEANS, TEE))], lambda category: engines[category], ())
    found = targets(Collection(PEOPLE[:1], (TEE, JEANS), (), tuple(pairs)))
    assert [name for name, about, _ in found if about == "first pass"] == before
    assert [name for name, about, _ in found if not about] == after


@pytest.mark.usefixtures("known")
def test_a_process_builds_the_stages_of_the_engines_that_have_one(layout: Layout):
    warp = STEPS["tryon"][0]
    engines = {ENGINE: StagedConfig(), "preview": resolve(catalog.ENGINES["preview"].config)()}
    step = StepBuilder(warp, TryOnConfig(), Context(layout), engines=engines)()
    assert isinstance(step, PairStep) and set(step.stages) == {ENGINE}
