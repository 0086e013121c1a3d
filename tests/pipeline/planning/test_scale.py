"""Ten thousand photos: a run with nothing to do is quick, and memory does not grow with the folder."""

from __future__ import annotations

import hashlib
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from killable import pipe, process
from measured import quiet_heap, slowness
from small_steps import SmallConfig, World, paint

from pipeline.core.items import Background, Garment, Item, Pair, Person, Scene, Unit
from pipeline.core.layout import (
    AGNOSTIC,
    AGNOSTIC_MASK,
    CLOTH,
    CLOTH_MASK,
    CUTOUT,
    DENSEPOSE,
    DENSEPOSE_IUV,
    DRESSED_CUTOUT,
    FINAL,
    FRAME,
    IMAGE,
    LANDMARKS,
    LEDGER,
    MATTE,
    PARSE,
    PARSE_AGNOSTIC,
    POSE_IMAGE,
    POSE_JSON,
    TRYON,
    Folder,
    Layout,
    PerCategory,
    Ref,
    settings_file,
)
from pipeline.core.records.fingerprint import Fingerprinter
from pipeline.core.records.ledger import Ledger
from pipeline.core.records.ledger_rows import FileRow, Outcome, Status
from pipeline.core.records.store import Store
from pipeline.core.records.transaction import open_records
from pipeline.core.step import Context, Stage, StepBase
from pipeline.planning.plan import make_plan
from pipeline.running.runner import run_stages

PEOPLE = 10_000
PHOTO_PX = 640
LIMIT_SECONDS = 3.0
"""On the machine that `measured` stands on; a slower one may take longer in proportion."""
ROUNDS = 3
"""A neighbour that fills the processor's caches makes everything a third slower, for a while."""


class PersonStep(StepBase):
    """A step that reads and writes as a real one does; it never works here."""

    unit = Unit.PERSON

    def __init__(self, name: str, reads: Sequence[Folder], writes: Sequence[Folder | PerCategory], context: Context) -> None:
        super().__init__(SmallConfig(), context)
        self.name = name  # type: ignore[misc]
        self._reads, self._writes = reads, writes

    def reads(self, item: Item) -> Sequence[Ref]:
        return [item.source, *(folder.of(item.id) for folder in self._reads)]

    def may_read(self, item: Item) -> Sequence[Ref]:
        return (settings_file(item.source),) if self.name == "background" else ()

    def writes(self, item: Item) -> Sequence[Ref]:
        refs = [folder.of(item.id) for folder in self._writes if isinstance(folder, Folder)]
        per_category = [folder for folder in self._writes if isinstance(folder, PerCategory)]
        return refs + [folder.of(item.id, category) for folder in per_category for category in item.categories]

    def signature(self, item: Item) -> Mapping[str, str]:
        return {"backend": "embedded", "backend_version": "1"}

    def read(self, item: Item) -> Any:
        raise AssertionError("nothing was to do")

    def run(self, inputs: Sequence[Any]) -> Any:
        raise AssertionError("nothing was to do")


class GarmentStep(PersonStep):
    unit = Unit.GARMENT


class TryOn(PersonStep):
    unit = Unit.PAIR

    def reads(self, item: Item) -> Sequence[Ref]:
        person, garment = item.person.id, item.garment.id
        masks = [folder.of(person, item.garment.category) for folder in (AGNOSTIC, AGNOSTIC_MASK)]
        return [IMAGE.of(person), DENSEPOSE.of(person), *masks, CLOTH.of(garment), CLOTH_MASK.of(garment)]

    def writes(self, item: Item) -> Sequence[Ref]:
        return (TRYON.of(item.id, item.engine),)


class Restore(TryOn):
    def reads(self, item: Item) -> Sequence[Ref]:
        return [TRYON.of(item.id, item.engine), item.person.source, FRAME.of(item.person.id), MATTE.of(item.person.id)]

    def writes(self, item: Item) -> Sequence[Ref]:
        return (FINAL.of(f"{item.id}__original", item.engine), DRESSED_CUTOUT.of(item.id, item.engine))


class Place(TryOn):
    unit = Unit.SCENE

    def reads(self, item: Item) -> Sequence[Ref]:
        return [DRESSED_CUTOUT.of(item.pair.id, item.pair.engine), item.background.source]

    def may_read(self, item: Item) -> Sequence[Ref]:
        return (settings_file(item.background.source),)

    def writes(self, item: Item) -> Sequence[Ref]:
        return (FINAL.of(item.id, item.pair.engine),)


