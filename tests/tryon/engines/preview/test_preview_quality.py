"""The preview measured on the development photos: real people, real garments, conditions from our own embedded steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from preview_quality import landing_of, measure

from pipeline.core.engine import GarmentInputs, PersonInputs, TryOnItem
from pipeline.core.items import Garment, Item, Person
from pipeline.core.labels import Category
from pipeline.core.layout import INPUT_PREFIX, Layout, Ref
from pipeline.core.step import Context, Step
from preprocess.agnostic.step import AgnosticConfig, AgnosticStep
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.step import BackgroundConfig, BackgroundStep
from preprocess.cloth.embedded import PlainBackground
from preprocess.cloth.step import ClothConfig, ClothStep
from preprocess.densepose.embedded import LandmarkBody
from preprocess.densepose.step import DenseposeConfig, DenseposeStep
from preprocess.parsing.embedded.parser import ColourParser
from preprocess.parsing.step import ParsingConfig, ParsingStep
from preprocess.pose.embedded import MediapipePose
from preprocess.pose.step import PoseConfig, PoseStep
from tryon.engines.preview.engine import PreviewEngine

PEOPLE = ("p01", "p02", "p03", "p04", "p06", "p07", "p08", "p10", "p11", "p12", "p13")
"""Everybody but the profile (p05), the coat (p09) and the space suit (p14), whose outlines are not a body's."""
GARMENTS = {
    Category.UPPER: ("g01", "g02", "g05", "g06", "g14"),
    Category.LOWER: ("g08", "g10"),
    Category.DRESS: ("g11", "g12"),
}
FULL_BODY = ("p04", "p07", "p13")
"""Standing people in trousers, seen down to the feet."""


def produce(step: Step, items: Sequence[Item], layout: Layout) -> None:
    """Run one step over its items, as the runner would."""
    step.load()
    for item in items:
        (made,) = step.run([step.read(item)])
        for ref, encode in made.files.items():
            layout.path(ref).parent.mkdir(parents=True, exist_ok=True)
            layout.path(ref).write_bytes(encode())


@pytest.fixture(scope="module")
def layout(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Conditions of all people and garments of this page."""
    layout = Layout(samples, tmp_path_factory.mktemp("preview"))
    context = Context(layout)
    people = [
        Person(path.stem[:3], ref_of(samples, path), tuple(Category)) for path in sorted((samples / "person").glob("*.jpg"))
    ]
    people = [person for person in people if person.id in PEOPLE]
    for step in (
        BackgroundStep(BackgroundConfig(), context, EmbeddedMatte()),
        PoseStep(PoseConfig(), context, MediapipePose()),
        DenseposeStep(DenseposeConfig(), context, LandmarkBody()),
        ParsingStep(ParsingConfig(), context, ColourParser()),
        AgnosticStep(AgnosticConfig(), context),
    ):
        produce(step, people, layout)
    cloths = [path for path in sorted((samples / "cloth").glob("*.jpg")) if path.stem[:3] in sum(GARMENTS.values(), ())]
    garments = [Garment(path.stem[:3], ref_of(samples, path), category_of(path.stem[:3])) for path in cloths]
    produce(ClothStep(ClothConfig(), context, PlainBackground()), garments, layout)
    return layout


def ref_of(samples: Path, path: Path) -> Ref:
    return INPUT_PREFIX + path.relative_to(samples).as_posix()


def category_of(garment: str) -> Category:
    return next(category for category, names in GARMENTS.items() if garment in names)


@pytest.mark.slow
@pytest.mark.samples
@pytest.mark.parametrize("category", list(Category))
def test_the_preview_lies_within_the_limits_on_real_people(layout: Layout, category: Category):
    engine = PreviewEngine()
    garments = {name: engine.encode(GarmentInputs(Garment(name, "", category), layout)) for name in GARMENTS[category]}
    problems = {}
    for person in PEOPLE if category is Category.UPPER else FULL_BODY:
        subject = engine.encode(PersonInputs(Person(person, ""), category, layout))
        for name, garment in garments.items():
            (made,) = engine.generate([TryOnItem(subject, garment, 0)])
            report = measure(subject, garment.cloth, made.picture, landing_of(subject, garment))
            if report.failures():
                problems[person, name] = {figure: getattr(report, figure) for figure in report.failures()}
    assert not problems
