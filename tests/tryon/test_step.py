"""The try-on step, driven with a small engine that records what it was asked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from pydantic import Field

from pipeline.core import images
from pipeline.core.engine import DressedPerson, EngineBase, EngineCard, EngineConfig, GarmentInputs, PersonInputs, TryOnItem
from pipeline.core.errors import InputError, UsageError
from pipeline.core.flags import Flag, Notice
from pipeline.core.items import Garment, Pair, Person
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, ATTENTION, CLOTH, IMAGE, PARSE, TRYON, Layout, PerEngine
from pipeline.core.masks import painted_spread
from pipeline.core.step import Context
from tryon.step import TryOnConfig, TryOnStep, engine_batches

SIZE = (64, 48)


class StrengthConfig(EngineConfig):
    strength: float = 0.5
    looks: bool = Field(default=False, exclude=True)

    def extras(self) -> tuple[PerEngine, ...]:
        return (ATTENTION,) if self.looks else ()


@dataclass
class RecordingEngine(EngineBase):
    """Paints the item's seed into the picture and remembers every call."""

    name: str = "recording"
    batch_size: int = 2
    approximate: bool = True
    paint: int | None = None
    masked: bool = True
    config: StrengthConfig = field(default_factory=StrengthConfig)
    described: dict = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)
    encoded: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    @property
    def card(self) -> EngineCard:
        return EngineCard(
            name=self.name,
            version=3,
            weights=("unet",),
            approximate=self.approximate,
            categories=frozenset({Category.UPPER, Category.LOWER}),
            person=(IMAGE, AGNOSTIC_MASK, PARSE) if self.masked else (IMAGE, PARSE),
            garment=(CLOTH,),
        )

    def load(self, device: str) -> None:
        self.loads.append(device)

    def encode(self, part: PersonInputs | GarmentInputs) -> str:
        name = part.person.id if isinstance(part, PersonInputs) else part.garment.id
        self.encoded.append(name)
        return name

    def generate(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        self.batches.append(len(items))
        return [self._dressed(item) for item in items]

    def describe(self) -> dict:
        return self.described

    def _dressed(self, item: TryOnItem) -> DressedPerson:
        extra = {kind: np.full((8, 8, 3), item.seed % 251, np.uint8) for kind in self.config.extras()}
        notices = (Notice(Flag.LEGS_BENT, item.person),) if item.person == "bob" else ()
        return DressedPerson(self._picture(item), notices, extra)

    def _picture(self, item: TryOnItem) -> np.ndarray:
        if self.paint is not None:
            return np.full((*SIZE, 3), self.paint, np.uint8)
        return np.random.default_rng(item.seed).integers(0, 255, (*SIZE, 3), dtype=np.uint8)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(outputs=tmp_path)
    mask = np.zeros(SIZE, bool)
    mask[10:40, 10:40] = True
    for person in ("ann", "bob"):
        for category in Category:
            path = layout.path(AGNOSTIC_MASK.of(person, category))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(images.mask_png(mask))
    return layout


def pair(person: str = "ann", garment: str = "tee", category: Category = Category.UPPER, engine: str = "recording") -> Pair:
    return Pair(Person(person, "inputs:x"), Garment(garment, "inputs:y", category), engine)


def step_with(layout: Layout, *engines: RecordingEngine, config: TryOnConfig | None = None, seed: int = 0) -> TryOnStep:
    context = Context(layout, seed=seed, device="cpu")
    return TryOnStep(config or TryOnConfig(), context, {each.name: each for each in engines}, {"unet": "ab12"})


def test_it_reads_what_the_engine_reads_for_the_garments_category(layout: Layout):
    reads = step_with(layout, RecordingEngine()).reads(pair(category=Category.LOWER))
    assert reads == [
        IMAGE.of("ann"),
        AGNOSTIC_MASK.of("ann", Category.LOWER),
        PARSE.of("ann"),
        CLOTH.of("tee"),
    ]


def test_it_writes_below_the_engines_own_folder(layout: Layout):
    assert step_with(layout, RecordingEngine()).writes(pair()) == ("tryon/recording/ann__tee.png",)


def test_nothing_is_loaded_until_a_pair_needs_it_and_then_once(layout: Layout):
    used, unused = RecordingEngine(), RecordingEngine(name="other")
    step = step_with(layout, used, unused)
    step.load()
    step.signature(pair())
    assert used.loads == []
    step.run([step.read(pair())])
    step.run([step.read(pair(garment="shirt"))])
    assert used.loads == ["cpu"]
    assert unused.loads == []


def test_every_person_and_garment_is_encoded_once(layout: Layout):
    engine = RecordingEngine()
    step = step_with(layout, engine)
    for person in ("ann", "bob"):
        for garment in ("tee", "shirt", "vest"):
            step.run([step.read(pair(person, garment))])
    assert sorted(engine.encoded) == ["ann", "bob", "shirt", "tee", "vest"]


def test_a_person_is_encoded_again_for_another_category(layout: Layout):
    engine = RecordingEngine()
    step = step_with(layout, engine)
    step.run([step.read(pair()), step.read(pair(garment="jeans", category=Category.LOWER))])
    assert engine.encoded.count("ann") == 2


def test_the_cache_stays_within_its_bound(layout: Layout):
    engine = RecordingEngine()
    step = step_with(layout, engine, config=TryOnConfig(keep_garments=2))
    for garment in ("a", "b", "c", "a"):
        step.run([step.read(pair(garment=garment))])
    assert engine.encoded == ["ann", "a", "b", "c", "a"]


def test_pairs_are_batched_per_engine_and_come_back_in_order(layout: Layout):
    first, second = RecordingEngine(name="first"), RecordingEngine(name="second", batch_size=8)
    step = step_with(layout, first, second)
    pairs = [pair(garment=f"g{n}", engine="first" if n % 2 else "second") for n in range(6)]
    produced = step.run([step.read(each) for each in pairs])
    assert (first.batches, second.batches) == ([2, 1], [3])
    assert [list(each.files) for each in produced] == [[TRYON.of(each.id, each.engine)] for each in pairs]
    assert list(engine_batches(pairs, {"first": 2, "second": 8})) == [[0, 2, 4], [1, 3], [5]]


def test_a_garment_the_engine_does_not_support_fails_alone_and_says_what_is_allowed(layout: Layout):
    with pytest.raises(InputError, match=r"recording does not dress dress garments \(gown\); allowed: lower, upper"):
        step_with(layout, RecordingEngine()).read(pair(garment="gown", category=Category.DRESS))


def test_such_a_garment_is_known_to_be_refused_before_anything_is_read(layout: Layout):
    step = step_with(layout, RecordingEngine())
    refused = step.refuses(pair(garment="gown", category=Category.DRESS))
    assert refused is not None and "gown" in refused.message and "--engine auto" in refused.remedy
    assert step.refuses(pair()) is None


def test_an_unknown_engine_is_a_usage_error_that_names_the_known_ones(layout: Layout):
    with pytest.raises(UsageError, match="no engine named 'magic'; known: recording"):
        step_with(layout, RecordingEngine()).reads(pair(engine="magic"))


def test_the_signature_changes_with_engine_settings_weights_seed_and_attempt(layout: Layout):
    base = step_with(layout, RecordingEngine()).signature(pair())
    assert json.loads(base["engine_config"]) == {"strength": 0.5}
    others = [
        step_with(layout, RecordingEngine(config=StrengthConfig(strength=0.7))),
        step_with(layout, RecordingEngine(), config=TryOnConfig(attempt=1)),
        step_with(layout, RecordingEngine(), seed=1),
    ]
    signatures = [dict(base), *(dict(each.signature(pair())) for each in others)]
    other_weights = step_with(layout, RecordingEngine())
    other_weights.weights["unet"] = "ff"
    signatures.append(dict(other_weights.signature(pair())))
    assert len({json.dumps(each, sort_keys=True) for each in signatures}) == 5


def test_the_picture_carries_its_recipe_and_the_same_pair_gives_the_same_bytes(layout: Layout, tmp_path: Path):
    files = []
    for _ in range(2):
        step = step_with(layout, RecordingEngine())
        (produced,) = step.run([step.read(pair())])
        files.append(next(iter(produced.files.values()))())
    assert files[0] == files[1]
    (tmp_path / "x.png").write_bytes(files[0])
    recipe = images.read_recipe(tmp_path / "x.png")
    assert recipe is not None
    assert (recipe["engine"], recipe["version"], recipe["preview"]) == ("recording", 3, True)
    assert (recipe["weights"], recipe["settings"]) == ({"unet": "ab12"}, {"strength": 0.5})
    assert str(recipe["seed"]) == produced.facts["seed"]
    assert "mask_free" not in recipe


def test_what_an_engine_knows_about_a_picture_stands_beside_what_the_step_sees(layout: Layout):
    step = step_with(layout, RecordingEngine(paint=0))
    ann, bob = step.run([step.read(pair("ann")), step.read(pair("bob"))])
    assert [each.flag for each in ann.notices] == [Flag.PREVIEW_ONLY, Flag.RESULT_BLANK]
    assert bob.notices == (*ann.notices, Notice(Flag.LEGS_BENT, "bob"))


def test_further_pictures_are_declared_by_the_settings_before_anything_is_loaded(layout: Layout):
    engine = RecordingEngine(config=StrengthConfig(looks=True))
    step = step_with(layout, engine)
    declared = step.writes(pair())
    assert declared == (TRYON.of("ann__tee", "recording"), ATTENTION.of("ann__tee", "recording"))
    assert engine.loads == []
    (produced,) = step.run([step.read(pair())])
    assert tuple(produced.files) == declared
    assert step.signature(pair()) == step_with(layout, RecordingEngine()).signature(pair())


def test_how_an_engine_samples_stands_in_the_recipe_and_an_engine_that_says_nothing_leaves_no_trace(
    layout: Layout, tmp_path: Path
):
    recipes = []
    for described in ({"steps": 20}, {}):
        step = step_with(layout, RecordingEngine(described=described))
        (produced,) = step.run([step.read(pair())])
        (tmp_path / "x.png").write_bytes(produced.files[TRYON.of("ann__tee", "recording")]())
        recipes.append(images.read_recipe(tmp_path / "x.png"))
    assert recipes[0]["sampling"] == {"steps": 20}
    assert "sampling" not in recipes[1]


def test_stand_ins_are_flagged_and_real_results_are_not(layout: Layout):
    for approximate in (True, False):
        step = step_with(layout, RecordingEngine(approximate=approximate))
        (produced,) = step.run([step.read(pair())])
        assert [each.flag for each in produced.notices] == ([Flag.PREVIEW_ONLY] if approximate else [])


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_blank_result_is_flagged(layout: Layout, grey: int):
    step = step_with(layout, RecordingEngine(approximate=False, paint=grey))
    (produced,) = step.run([step.read(pair())])
    assert [each.flag for each in produced.notices] == [Flag.RESULT_BLANK]


def test_an_empty_mask_says_nothing_about_the_result():
    assert painted_spread(np.zeros((*SIZE, 3), np.uint8), np.zeros(SIZE, bool)) is None


def test_the_second_pass_of_an_outfit_records_both_and_is_redone_with_the_first(layout: Layout, tmp_path: Path):
    first = pair(garment="jeans", category=Category.LOWER, engine="first")
    halfway = Person("ann+jeans", "outfit/ann+jeans.png", after=first)
    worn = Pair(halfway, Garment("tee", "inputs:y"), "recording", outfit="jeans+tee")
    engine = RecordingEngine()
    step, early = step_with(layout, engine), step_with(layout, RecordingEngine(name="first"), seed=3)
    for category in Category:
        shutil.copy(layout.path(AGNOSTIC_MASK.of("ann", category)), layout.path(AGNOSTIC_MASK.of("ann+jeans", category)))
    (made,) = early.run([early.read(first)])
    path = layout.path(TRYON.of("ann__jeans", "first"))
    path.parent.mkdir(parents=True)
    path.write_bytes(made.files[TRYON.of("ann__jeans", "first")]())
    (produced,) = step.run([step.read(worn)])
    assert step.writes(worn) == ("tryon/recording/ann__jeans+tee.png",) and "tryon/first/ann__jeans.png" in step.reads(worn)
    assert engine.encoded == ["ann+jeans", "tee"]
    (tmp_path / "x.png").write_bytes(produced.files[step.writes(worn)[0]]())
    recipe = images.read_recipe(tmp_path / "x.png")
    assert recipe is not None and (recipe["person"], recipe["before"]) == ("ann", [images.read_recipe(path)])
    passes = [(each["garment"], each["category"], each["engine"]) for each in recipe["passes"]]
    assert passes == [("jeans", "lower", "first"), ("tee", "upper", "recording")]
    assert recipe["passes"][1]["seed"] == recipe["seed"] and recipe["passes"][0]["seed"] == int(made.facts["seed"])


def test_the_recipe_says_that_an_engine_saw_no_mask(layout: Layout, tmp_path: Path):
    step = step_with(layout, RecordingEngine(masked=False))
    (produced,) = step.run([step.read(pair())])
    (tmp_path / "x.png").write_bytes(produced.files[step.writes(pair())[0]]())
    recipe = images.read_recipe(tmp_path / "x.png")
    assert recipe is not None and recipe["mask_free"] is True