def big_stages(
    layout: Layout, people: int, garments: Sequence[str] = ("shirt",), backgrounds: Sequence[str] = ("sea", "town")
) -> list[Stage]:
    """The way of a picture: four person stages, one garment stage, two pair stages, one scene stage."""
    context = Context(layout)
    persons = [Person(f"photo_{number:05d}", f"inputs:person/photo_{number:05d}.jpg") for number in range(people)]
    wardrobe = [Garment(name, f"inputs:cloth/{name}.jpg") for name in garments]
    pairs = [Pair(person, garment, "preview") for person in persons for garment in wardrobe]
    scenery = [Background(name, f"inputs:background/{name}.jpg") for name in backgrounds]
    scenes = [Scene(pair, background) for pair in pairs for background in scenery]
    body = (IMAGE, POSE_JSON)
    return [
        Stage(PersonStep("background", (), (CUTOUT, MATTE, LANDMARKS), context), persons),
        Stage(PersonStep("pose", (LANDMARKS,), (FRAME, IMAGE, POSE_JSON, POSE_IMAGE), context), persons),
        Stage(PersonStep("densepose", body, (DENSEPOSE, DENSEPOSE_IUV), context), persons),
        Stage(PersonStep("parsing", (*body, MATTE, FRAME), (PARSE,), context), persons),
        Stage(PersonStep("agnostic", (*body, PARSE), (AGNOSTIC_MASK, AGNOSTIC, PARSE_AGNOSTIC), context), persons),
        Stage(GarmentStep("cloth", (), (CLOTH, CLOTH_MASK), context), wardrobe),
        Stage(TryOn("tryon", (), (), context), pairs),
        Stage(Restore("restore", (), (), context), pairs),
        Stage(Place("compose", (), (), context), scenes),
    ]


def refs_of(stages: Sequence[Stage]) -> list[Ref]:
    """Every file that is read or written, each once."""
    refs = (ref for stage in stages for item in stage.items for ref in (*stage.step.reads(item), *stage.step.writes(item)))
    return list(dict.fromkeys(refs))


def fill(layout: Layout, stages: Sequence[Stage]) -> None:
    """Write every file and record every item, as a run would have."""
    for folder in ("person", "cloth", "background"):
        (layout.inputs / folder).mkdir(parents=True)
    record(layout, stages, {ref: _write(layout, ref) for ref in refs_of(stages)})


def record(layout: Layout, stages: Sequence[Stage], rows: dict[Ref, FileRow]) -> None:
    """Write the ledger that a run would have left."""
    outcomes = []
    for stage in stages:
        printer = Fingerprinter(stage.step, lambda ref: rows[ref].seen or rows[ref].made if ref in rows else None)
        for item in stage.items:
            fingerprint, writes = printer.of(item), tuple(stage.step.writes(item))
            assert fingerprint is not None
            outcomes.append(_outcome(stage.name, item, fingerprint, printer.basis(item).to_json(), writes))
            rows.update({ref: rows[ref]._replace(fingerprint=fingerprint, made=rows[ref].seen, seen="") for ref in writes})
    ledger = Ledger(layout.outputs / LEDGER, durable=False)
    ledger.settle(rows.values(), outcomes)
    ledger.close()


def _write(layout: Layout, ref: Ref) -> FileRow:
    path, data = layout.path(ref), ref.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    status = path.stat()
    return FileRow(ref, "", "", hashlib.sha256(data).hexdigest(), status.st_size, status.st_mtime_ns, status.st_ino)


def _imagine(ref: Ref) -> FileRow:
    """The row of a file that is not on the disk."""
    return FileRow(ref, "", "", hashlib.sha256(ref.encode()).hexdigest(), len(ref), 1_700_000_000_000_000_000, 1)


def _outcome(step: str, item: Item, fingerprint: str, basis: str, writes: tuple[Ref, ...]) -> Outcome:
    return Outcome(
        slot=writes[0], step=step, item=item.id, status=Status.DONE, fingerprint=fingerprint, basis=basis, writes=writes
    )


def memory_of_run(root: Path, people: int, answer: Connection) -> None:
    """The body of a process: work on so many photos, tell the peak of its memory in bytes."""
    world = World(root, persons=[f"p{number}" for number in range(people)])
    world.run("background", "pose", "agnostic")
    answer.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def peak_memory(root: Path, people: int) -> int:
    paint(root / "photo.png", 1, size=PHOTO_PX)
    (root / "inputs" / "person").mkdir(parents=True)
    for number in range(people):
        shutil.copy(root / "photo.png", root / "inputs" / "person" / f"p{number}.png")
    here, there = pipe()
    with process(memory_of_run, root, people, there):
        assert here.poll(120), "the run did not end"
        peak: int = here.recv()
        return peak


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few, many = peak_memory(tmp_path / "few", 10), peak_memory(tmp_path / "many", 120)
    with capsys.disabled():
        sys.stdout.write(f"\npeak memory: {few >> 20} MiB for 10 photos, {many >> 20} MiB for 120\n")
    assert many - few < 20 * PHOTO_PX**2 * 3, "110 further photos may not cost as much as 20 photos held in memory"


@pytest.fixture(autouse=True)
def own_heap() -> Iterator[None]:
    with quiet_heap():
        yield


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    root = tmp_path_factory.mktemp("big")
    layout = Layout(root / "inputs", root / "outputs", root / "weights")
    fill(layout, big_stages(layout, PEOPLE))
    return layout


def least(work: Callable[[], float]) -> tuple[float, float]:
    """How slow the machine was and the processor seconds, of the round that took least for such a machine."""
    return min(((slowness(), work()) for _ in range(ROUNDS)), key=lambda each: each[1] / each[0])


