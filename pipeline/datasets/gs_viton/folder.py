"""A folder of the GS-VITON demo as it is on disk: the files of each person and garment, in whatever state of completion.

Facts: docs/facts/gs_viton_folder.md#files.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.core.errors import UsageError
from pipeline.core.images import SUFFIXES
from pipeline.datasets.gs_viton.square import Cut
from pipeline.datasets.tree import FolderIndex, folder_named, pictures_in

INPUTS = ("inputs", "datasets", "input")
OUTPUTS = ("output", "outputs")
PHOTOS = ("org_img",)
REMOVED = ("background_step1",)
SQUARES = ("image", "output_img")
POINTS = ("openpose-json", "output_posejson")
DRAWN = ("openpose-img", "output_pose")
PARSED = ("cihp_parsing",)
CLOTH = ("cloth",)
CLOTH_MASK = ("cloth-mask",)
SCENES = ("bg_images",)
RESULTS = ("viton-hd",)
FINAL = ("final",)
INSTANCE = "_cnt_"
REMOVED_TAIL = "_background_removed"
FINAL_TAIL = "_bg_insert"
NAME = re.compile(rf"(?P<photo>.+?)(?:{INSTANCE}(?P<instance>\d+))?(?:{REMOVED_TAIL})?")
"""What the demo makes of a photo's name: `ann_cnt_0_background_removed`."""


@dataclass(frozen=True)
class SeedPerson:
    """The files of one person.

    Args:
        photo: the photo's name without suffix.
        instance: which of the photo's detected things they are, counted by the demo; None where the names do not say.
        original: the photo.
        removed: the person on even grey, in the photo's size (step 1).
        square: the same as a square (step 2).
        points: OpenPose's key-points in the square.
        drawn: its skeleton picture.
        parsed: the parse map of the square (step 3).
        also: further names without suffix under which lists may mean them.
        base: the picture of which the square is known to be a part, and `cut`: which part; None = not known.
    """

    photo: str
    instance: int | None = None
    original: Path | None = None
    removed: Path | None = None
    square: Path | None = None
    points: Path | None = None
    drawn: Path | None = None
    parsed: Path | None = None
    also: tuple[str, ...] = ()
    base: Path | None = None
    cut: Cut | None = None

    @property
    def source(self) -> Path:
        """The picture that becomes the input: what step 1 left of the photo, else the photo, as far as the square allows.

        Where key-points are given the square must be found in it; otherwise the square itself is the input.
        """
        rest = (self.square,) if self.points is not None else ()
        source: Path | None = next(
            (each for each in (self.base, *rest, self.removed, self.square, self.original) if each is not None), None
        )
        assert source is not None
        return source

    @property
    def stems(self) -> tuple[str, ...]:
        """Names without suffix under which lists and results may mean this person, the demo's own first."""
        paths = (self.square, self.removed, self.original)
        number = "" if self.instance is None else f"{INSTANCE}{self.instance}"
        made = (f"{self.photo}{number}{REMOVED_TAIL}", f"{self.photo}{number}", self.photo)
        return tuple(dict.fromkeys([*(path.stem for path in paths if path is not None), *made, *self.also]))


@dataclass(frozen=True)
class SeedFolder:
    """One folder of the demo.

    Args:
        inputs, outputs: its two halves; `outputs` need not exist.
        people: in the order of their names.
        cloths: garment pictures by name.
        masks: their masks.
        results: pictures of step 4 by stem; those of a run's own sub-folder too.
        finals: pictures of step 5 by stem.
        not_read: folders of results that are passed over, because an earlier one has the same pictures.
    """

    inputs: Path
    outputs: Path
    people: tuple[SeedPerson, ...]
    cloths: tuple[Path, ...]
    masks: FolderIndex
    results: dict[str, Path]
    finals: dict[str, Path]
    not_read: tuple[Path, ...] = ()


def read_folder(folder: Path) -> SeedFolder:
    """List a folder of the demo.

    Args:
        folder: holds `inputs/` and `output/`; or is the first of the two.

    Raises:
        UsageError: no such folder, or nobody in it.
    """
    inputs, outputs = _halves(folder)
    cloth = folder_named(inputs, CLOTH)
    people = _people(inputs, outputs)
    if not people:
        raise UsageError(f"{inputs}: no pictures in {PHOTOS[0]}/ or {SQUARES[0]}/", "point at the folder that holds inputs/")
    results, passed = _results(folder_named(outputs, RESULTS))
    final = folder_named(outputs, FINAL)
    finals = {} if final is None else {Path(name).stem: final / name for name in pictures_in(final)}
    cloths = () if cloth is None else tuple(cloth / name for name in pictures_in(cloth))
    return SeedFolder(inputs, outputs, people, cloths, FolderIndex(folder_named(inputs, CLOTH_MASK)), results, finals, passed)


