"""Moving code redoes nobody's pictures: what an earlier version made is still up to date."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.api import Request, plan
from pipeline.assembly import StepBuilder
from pipeline.catalog import BACKENDS, ENGINES, STEPS, StageEntry, resolve
from pipeline.core.items import Background, Garment, Item, Pair, Person, Scene, Unit
from pipeline.core.labels import Category
from pipeline.core.layout import Layout
from pipeline.core.step import Context
from pipeline.planning.decisions import Action
from pipeline.planning.reasons import Code

RECORDED = Path(__file__).parents[1] / "data" / "before_the_rooms"
RAISED: dict[str, str] = dict.fromkeys(
    ("tryon stableviton", "tryon stableviton_1024", "tryon sift_vton"), "exact norm, attention in fp32, no wasted call"
) | {
    **dict.fromkeys(
        (
            f"cloth {name}"
            for name in ("embedded", "birefnet-general", "birefnet-general-lite", "isnet-general-use", "u2net", "u2net-cloth-seg")
        ),
        "a print is no wearer",
    ),
    **dict.fromkeys(
        (f"background {name}" for name in BACKENDS["background"]),
        "gaps that were filled are opened, shadows at the feet stay on the floor",
    ),
    **dict.fromkeys((f"restore {name}" for name in BACKENDS["background"]), "the gate sees shape, unpainted hands stay solid"),
    "compose": "people take on the scene's light, nobody stands on water, groups are of one body size",
    "agnostic": "lower masks settle the waist, shoulders where OpenPose sees them",
    "tryon preview": "short garments stay short",
    "parsing embedded": "two garments of one colour are parted at the hem's shadow",
    "parsing schp": "corners on corners, holes by their outline",
    "parsing fashn": "the size of its training, whatever a file beside it says",
}
"""Key of `signatures.json` (step, then backend or engine) → the commit that moved its pixels on purpose."""

MADE_WITH = ("", "embedded", "preview")
"""What made the recorded workspace, as the second half of a key."""

ANN = Person("ann", "inputs/person/ann.jpg", (Category.UPPER, Category.LOWER), ("hr-viton", ""))
TEE = Garment("tee", "inputs/cloth/upper/tee.jpg")


def item_of(unit: Unit, engine: str) -> Item:
    pair = Pair(ANN, TEE, engine, attempt=2)
    return {
        Unit.PERSON: ANN,
        Unit.GARMENT: TEE,
        Unit.PAIR: pair,
        Unit.SCENE: Scene(pair, Background("sea", "inputs/background/sea.jpg")),
    }[unit]


def choices(entry: StageEntry) -> Iterator[tuple[str, dict]]:
    """Every way to build a step: by backend, by engine, or the only one."""
    if entry.backend == "engine":
        for name, row in ENGINES.items():
            yield name, {"engines": {name: resolve(row.config)()}}
    elif entry.backend:
        for name, target in BACKENDS[entry.backend].items():
            yield name, {"backend": target}
    else:
        yield "", {}


def signatures(folder: Path) -> dict[str, dict]:
    """Step, then backend or engine → what its fingerprints say beside the contents of files."""
    context = Context(Layout(inputs=folder / "inputs", outputs=folder / "outputs", weights=folder / "weights"), seed=7)
    found = {}
    for entry in (entry for entries in STEPS.values() for entry in entries):
        for name, how in choices(entry):
            step = StepBuilder(entry, resolve(entry.config)(), context, **how)()
            item = item_of(step.unit, name if entry.backend == "engine" else "preview")
            found[f"{step.name} {name}".strip()] = {
                "version": step.version,
                "settings": step.config.model_dump(mode="json"),
                "signature": dict(step.signature(item)),
                "reads": list(step.reads(item)),
                "writes": list(step.writes(item)),
            }
    return found


@pytest.fixture(scope="module")
def recorded() -> dict[str, dict]:
    return json.loads((RECORDED / "signatures.json").read_text())


def test_an_older_outputs_folder_is_up_to_date(tmp_path: Path):
    with zipfile.ZipFile(RECORDED / "workspace.zip") as archive:
        archive.extractall(tmp_path)
    request = Request(inputs=tmp_path / "inputs", outputs=tmp_path / "outputs", overrides=("compose.layers=true",))
    found = plan(request)
    raised = {step for step, _, made_with in (key.partition(" ") for key in RAISED) if made_with in MADE_WITH}
    redone = [
        (stage.stage, decision.reason.text)
        for stage in found.stages
        for decision in stage.of(Action.RUN, Action.FOLLOW)
        if stage.stage not in raised and not (raised and decision.reason.code is Code.UPSTREAM)
    ]
    assert not redone
    assert sum(stage.total for stage in found.stages) == 10
    assert raised or sum(stage.done for stage in found.stages) == 10


def test_what_decides_the_pixels_reads_as_before(tmp_path: Path, recorded: dict[str, dict]):
    now = signatures(tmp_path)
    for key, then in recorded.items():
        if key not in RAISED:
            assert now[key] == then, key
