"""A GS-VITON folder as a tree to import: who is in it, what of each person can be used, and what has to be said about it.

Facts: docs/facts/gs_viton_folder.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.core import images
from pipeline.core.arrays import RGB
from pipeline.core.errors import InputError, UsageError
from pipeline.core.frame import STUDIO_GREY
from pipeline.core.inputs.pair_list.names import GARMENT_FOLDERS, PERSON_FOLDERS, Named, Names
from pipeline.core.inputs.pair_list.reader import PairList
from pipeline.core.inputs.scan import Problem
from pipeline.core.keypoints import BODY_POINTS, Keypoints
from pipeline.core.labels import Category, Joint
from pipeline.datasets.given_masks import Assumed
from pipeline.datasets.gs_viton import square
from pipeline.datasets.gs_viton.folder import SeedFolder, SeedPerson, ids_of, read_folder
from pipeline.datasets.tree import CURE, Kind, Published, Tree, names_of, read_pairs
from preprocess.pose.keypoint_files import read_keypoints

STEPS = ("none", "step1", "step2", "step3", "step4", "step5")
PART = "gs-viton"
PAIRS, VALUES = "test_pairs.txt", "val.txt"
BROAD = 0.8
"""Shoulders / torso above which somebody looks stretched: upright drawn and rendered people have 0.53 to 0.75, the rendered ones
squashed from 3:4 into a square 0.71 to 0.86."""
STRETCHED = "looks stretched in width, as when a 3:4 photo is squashed into a square; used as it is, so garments fit a broad body"
PADDED = "its edges have one colour, so they count as padding and are left out"
UNKNOWN = "no known cut of {}; used as it is"


@dataclass(frozen=True)
class Reading:
    """What an import takes from a folder.

    Args:
        tree: people, garments, pairs, and what has to be said.
        folder: the files behind them.
    """

    tree: Tree
    folder: SeedFolder


def read_gs_viton(folder: Path, pairs: bool = True, until: str = STEPS[-1]) -> Reading:
    """Read a folder in whatever state of completion.

    Args:
        folder: holds `inputs/` and `output/`.
        pairs: read the list of pairs, where there is one.
        until: the last of the demo's steps whose results are used: `none`, `step1` … `step5`.

    Raises:
        UsageError: no such folder, or a list of which no line names a pair.
    """
    there = _until(read_folder(folder), STEPS.index(until))
    assumed, problems = Assumed(), list[Problem]()
    there = replace(there, people=tuple(_settled(each, assumed, problems) for each in there.people))
    people = tuple(
        Published(f"{name}{person.source.suffix}", PART, Category.UPPER, _files(person))
        for name, person in zip(ids_of(there.people), there.people, strict=True)
    )
    garments = tuple(_garment(path, there) for path in there.cloths)
    listed, notes = _pairs(there, garments, pairs)
    notes += [f"{place}: its results are passed over, an earlier folder has the same" for place in there.not_read]
    problems += [*listed.problems, *_values(there)]
    tree = Tree(people, garments, listed.pairs, problems=tuple(problems), notes=(*listed.notes, *notes, *assumed.lines()))
    return Reading(tree, there)


def _until(there: SeedFolder, step: int) -> SeedFolder:
    """What the first steps of the demo made; of a photo whose people are not known then, the photo alone."""
    if step < 2:
        cut_out = [replace(each, square=None, points=None, drawn=None, parsed=None) for each in there.people if each.removed]
        known = {each.photo: each for each in cut_out} if step == 1 else {}
        photos = {
            each.photo: SeedPerson(each.photo, original=each.original, also=_all_stems(each.photo, there))
            for each in there.people
            if each.original
        }
        people = [*(cut_out if step == 1 else ()), *(each for photo, each in photos.items() if photo not in known)]
        there = replace(there, people=tuple(sorted(people, key=lambda each: each.photo)))
    if step < 3:
        there = replace(there, people=tuple(replace(each, parsed=None) for each in there.people))
    if step < 4:
        there = replace(there, results={})
    return there if step >= 5 else replace(there, finals={})


def _all_stems(photo: str, there: SeedFolder) -> tuple[str, ...]:
    return tuple(stem for each in there.people if each.photo == photo for stem in each.stems)


def _settled(person: SeedPerson, assumed: Assumed, problems: list[Problem]) -> SeedPerson:
    """A person with what can be used of them: the square with readable key-points, and where it was cut out."""
    if person.square is None:
        return person
    try:
        picture = images.read_rgb(person.square)
    except InputError as damage:
        problems.append(Problem(str(person.square), damage.message, damage.remedy))
        return replace(person, square=None, points=None, drawn=None, parsed=None)
    points = _points(person, picture, assumed, problems)
    if points is None:
        if person.points is None and person.parsed is not None:
            assumed.note("there are no key-points of it, so its parse map cannot be placed; the steps make both", person.square)
        return replace(person, points=None, drawn=None, parsed=None)
    return _cut(person, picture, points, assumed)


def _points(person: SeedPerson, picture: RGB, assumed: Assumed, problems: list[Problem]) -> Keypoints | None:
    path = person.points
    if path is None:
        return None
    try:
        text = path.read_text("utf-8-sig")
        found = read_keypoints(text, picture.shape[:2], str(path))
    except (InputError, UnicodeDecodeError) as damage:
        message = damage.message if isinstance(damage, InputError) else f"{path}: not a text"
        problems.append(Problem(str(path), message.removeprefix(f"{path}: "), "nothing to do: the steps make key-points anew"))
        return None
    if (count := _count(text)) != BODY_POINTS:
        assumed.note(f"{count} points (COCO's order) instead of BODY_25: feet are missing", path)
    return found


def _count(text: str) -> int:
    content = json.loads(text)
    people = content.get("people") if isinstance(content, dict) else None
    return len(people[0]["pose_keypoints_2d"]) // 3 if people else BODY_POINTS


def _cut(person: SeedPerson, picture: RGB, points: Keypoints, assumed: Assumed) -> SeedPerson:
    """Find the square in the picture of step 1, else in the photo; say what was found out."""
    assert person.square is not None
    for base in (person.removed, person.original):
        cut = None if base is None else square.cut_of(images.read_rgb(base), picture)
        if cut is not None:
            if not cut.plain:
                assumed.note(cut.how, person.square)
            return replace(person, base=base, cut=cut)
    if (base := person.removed or person.original) is not None:
        assumed.note(UNKNOWN.format(f"{base.parent.name}/"), person.square)
    if (square.padding(picture) & ~_plain(picture)).any():
        assumed.note(PADDED, person.square)
    if looks_stretched(points):
        assumed.note(STRETCHED, person.square)
    return person


def _plain(picture: RGB) -> RGB:
    """(h, w) bool: the demo's own ground."""
    near: RGB = np.abs(picture.astype(np.int16) - STUDIO_GREY).max(2) <= square.GROUND_REACH
    return near