def _halves(folder: Path) -> tuple[Path, Path]:
    root = folder_named(folder, INPUTS)
    if root is not None:
        return root, folder_named(folder, OUTPUTS) or folder / OUTPUTS[0]
    if folder_named(folder, (*PHOTOS, *SQUARES)) is not None:
        return folder, folder_named(folder.parent, OUTPUTS) or folder.parent / OUTPUTS[0]
    raise UsageError(
        f"no folder of GS-VITON: there is no {folder / INPUTS[0] / PHOTOS[0]} or {folder / INPUTS[0] / SQUARES[0]}",
        "point at the folder that holds inputs/ and output/",
    )


def _people(inputs: Path, outputs: Path) -> tuple[SeedPerson, ...]:
    """Everybody of whom there is a picture; where only the photo is there, who is in it is not known yet."""
    photos, removed, squares = (folder_named(*each) for each in ((inputs, PHOTOS), (outputs, REMOVED), (inputs, SQUARES)))
    found: dict[tuple[str, int | None], SeedPerson] = {}
    originals = {Path(name).stem: photos / name for name in pictures_in(photos)} if photos is not None else {}
    for name in [] if removed is None else pictures_in(removed):
        if REMOVED_TAIL in name:  # the others are overlays: the photo with the found areas drawn on it
            person = _named(Path(name).stem)
            found[person.photo, person.instance] = replace(person, removed=(removed or Path()) / name)
    for name in [] if squares is None else pictures_in(squares):
        person = _named(Path(name).stem)
        key = _same(person, found)
        found[key] = replace(found.get(key, person), square=(squares or Path()) / name)
    for photo in originals.keys() - {photo for photo, _ in found}:
        found[photo, None] = SeedPerson(photo)
    companions = (
        FolderIndex(folder_named(inputs, POINTS), ("_keypoints", "")),
        FolderIndex(folder_named(inputs, DRAWN), ("_rendered", "")),
        FolderIndex(folder_named(outputs, PARSED)),
    )
    people = (_with(person, originals.get(person.photo), companions) for person in found.values())
    return tuple(sorted(people, key=lambda each: (each.photo, -1 if each.instance is None else each.instance)))


def _named(stem: str) -> SeedPerson:
    match = NAME.fullmatch(stem)
    assert match is not None
    instance = match["instance"]
    return SeedPerson(match["photo"], None if instance is None else int(instance))


def _same(person: SeedPerson, found: dict[tuple[str, int | None], SeedPerson]) -> tuple[str, int | None]:
    """The key of a person: a square without an instance's number is the only one that its photo has."""
    own = [key for key in found if key[0] == person.photo]
    return own[0] if person.instance is None and len(own) == 1 else (person.photo, person.instance)


def _with(person: SeedPerson, original: Path | None, companions: tuple[FolderIndex, FolderIndex, FolderIndex]) -> SeedPerson:
    if person.square is None:
        return replace(person, original=original)
    points, drawn, parsed = (index.of(person.square.stem) for index in companions)
    return replace(person, original=original, points=points, drawn=drawn, parsed=parsed)


def ids_of(people: tuple[SeedPerson, ...]) -> list[str]:
    """A plain name each: the photo's, with the instance's number where a photo has several people."""
    counts = Counter(person.photo for person in people)
    return [
        person.photo if counts[person.photo] == 1 or person.instance is None else f"{person.photo}{INSTANCE}{person.instance}"
        for person in people
    ]


def _results(folder: Path | None) -> tuple[dict[str, Path], tuple[Path, ...]]:
    """Pictures of step 4 by stem: those directly in the folder first, then those of each run's sub-folder, by name."""
    found: dict[str, Path] = {}
    passed: list[Path] = []
    if folder is None:
        return found, ()
    for place in (folder, *sorted(each for each in folder.iterdir() if each.is_dir())):
        own = {entry.stem: entry for entry in sorted(place.iterdir()) if entry.suffix.lower() in SUFFIXES and entry.is_file()}
        if own.keys() & found.keys():
            passed.append(place)
        found = own | found
    return found, tuple(passed)