def nothing_to_do(big: Layout, writable: bool) -> float:
    """Processor seconds of one run, or one dry run, that finds everything made."""
    begun = time.process_time()
    stages = big_stages(big, PEOPLE)
    with open_records(big, writable=writable, store=Store(big, durable=False)) as records:
        if writable:
            summary = run_stages(stages, records)
            assert (summary.made, summary.failures) == (0, [])
            assert sum(stage.up_to_date for stage in summary.stages) == 7 * PEOPLE + 1 + 2 * PEOPLE
        else:
            assert make_plan(stages, records).lines() == []
    return time.process_time() - begun


@pytest.mark.slow
@pytest.mark.parametrize("writable", [False, True], ids=["dry run", "run"])
def test_nothing_to_do_over_ten_thousand_photos_takes_three_seconds(
    big: Layout, writable: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    machine, seconds = least(lambda: nothing_to_do(big, writable))
    with capsys.disabled():
        what = "run" if writable else "dry run"
        sys.stdout.write(f"\n{what}, nothing to do, {PEOPLE} photos: {seconds:.2f} s of work; machine {machine:.2f}\n")
    assert seconds < LIMIT_SECONDS * machine, "the least of the rounds: what neighbours on the machine cost does not count"


# ---- one input dropped into many recorded ones --------------------------------------------------------------------------------

ADDED = {
    "background": ("{0} compose: background moon.jpg added",),
    "garment": ("1 cloth: garment added", "{0} tryon: garment coat.jpg added", "{1} compose: garment coat.jpg added"),
    "person": ("1 background: photo added", "{0} tryon: photo added", "{1} compose: photo added"),
}
"""What was added → lines of the plan, with places for the number of recorded inputs and its double."""


def before_and_after(layout: Layout, added: str, count: int) -> tuple[list[Stage], list[Stage]]:
    """Stages with so many recorded inputs, and the same with one input more of a kind."""
    if added == "background":
        return big_stages(layout, count), big_stages(layout, count, backgrounds=("sea", "town", "moon"))
    if added == "garment":
        return big_stages(layout, count), big_stages(layout, count, ("shirt", "coat"))
    wardrobe = [f"garment_{number:05d}" for number in range(count)]
    return big_stages(layout, 1, wardrobe), big_stages(layout, 2, wardrobe)


def seconds_of_plan(layout: Layout, added: str, count: int) -> tuple[float, list[str]]:
    """Processor seconds of a dry run after one input was added, and its lines; no file is on the disk, only planning counts."""
    before, after = before_and_after(layout, added, count)
    record(layout, before, {ref: _imagine(ref) for ref in refs_of(before)})
    made = {ref for stage in after for item in stage.items for ref in stage.step.writes(item)}
    there = {*refs_of(before), *(ref for ref in refs_of(after) if ref not in made)}
    listing: dict[Path, dict[str, tuple[int, int, int] | None]] = {}
    for row in map(_imagine, sorted(there)):
        path = layout.path(row.ref)
        listing.setdefault(path.parent, {})[path.name] = row[4:7]
    begun = time.process_time()
    with open_records(layout, writable=False) as records:
        records.contents.ahead = lambda folder: listing.get(folder, {})
        lines = [line.text for line in make_plan(after, records).lines()]
    return time.process_time() - begun, lines


def one_new_background(big: Layout) -> float:
    """Processor seconds of planning with one more background than was recorded."""
    begun = time.process_time()
    stages = big_stages(big, PEOPLE, backgrounds=("sea", "town", "moon"))
    with open_records(big, writable=False) as records:
        lines = [line.text for line in make_plan(stages, records).lines()]
    seconds = time.process_time() - begun
    assert lines == [f"{PEOPLE} compose: background moon.jpg added"]
    return seconds


@pytest.mark.slow
def test_planning_one_new_background_for_ten_thousand_photos_takes_three_seconds(
    big: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    (big.inputs / "background" / "moon.jpg").write_bytes(b"moon")
    machine, seconds = least(lambda: one_new_background(big))
    with capsys.disabled():
        sys.stdout.write(f"\none new background, {PEOPLE} photos: {seconds:.2f} s of work; machine {machine:.2f}\n")
    assert seconds < LIMIT_SECONDS * machine


@pytest.mark.slow
@pytest.mark.parametrize("added", ADDED)
def test_planning_one_more_input_grows_with_the_number_of_recorded_ones_and_not_with_its_square(
    tmp_path: Path, added: str, capsys: pytest.CaptureFixture[str]
) -> None:
    few, many = 2_000, 4_000
    seconds = {}
    for count in (few, many):
        layout = Layout(tmp_path / f"inputs {count}", tmp_path / f"outputs {count}", tmp_path)
        seconds[count], lines = seconds_of_plan(layout, added, count)
        assert {text.format(count, 2 * count) for text in ADDED[added]} <= set(lines)
    with capsys.disabled():
        sys.stdout.write(f"\none new {added}: {seconds[few]:.2f} s for {few}, {seconds[many]:.2f} s for {many}\n")
    assert seconds[many] < 3 * seconds[few], "linear is 2, quadratic is 4"