def looks_stretched(points: Keypoints) -> bool:
    """Whether the shoulders are broader, for the length of the torso, than those of anybody measured."""
    body = points.body
    ends = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.NECK, Joint.MID_HIP]
    if not (body[ends, 2] > 0).all():
        return False
    left, right, neck, hips = body[ends, :2]
    torso = float(np.linalg.norm(hips - neck))
    return torso > 0 and float(np.linalg.norm(left - right)) / torso > BROAD


JPEG = frozenset({".jpg", ".jpeg"})
"""Endings of label maps that are left out when they are opened."""


def _files(person: SeedPerson) -> dict[Kind, Path]:
    """What is used of a person: with the square its key-points and its parse map, and none of them alone."""
    found = {Kind.IMAGE: person.source}
    if person.square is not None and person.points is not None:
        found[Kind.POSE] = person.points
        if person.parsed is not None and person.parsed.suffix.lower() not in JPEG:
            found[Kind.PARSE] = person.parsed
    return found


def _garment(path: Path, there: SeedFolder) -> Published:
    mask = there.masks.of(path.stem)
    return Published(path.name, PART, Category.UPPER, {Kind.CLOTH: path} | ({} if mask is None else {Kind.CLOTH_MASK: mask}))


def _pairs(there: SeedFolder, garments: tuple[Published, ...], wanted: bool) -> tuple[PairList[int, int], list[str]]:
    """The pairs that the demo's list names, and what was assumed where there is none."""
    file = there.inputs / PAIRS
    if not file.is_file():
        file = there.inputs.parent / PAIRS
    if not wanted:
        return PairList(), []
    if not file.is_file():
        return PairList(), [f"there is no {there.inputs / PAIRS}: everybody wears everything"]
    return read_pairs(file, _names(there), names_of(garments, Kind.CLOTH, there.inputs, PERSON_FOLDERS)), []


def _names(there: SeedFolder) -> Names[int]:
    """Everybody under all the names that the demo gives them; the plain name of a photo with several people means nobody."""
    alone = set(ids_of(there.people))
    every = []
    for place, person in enumerate(there.people):
        for stem in person.stems:
            if stem != person.photo or stem in alone:
                every.append(Named(place, "", f"image/{stem}.jpg", f"{stem}.jpg"))
    return Names(every, GARMENT_FOLDERS)


def _values(there: SeedFolder) -> Iterator[Problem]:
    """Lines of `val.txt`, which step 3 reads, that name no picture of anybody."""
    file = there.inputs / VALUES
    if not file.is_file():
        return
    known = {stem for person in there.people for stem in person.stems}
    for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
        words = line.split()
        if words and Path(words[0]).stem not in known:
            yield Problem(f"{file}:{number}", f"there is no picture {words[0]}", CURE)


def refuse_own_folder(there: SeedFolder, inputs: Path) -> None:
    """Refuse to import a folder into itself.

    Raises:
        UsageError: the project's inputs are the demo's.
    """
    if inputs.resolve() == there.inputs.resolve():
        raise UsageError(
            f"{inputs} is GS-VITON's own folder, into which nothing is imported",
            "give the project folders of its own: --inputs lookbook/inputs --outputs lookbook/outputs",
        )
